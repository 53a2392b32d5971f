//! Calls to providers: claims what is due, hands it to the threads, records what comes back.
//!
//! Driven by `visit` between everything else; never waits. Invariants: a row is claimed, sent and
//! recorded in that order, each database step in a short transaction of its own, and none is open
//! while a request is on its way; an answer that cannot be recorded yet is kept; when the lease ends
//! first, the row is read as a lost answer by whoever finds it.

use super::ground::{self, Ground};
use super::line::Lines;
use super::pool::{Came, Pool, Task};
use crate::backend::board::Board;
use crate::backend::call::Caller;
use crate::backend::clock;
use crate::backend::slot::Slot;
use crate::db::outbox::Due;
use crate::error::{Error, Result};
use crate::flow::outbox::claim::{self, Claimed, Look, Sending};
use crate::flow::outbox::record::{self, Recorded};
use crate::guc;
use chrono::{DateTime, Duration, Utc};
use owostack_domain::pace::Bucket;
use owostack_provider::account::Environment;
use owostack_provider::answer::Answer;
use owostack_provider::request::Request;
use pgrx::pg_sys;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How long to wait before a failed look, claim or recording is tried again.
const AGAIN: Duration = Duration::seconds(1);
/// How long an answer waits for who works on its customer, before it queues up for the lock.
const BUSY: Duration = Duration::milliseconds(50);
const BUSY_TRIES: u32 = 20;
/// A claim that fails keeps its row from being tried again for a while.
const AVOID: Duration = Duration::seconds(15);
/// How many rows and texts of errors are remembered.
const REMEMBERED: usize = 1_000;

/// A request on its way, or its answer that is not recorded yet.
struct Flight {
    sending: Sending,
    answer: Option<Answer>,
    tries: u32,
    next_at: DateTime<Utc>,
}

/// The calls of one worker.
pub struct Calls {
    board: &'static Board,
    slot: &'static Slot,
    database: pg_sys::Oid,
    name: String,
    pool: Option<Pool>,
    lines: Lines,
    flights: BTreeMap<Uuid, Flight>,
    /// Tokens by account, with the time of last use.
    buckets: BTreeMap<Uuid, Bucket>,
    /// Refusals of an account's key in a row.
    refusals: BTreeMap<Uuid, u32>,
    /// Rows whose claim failed, and until when they are left alone.
    avoided: BTreeMap<Uuid, DateTime<Utc>>,
    /// When to look for due rows; None: when somebody says so.
    look_at: Option<DateTime<Utc>>,
    /// When the next row comes to its time, as the last look found.
    due_at: Option<DateTime<Utc>>,
    logged: BTreeSet<String>,
}

impl Calls {
    pub fn new(board: &'static Board, slot: &'static Slot, database: pg_sys::Oid) -> Self {
        Self {
            board,
            slot,
            database,
            name: String::new(),
            pool: None,
            lines: Lines::default(),
            flights: BTreeMap::new(),
            buckets: BTreeMap::new(),
            refusals: BTreeMap::new(),
            avoided: BTreeMap::new(),
            look_at: Some(DateTime::UNIX_EPOCH),
            due_at: None,
            logged: BTreeSet::new(),
        }
    }

