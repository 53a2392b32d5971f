//! `owo.webhook_event`: verified webhooks, and what became of them.
//!
//! Written by `flow/webhook`. Two clocks: `received_at` is the organization's, which judges age;
//! `next_at` is real time, by which the worker goes.

use crate::arguments;
use crate::backend::database;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// What becomes of an event; the words of the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// To be applied.
    Received,
    /// Its cause is not known yet.
    Parked,
    Applied,
    /// Known, and nothing follows.
    Ignored,
    /// Of a kind that nobody knows.
    Unknown,
    /// Two customers are meant.
    Conflict,
    /// Not readable, or given up.
    Dead,
}

impl Status {
    /// The word of the column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Parked => "parked",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Unknown => "unknown",
            Self::Conflict => "conflict",
            Self::Dead => "dead",
        }
    }

    /// Whether it is still to be applied.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Received | Self::Parked)
    }
}

/// An event as it is first written.
#[derive(Debug)]
pub struct New<'a> {
    pub id: Uuid,
    pub account_id: Uuid,
    pub organization_id: Uuid,
    pub provider: &'a str,
    pub event_id: &'a str,
    pub kind: &'a str,
    pub status: Status,
    pub headers: Value,
    pub body: &'a [u8],
    pub error: Option<&'a str>,
    /// When it happened, by the provider's clock.
    pub event_at: Option<DateTime<Utc>>,
    /// By the organization's clock.
    pub received_at: DateTime<Utc>,
}

/// Writes an event; false when the account has one with that id, for whose end it waits.
///
/// # Errors
/// As `spi::run`.
pub fn insert(new: &New, now: DateTime<Utc>) -> Result<bool> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.webhook_event
             (id, account_id, organization_id, provider, event_id, kind, status, headers, body,
              error, event_at, received_at, updated_at, next_at, closed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
                 CASE WHEN $14 THEN $13 END, CASE WHEN NOT $14 THEN $13 END)
         ON CONFLICT (account_id, event_id) DO NOTHING",
    );
    let arguments = arguments![
        new.id,
        new.account_id,
        new.organization_id,
        new.provider,
        new.event_id,
        new.kind,
        new.status.as_str(),
        &new.headers,
        new.body,
        new.error,
        new.event_at,
        new.received_at,
        now,
        new.status.is_open(),
    ];
    Ok(spi::run(&INSERT, arguments)? > 0)
}

/// Id and status of the account's event with that id.
///
/// # Errors
/// As `spi::read`.
pub fn find(
    snapshot: &Snapshot,
    account_id: Uuid,
    event_id: &str,
) -> Result<Option<(Uuid, String)>> {
    static FIND: Statement = Statement::look_up(
        "SELECT id, status FROM owo.webhook_event WHERE account_id = $1 AND event_id = $2",
    );
    let found = spi::read(snapshot, &FIND, arguments![account_id, event_id], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(found.into_iter().next())
}

/// An event to be applied.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: Uuid,
    pub account_id: Uuid,
    pub organization_id: Uuid,
    pub provider: String,
    pub headers: Value,
    /// None: dropped, since it was old.
    pub body: Option<Vec<u8>>,
    /// How often it has been tried.
    pub attempts: i32,
    pub received_at: DateTime<Utc>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, organization_id, provider, headers, body, attempts, ",
            "received_at FROM owo.webhook_event ",
            $rest
        )
    };
}

fn event(row: &Row) -> Result<Event> {
    Ok(Event {
        id: row.get(0)?,
        account_id: row.get(1)?,
        organization_id: row.get(2)?,
        provider: row.get(3)?,
        headers: row.get(4)?,
        body: row.get(5)?,
        attempts: row.get(6)?,
        received_at: row.get(7)?,
    })
}

/// Ids of events that are due, oldest first, of accounts that this database may use (protocol 31).
///
/// # Errors
/// As `spi::read`.
pub fn due(snapshot: &Snapshot, now: DateTime<Utc>, count: i64) -> Result<Vec<Uuid>> {
    static DUE: Statement = Statement::look_up(
        "SELECT e.id FROM owo.webhook_event AS e
           JOIN owo.provider_binding AS b ON b.account_id = e.account_id AND b.database_oid = $1
          WHERE e.status IN ('received', 'parked') AND e.next_at <= $2
          ORDER BY e.next_at, e.received_at, e.id LIMIT $3",
    );
    spi::read(
        snapshot,
        &DUE,
        arguments![database::own(), now, count],
        |row| row.get(0),
    )
}

/// When the next event is due of an account that this database may use.
///
/// # Errors
/// As `spi::read`.
pub fn next_due(snapshot: &Snapshot) -> Result<Option<DateTime<Utc>>> {
    static NEXT: Statement = Statement::look_up(
        "SELECT min(e.next_at) FROM owo.webhook_event AS e
           JOIN owo.provider_binding AS b ON b.account_id = e.account_id AND b.database_oid = $1
          WHERE e.status IN ('received', 'parked')",
    );
    let found = spi::read(snapshot, &NEXT, arguments![database::own()], |row| {
        row.get(0)
    })?;
    Ok(found.into_iter().next().flatten())
}

/// Locks those of the events that are still open and that nobody else is at, in no order.
///
/// # Errors
/// As `spi::write`.
pub fn lock_open(ids: Vec<Uuid>) -> Result<Vec<Event>> {
    static LOCK: Statement = Statement::look_up(select!(
        "WHERE id = ANY ($1) AND status IN ('received', 'parked') FOR UPDATE SKIP LOCKED"
    ));
    spi::write(&LOCK, arguments![ids], event)
}

