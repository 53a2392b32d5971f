//! Takes, returns and what is used: the small safe face over two counting engines.
//!
//! Called by `flow/` only. The table engine is the reference: an exclusive lock per customer, then
//! the latest snapshot, then rows. The shared engine (with preload) is escrow in shared memory: a
//! call waits for no other transaction. Both give equal answers to serial histories.
//!
//! Invariants (protocol 5, 17, 23, 28): what was judged is still true when its rows are written; rows
//! that count are written here and by the fold alone. Whoever changes what a customer is subscribed
//! to holds the customer's lock alone; takes hold it too, in the shared engine with others.

mod enter;
mod rest;
pub mod shared;
mod table;

use crate::backend::preload;
use crate::backend::spi::Snapshot;
use crate::backend::wake;
use crate::db;
use crate::db::pending::{Pending, PlainEvent};
use crate::error::{Error, Result};
use crate::guc;
use chrono::{DateTime, Utc};
use owostack_domain::draw::Own;
use owostack_domain::meter_key::{MeterKey, MeterPeriod};
use owostack_domain::period::Period;
use owostack_domain::quantity::Quantity;
use serde_json::Value;
use shared::{Change, View};
use std::cell::Cell;
use std::collections::HashMap;
use uuid::Uuid;

pub use enter::{
    enter_beside, enter_entities, enter_holds, enter_holds_beside, enter_one, enter_returns,
    enter_serial, enter_serials, is_shared, lock_customer, lock_customers, try_lock_customer,
};
pub use rest::{Rest, take_rest};

pub use table::blank;

/// What is used of each meter and period.
pub type Used = HashMap<MeterPeriod, Quantity>;

thread_local! {
    /// Depth of running writes; the guard triggers let rows pass while it is above zero.
    static WRITING: Cell<u32> = const { Cell::new(0) };
}

/// One amount drawn from, or given back to, one meter.
#[derive(Debug, Clone)]
pub struct Posting {
    pub key: MeterKey,
    pub period: Period,
    /// In units of the meter; negative gives back.
    pub amount: Quantity,
    /// In units of the feature.
    pub units: Quantity,
    pub feature_id: Uuid,
    /// What the record says it was drawn from.
    pub kind: &'static str,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The entity that the usage is tagged with.
    pub entity: Option<String>,
    pub metadata: Option<Value>,
}

/// Sets the shared engine up while the postmaster loads its libraries, unless it is switched off.
pub fn preload() {
    if guc::is_shared_engine() {
        shared::register();
        preload::hook(preload::Area {
            request: shared::request,
            startup: shared::startup,
        });
    }
}

/// Whether the running statement is one of ours.
pub fn is_writing() -> bool {
    WRITING.get() > 0
}

struct Writing;

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.set(WRITING.get().saturating_sub(1));
    }
}

/// Runs statements on counted tables that the guard triggers let pass.
///
/// # Errors
/// What `body` returns.
pub fn writing<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    WRITING.set(WRITING.get().saturating_add(1));
    let _writing = Writing;
    body()
}

/// What is used of each meter and period, as a check sees it.
///
/// # Errors
/// As the statements.
pub fn used(snapshot: &Snapshot, customer_id: Uuid, places: &[MeterPeriod]) -> Result<Used> {
    if shared::is_usable() {
        return shared::visible(customer_id, places);
    }
    table::used(snapshot, customer_id, places)
}

/// What a feature drew itself of each place that it shares with others: committed, and this
/// transaction's own.
///
/// The caller has entered serially, so that no two returns give back the same, and has recorded what it
/// took.
///
/// # Errors
/// As the statement.
pub fn own(
    snapshot: &Snapshot,
    customer_id: Uuid,
    feature_id: Uuid,
    places: &[MeterPeriod],
) -> Result<HashMap<MeterPeriod, Own>> {
    let pairs: Vec<(Uuid, i64)> = places.iter().map(|p| (p.meter_id, p.number)).collect();
    let own = db::meter::own(snapshot, customer_id, feature_id, &pairs)?;
    Ok(places.iter().copied().zip(own).collect())
}

/// What a check sees where a take sees more than that: what others have open. None in the table
/// engine, whose takes wait for others.
///
/// # Errors
/// As the statements of a load.
pub fn visible(customer_id: Uuid, places: &[MeterPeriod]) -> Result<Option<Used>> {
    if !shared::is_usable() {
        return Ok(None);
    }
    shared::visible(customer_id, places).map(Some)
}

/// Usage as one call judges it: the table engine remembers what the call has drawn so far, the
/// shared engine asks its entries each time.
#[derive(Debug, Default)]
pub struct Counter {
    used: HashMap<Uuid, Used>,
}