    /// Records what has come and sends what is due; true when there was something to do.
    pub fn turn(&mut self) -> bool {
        let recorded = self.collect();
        let now = clock::wall_time();
        if self.slot.is_called() {
            self.slot.take_call();
            self.look_at = Some(now);
        }
        let is_time = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= now);
        let looks = is_time(self.look_at) || is_time(self.due_at);
        let sent = looks && guc::outbox() && self.send_due();
        recorded || sent
    }

    /// Looks into the outbox at the next turn: a round may have made or freed jobs.
    pub fn look_soon(&mut self) {
        self.look_at = Some(clock::wall_time());
    }

    /// The file that tells of answers.
    pub fn file(&self) -> Option<i32> {
        self.pool.as_ref().map(Pool::file)
    }

    /// Whether a call is under way or an answer is not recorded yet.
    pub fn is_busy(&self) -> bool {
        !self.flights.is_empty()
    }

    /// When the next turn is needed, unless an answer comes before.
    pub fn next_at(&self) -> Option<DateTime<Utc>> {
        let answered = self.flights.values().filter(|one| one.answer.is_some());
        let records = answered.map(|one| one.next_at);
        records.chain(self.outbox_at()).min()
    }

    /// When the outbox needs a worker.
    pub fn outbox_at(&self) -> Option<DateTime<Utc>> {
        let on = guc::outbox();
        self.look_at
            .into_iter()
            .chain(self.due_at)
            .filter(|_| on)
            .min()
    }

    /// Takes in answers and records what can be recorded now.
    fn collect(&mut self) -> bool {
        if self.flights.is_empty() {
            return false;
        }
        let came = self.pool.as_mut().map(Pool::answers).unwrap_or_default();
        for Came { id, answer } in came {
            if let Some(flight) = self.flights.get_mut(&id) {
                flight.answer = Some(answer);
            }
        }
        let now = clock::wall_time();
        let ready = self
            .flights
            .iter()
            .filter(|(_, flight)| flight.answer.is_some() && flight.next_at <= now);
        let ready: Vec<Uuid> = ready.map(|(id, _)| *id).collect();
        for id in &ready {
            if let Some(flight) = self.flights.remove(id) {
                self.record(flight);
            }
        }
        !ready.is_empty()
    }

    fn record(&mut self, mut flight: Flight) {
        let Some(answer) = &flight.answer else {
            return;
        };
        let account_id = flight.sending.account_id;
        let refusals = self.refusals.get(&account_id).copied().unwrap_or(0);
        let patient = flight.tries >= BUSY_TRIES;
        let recorded = self.transact("record an answer", |caller| {
            record::record(caller, &flight.sending, answer, refusals, patient)
        });
        let now = clock::wall_time();
        // A lane, an account or a place may be free now.
        self.look_at = Some(now);
        let wait = match recorded {
            Ok(Some(Recorded::Over { good })) => {
                if good {
                    self.refusals.remove(&account_id);
                }
                return;
            }
            Ok(Some(Recorded::Unauthorized { begins })) => {
                let more = refusals.saturating_add(u32::from(begins));
                self.refusals.insert(account_id, more);
                return;
            }
            Ok(Some(Recorded::Again(sending, request))) => {
                return self.send(*sending, *request);
            }
            Ok(Some(Recorded::Busy)) => BUSY,
            Ok(None) => AGAIN,
            Err(error) => {
                self.report(&error, flight.sending.id);
                AGAIN
            }
        };
        flight.tries = flight.tries.saturating_add(1);
        flight.next_at = now + wait;
        // Once the lease is over the row is for whoever finds it.
        if flight.next_at < flight.sending.lease_until {
            self.flights.insert(flight.sending.id, flight);
        }
    }

    /// Looks for due rows and sends for as many as there is room for; true when one was sent.
    fn send_due(&mut self) -> bool {
        let now = clock::wall_time();
        self.avoided.retain(|_, until| *until > now);
        let room = guc::outbox_concurrency().saturating_sub(self.flights.len());
        // Rows that are left alone have no other wake-up than this.
        self.look_at = self.avoided.values().min().copied();
        if room == 0 {
            // The next answer makes room, and looks.
            self.due_at = None;
            return false;
        }
        let mut held_back: Vec<Uuid> = Vec::new();
        for (account, bucket) in &self.buckets {
            if bucket.ready_at() > now {
                held_back.push(*account);
                self.look_at = sooner(self.look_at, bucket.ready_at());
            }
        }
        let limit = room.saturating_add(self.avoided.len());
        let looked = self.transact("look into the outbox", |caller| {
            claim::look(caller, limit, held_back)
        });
        let Look { due, next_at } = match looked {
            Ok(found) => found.unwrap_or_default(),
            Err(error) => {
                self.report(&error, Uuid::nil());
                self.due_at = None;
                self.look_at = sooner(self.look_at, now + AGAIN);
                return false;
            }
        };
        self.due_at = next_at;
        if due.len() >= limit {
            self.look_at = sooner(self.look_at, now);
        }
        let mut sent = false;
        for one in due.into_iter().take(limit) {
            sent |= self.claim(one, now);
        }
        sent
    }

    /// Claims one row and sends for it; true when it was sent.
    fn claim(&mut self, due: Due, now: DateTime<Utc>) -> bool {
        if self.flights.contains_key(&due.id) || self.avoided.contains_key(&due.id) {
            return false;
        }
        if self.flights.len() >= guc::outbox_concurrency() {
            return false;
        }
        if let Some(bucket) = self.buckets.get(&due.account_id)
            && bucket.ready_at() > now
        {
            self.look_at = sooner(self.look_at, bucket.ready_at());
            return false;
        }
        let claimed = self
            .prepare()
            .and_then(|()| self.transact("claim a job", |caller| claim::claim(caller, due)));
        match claimed {
            Ok(Some(Claimed::Send(sending, request))) => {
                self.send(*sending, *request);
                true
            }
            Ok(Some(Claimed::Taken)) => {
                self.avoid(due.id, now + AGAIN);
                false
            }
            Ok(_) => {
                // What it waits for, or what comes after it in its lane, may be due now.
                self.look_at = sooner(self.look_at, now);
                false
            }
            Err(error) => {
                self.report(&error, due.id);
                self.avoid(due.id, now + AVOID);
                false
            }
        }
    }

    /// Leaves a row alone for a while.
    fn avoid(&mut self, id: Uuid, until: DateTime<Utc>) {
        if self.avoided.len() < REMEMBERED {
            self.avoided.insert(id, until);
        }
        self.look_at = sooner(self.look_at, until);
    }

    fn prepare(&mut self) -> Result<()> {
        let pool = match &mut self.pool {
            Some(pool) => pool,
            none => none.insert(Pool::new()?),
        };
        pool.prepare()
    }

    /// Puts a request on its way.
    fn send(&mut self, sending: Sending, request: Request) {
        let now = clock::wall_time();
        let rates = sending.provider.capabilities().rates;
        let per_minute = match sending.account.environment {
            Environment::Live => rates.live_per_minute,
            Environment::Test => rates.test_per_minute,
        };
        self.buckets
            .entry(sending.account_id)
            .or_insert_with(|| Bucket::new(per_minute, rates.burst))
            .take(now);
        let id = sending.id;
        let handed = match self.lines.line() {
            Ok(line) => self.hand_over(Task { id, line, request }),
            Err(why) => Err(Error::wrong_state(why)),
        };
        // What could not even be handed over has not been sent.
        let answer = handed
            .err()
            .map(|error| Answer::NotSent(error.message().to_owned()));
        let flight = Flight {
            sending,
            answer,
            tries: 0,
            next_at: now,
        };
        self.flights.insert(id, flight);
    }

    fn hand_over(&mut self, task: Task) -> Result<()> {
        self.prepare()?;
        match &mut self.pool {
            Some(pool) => pool.send(task),
            None => Err(Error::internal("there are no threads")),
        }
    }

    /// One step in a transaction of its own; None where the ground is not firm.
    fn transact<T>(
        &mut self,
        activity: &str,
        body: impl FnOnce(&Caller) -> Result<T>,
    ) -> Result<Option<T>> {
        self.slot.heartbeat_at.set(Some(clock::wall_time()));
        match ground::on_ground(self.database, &mut self.name, activity, body)? {
            Ground::Firm(value) => Ok(Some(value)),
            Ground::Gone | Ground::Leaving => Ok(None),
        }
    }

    /// Puts an error on the board, and into the log if it is a new one.
    fn report(&mut self, error: &Error, id: Uuid) {
        let text = format!("outbox row {id}: {}", error.message());
        self.slot.errors.add(1);
        self.slot.error_at.set(Some(clock::wall_time()));
        self.board.set_error(self.slot, &text);
        if self.logged.len() >= REMEMBERED {
            self.logged.clear();
        }
        if self.logged.insert(text) {
            let whose = format!(
                "owostack worker in database \"{}\", outbox row {id}",
                self.name
            );
            error.clone().log(&whose);
        }
    }
}

fn sooner(known: Option<DateTime<Utc>>, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    known.into_iter().chain([at]).min()
}