/// Locks an organization's event, whatever became of it.
///
/// # Errors
/// As `spi::write`.
pub fn lock(organization_id: Uuid, id: Uuid) -> Result<Option<Event>> {
    static LOCK: Statement =
        Statement::look_up(select!("WHERE organization_id = $1 AND id = $2 FOR UPDATE"));
    Ok(spi::write(&LOCK, arguments![organization_id, id], event)?.pop())
}

/// What became of an event.
#[derive(Debug, Clone)]
pub struct Outcome<'a> {
    pub status: Status,
    /// When to try again, in real time; for open ones.
    pub next_at: Option<DateTime<Utc>>,
    pub customer_id: Option<Uuid>,
    /// What must be linked first, as `kind:external id`.
    pub waits_for: Option<&'a str>,
    /// Why it is parked, in conflict or dead.
    pub error: Option<&'a str>,
    /// What was done, for a person.
    pub effects: Value,
}

/// Says what became of an event, which the caller has locked; one more attempt.
///
/// # Errors
/// As `spi::run`.
pub fn mark(id: Uuid, outcome: &Outcome, now: DateTime<Utc>) -> Result<()> {
    static MARK: Statement = Statement::look_up(
        "UPDATE owo.webhook_event
            SET status = $2, next_at = $3, customer_id = coalesce($4, customer_id),
                waits_for = $5, error = $6, effects = $7, attempts = attempts + 1,
                updated_at = $8, closed_at = CASE WHEN $3 IS NULL THEN $8 END
          WHERE id = $1",
    );
    let arguments = arguments![
        id,
        outcome.status.as_str(),
        outcome.next_at,
        outcome.customer_id,
        outcome.waits_for,
        outcome.error,
        &outcome.effects,
        now,
    ];
    spi::run(&MARK, arguments).map(|_| ())
}

/// Puts an event off that could not be tried.
///
/// # Errors
/// As `spi::run`.
pub fn put_off(id: Uuid, next_at: DateTime<Utc>) -> Result<()> {
    static PUT_OFF: Statement =
        Statement::look_up("UPDATE owo.webhook_event SET next_at = $2 WHERE id = $1");
    spi::run(&PUT_OFF, arguments![id, next_at]).map(|_| ())
}

/// Whether an object has been fetched, or could not be, since an event was last looked at.
///
/// # Errors
/// As `spi::read`.
pub fn has_looked(snapshot: &Snapshot, id: Uuid, subjects: Vec<Uuid>) -> Result<bool> {
    static LOOKED: Statement = Statement::look_up(
        "SELECT EXISTS (SELECT FROM owo.webhook_event AS e
                          JOIN owo.outbox AS o ON o.account_id = e.account_id
                         WHERE e.id = $1 AND o.subject_id = ANY ($2) AND o.kind = 'fetch'
                           AND o.state IN ('done', 'dead') AND o.created_at >= e.updated_at)",
    );
    let rows = spi::read(snapshot, &LOOKED, arguments![id, subjects], |row| {
        row.get::<bool>(0)
    })?;
    Ok(rows.into_iter().any(|looked| looked))
}

/// Makes parked events due that waited for this link; whether there were any.
///
/// # Errors
/// As `spi::run`.
pub fn unpark(account_id: Uuid, waits_for: &str, now: DateTime<Utc>) -> Result<bool> {
    static UNPARK: Statement = Statement::look_up(
        "UPDATE owo.webhook_event SET next_at = $3
          WHERE account_id = $1 AND waits_for = $2 AND status = 'parked' AND next_at > $3",
    );
    Ok(spi::run(&UNPARK, arguments![account_id, waits_for, now])? > 0)
}

/// Puts an event back to what it is judged to be now, as if it had just come.
///
/// # Errors
/// As `spi::run`.
pub fn reopen(
    id: Uuid,
    kind: &str,
    status: Status,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    static REOPEN: Statement = Statement::look_up(
        "UPDATE owo.webhook_event
            SET kind = $2, status = $3, error = $4, attempts = 0, waits_for = NULL,
                updated_at = $5,
                next_at = CASE WHEN $6 THEN $5 END, closed_at = CASE WHEN NOT $6 THEN $5 END
          WHERE id = $1",
    );
    let arguments = arguments![id, kind, status.as_str(), error, now, status.is_open()];
    spi::run(&REOPEN, arguments).map(|_| ())
}

/// Drops bodies and headers of closed events that are older than their organization keeps them, by
/// its clock; how many.
///
/// # Errors
/// As `spi::run`.
pub fn drop_bodies(now: DateTime<Utc>, count: i64) -> Result<u64> {
    static DROP: Statement = Statement::look_up(
        "UPDATE owo.webhook_event SET body = NULL, headers = '{}'
          WHERE ctid = ANY (ARRAY(
              SELECT e.ctid
                FROM owo.organization AS o
               CROSS JOIN LATERAL (
                   SELECT w.ctid FROM owo.webhook_event AS w
                    WHERE w.organization_id = o.id AND w.body IS NOT NULL
                      AND w.status NOT IN ('received', 'parked')
                      AND w.received_at < coalesce(o.clock_at, $1) - o.webhook_days * interval '1 day'
                    ORDER BY w.received_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS e
               LIMIT $2))",
    );
    spi::run(&DROP, arguments![now, count])
}