impl Counter {
    fn load(
        &mut self,
        snapshot: &Snapshot,
        customer_id: Uuid,
        places: &[MeterPeriod],
    ) -> Result<Used> {
        let known = self.used.entry(customer_id).or_default();
        let missing: Vec<MeterPeriod> = places
            .iter()
            .filter(|place| !known.contains_key(place))
            .copied()
            .collect();
        if !missing.is_empty() {
            known.extend(table::used(snapshot, customer_id, &missing)?);
        }
        let value = |place: &MeterPeriod| known.get(place).copied().unwrap_or_default();
        Ok(places.iter().map(|place| (*place, value(place))).collect())
    }

    /// Judges and draws in one step.
    ///
    /// # Errors
    /// What `judge` returns; `53400` when open transactions fill the shared memory.
    pub fn take<T>(
        &mut self,
        snapshot: &Snapshot,
        customer_id: Uuid,
        places: &[MeterPeriod],
        judge: impl Fn(&Used) -> Result<(T, Vec<Change>)>,
    ) -> Result<T> {
        if shared::is_usable() {
            return shared::judge(customer_id, places, View::Spent, judge);
        }
        let (result, changes) = judge(&self.load(snapshot, customer_id, places)?)?;
        self.remember(customer_id, &changes)?;
        Ok(result)
    }

    /// Judges and gives back in one step. `hopes` says whether it could be given back if all that is
    /// open were committed.
    ///
    /// # Errors
    /// What `judge` returns; `40001` when only somebody's open transaction is in the way.
    pub fn give_back<T>(
        &mut self,
        snapshot: &Snapshot,
        customer_id: Uuid,
        places: &[MeterPeriod],
        judge: impl Fn(&Used) -> Result<(T, Vec<Change>)>,
        hopes: impl Fn(&Used) -> bool,
    ) -> Result<T> {
        if !shared::is_usable() {
            return self.take(snapshot, customer_id, places, judge);
        }
        let refused = match shared::judge(customer_id, places, View::Certain, &judge) {
            Ok(result) => return Ok(result),
            Err(refused) => refused,
        };
        let hopeful = shared::judge(customer_id, places, View::Hopeful, |used| {
            Ok((hopes(used), Vec::new()))
        });
        match hopeful {
            Ok(true) => Err(Error::retry(
                "usage of an open transaction would have to be given back",
            )
            .hint("Try again when that transaction has ended.")),
            _ => Err(refused),
        }
    }

    fn remember(&mut self, customer_id: Uuid, changes: &[Change]) -> Result<()> {
        let known = self.used.entry(customer_id).or_default();
        for (place, amount) in changes {
            let used = known.entry(*place).or_default();
            *used = used
                .checked_add(*amount)
                .ok_or_else(|| Error::out_of_range("usage is out of range"))?;
        }
        Ok(())
    }

    /// Forgets what was loaded; what was drawn must have been recorded.
    pub fn forget(&mut self) {
        self.used.clear();
    }
}

/// Records what was taken through a [`Counter`].
///
/// # Errors
/// When a row was swallowed by somebody's trigger or rule.
pub fn record(postings: &[Posting]) -> Result<()> {
    wake::note();
    writing(|| table::post(postings))
}

/// Records prepared rows without a statement; false, and nothing done, where the table is not as we
/// made it.
pub fn record_prepared(events: &[PlainEvent]) -> bool {
    noted(db::pending::append_prepared(events))
}

/// [`record_prepared`] of one event.
pub fn record_one(event: &PlainEvent) -> bool {
    noted(db::pending::append_one(event))
}

/// The same for a row that is not prepared.
pub fn record_new(row: &Pending) -> bool {
    noted(db::pending::append_new(row))
}

/// Wakes the worker at the transaction's end if rows were written.
fn noted(written: bool) -> bool {
    if written {
        wake::note();
    }
    written
}

/// Records rows that were taken by themselves.
///
/// # Errors
/// When one was swallowed by somebody's trigger or rule.
pub fn record_rows(rows: &[Pending]) -> Result<()> {
    wake::note();
    let written = writing(|| db::pending::append(rows))?;
    if usize::try_from(written).ok() == Some(rows.len()) {
        return Ok(());
    }
    Err(Error::internal("not every usage row was written"))
}

/// Counts and records amounts that nobody judged; the caller holds the customer's lock alone.
///
/// # Errors
/// As [`record`].
pub fn post(postings: &[Posting]) -> Result<()> {
    if shared::is_usable() {
        for posting in postings {
            let place = posting.key.in_period(posting.period.number);
            shared::force(posting.key.customer_id, &[(place, posting.amount)])?;
        }
    }
    record(postings)
}
