//! Writing `owo.subscription`, `owo.plan_change`, `owo.trial` and `owo.payment_method`.
//!
//! Reading them as facts is the matter of `db::facts`. The caller holds the customer's lock; the
//! unique index on live base plans is the last word should it not.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::backend::wake;
use crate::db::facts::start::{spell_earlier, spell_feature_starts};
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{PlanChange, Subscription};
use pgrx::pg_sys;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a row has beyond the domain's subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Who bills it.
    pub provider: String,
    pub metadata: Value,
}

/// A label with the stored next date.
type Labelled = (Label, Option<DateTime<Utc>>);

/// Label and next date of every subscription of a customer.
///
/// # Errors
/// As `spi::read`.
pub fn labels(snapshot: &Snapshot, customer_id: Uuid) -> Result<BTreeMap<Uuid, Labelled>> {
    static LABELS: Statement = Statement::look_up(
        "SELECT id, provider, metadata, due_at FROM owo.subscription WHERE customer_id = $1",
    );
    let rows = spi::read(snapshot, &LABELS, arguments![customer_id], |row| {
        let label = Label {
            provider: row.get(1)?,
            metadata: row.get(2)?,
        };
        Ok((row.get(0)?, (label, row.get(3)?)))
    })?;
    Ok(rows.into_iter().collect())
}

/// Whose row it is and what it costs to look at it again.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub customer_id: Uuid,
    pub organization_id: Uuid,
    /// Next date that changes the row.
    pub due_at: Option<DateTime<Utc>>,
    /// When it is written.
    pub at: DateTime<Utc>,
}

/// Interval count as the rows have it.
fn interval_count(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Writes a new subscription.
///
/// # Errors
/// As `spi::run`; a second live base plan of a group is refused by the index.
pub fn insert(place: &Place, row: &Subscription, label: &Label) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.subscription
             (customer_id, id, organization_id, plan_id, group_id, base, status, anchor_at,
              count_number, feature_starts, started_at, period_start, period_end, trial_ends_at,
              cancel_at, past_due_since, paused_at, ended_at, cycle_key, price_amount, currency,
              billing_interval, interval_count, one_time, linked, provider, metadata, due_at,
              created_at, updated_at, anchor_moved_at, follows_id, given_up_at,
              earlier_anchors)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $29, $30, $31, $32, $33)",
    );
    wake::note();
    spi::run(
        &INSERT,
        arguments![
            place.customer_id,
            row.id,
            place.organization_id,
            row.plan_id,
            row.group_id,
            row.base,
            row.status.as_str(),
            row.anchor_at,
            row.count_number,
            spell_feature_starts(&row.feature_starts),
            row.started_at,
            row.period_start,
            row.period_end,
            row.trial_ends_at,
            row.cancel_at,
            row.past_due_since,
            row.paused_at,
            row.ended_at,
            row.cycle_key.as_ref(),
            row.price,
            row.currency.as_ref(),
            row.cadence.interval.as_str(),
            interval_count(row.cadence.count),
            row.one_time,
            row.linked,
            &label.provider,
            &label.metadata,
            place.due_at,
            place.at,
            row.anchor_moved_at,
            row.follows,
            row.given_up_at,
            spell_earlier(&row.starts()),
        ],
    )
    .map(|_| ())
}

/// Stores state and dates; plan, price and provider of a row never change.
///
/// # Errors
/// As [`insert`].
pub fn update(place: &Place, row: &Subscription) -> Result<()> {
    static UPDATE: Statement = Statement::look_up(
        "UPDATE owo.subscription
            SET status = $3, anchor_at = $4, count_number = $5, feature_starts = $6,
                started_at = $7, period_start = $8, period_end = $9, trial_ends_at = $10,
                cancel_at = $11, past_due_since = $12, paused_at = $13, ended_at = $14,
                due_at = $15, updated_at = $16, linked = $17, anchor_moved_at = $18,
                follows_id = $19, given_up_at = $20, earlier_anchors = $21
          WHERE customer_id = $1 AND id = $2",
    );
    wake::note();
    spi::run(
        &UPDATE,
        arguments![
            place.customer_id,
            row.id,
            row.status.as_str(),
            row.anchor_at,
            row.count_number,
            spell_feature_starts(&row.feature_starts),
            row.started_at,
            row.period_start,
            row.period_end,
            row.trial_ends_at,
            row.cancel_at,
            row.past_due_since,
            row.paused_at,
            row.ended_at,
            place.due_at,
            place.at,
            row.linked,
            row.anchor_moved_at,
            row.follows,
            row.given_up_at,
            spell_earlier(&row.starts()),
        ],
    )
    .map(|_| ())
}

/// Writes a scheduled change.
///
/// # Errors
/// As `spi::run`.
pub fn insert_change(place: &Place, change: &PlanChange, metadata: &Value) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.plan_change
             (customer_id, id, subscription_id, to_plan_id, effective_at, cycle_key, price_amount,
              currency, billing_interval, interval_count, one_time, metadata, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    );
    spi::run(
        &INSERT,
        arguments![
            place.customer_id,
            change.id,
            change.subscription_id,
            change.to_plan_id,
            change.effective_at,
            change.cycle_key.as_ref(),
            change.price,
            change.currency.as_ref(),
            change.cadence.interval.as_str(),
            interval_count(change.cadence.count),
            change.one_time,
            metadata,
            place.at,
        ],
    )
    .map(|_| ())
}

/// Removes scheduled changes that were applied or taken back.
///
/// # Errors
/// As `spi::run`.
pub fn delete_changes(customer_id: Uuid, ids: Vec<Uuid>) -> Result<()> {
    static DELETE: Statement =
        Statement::look_up("DELETE FROM owo.plan_change WHERE customer_id = $1 AND id = ANY ($2)");
    spi::run(&DELETE, arguments![customer_id, ids]).map(|_| ())
}

/// Metadata of scheduled changes, for the subscriptions that they begin.
///
/// # Errors
/// As `spi::read`.
pub fn change_metadata(snapshot: &Snapshot, customer_id: Uuid) -> Result<BTreeMap<Uuid, Value>> {
    static METADATA: Statement =
        Statement::look_up("SELECT id, metadata FROM owo.plan_change WHERE customer_id = $1");
    let rows = spi::read(snapshot, &METADATA, arguments![customer_id], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.into_iter().collect())
}

/// Whether the customer has begun a trial in the group.
///
/// # Errors
/// As `spi::read`.
pub fn trial_used(snapshot: &Snapshot, customer_id: Uuid, group_id: Uuid) -> Result<bool> {
    static USED: Statement = Statement::look_up(
        "SELECT EXISTS (SELECT FROM owo.trial WHERE customer_id = $1 AND group_id = $2)",
    );
    let rows = spi::read(snapshot, &USED, arguments![customer_id, group_id], |row| {
        row.get::<bool>(0)
    })?;
    Ok(rows.into_iter().any(|used| used))
}

/// Remembers a trial for good.
///
/// # Errors
/// As `spi::run`.
pub fn insert_trial(customer_id: Uuid, row: &Subscription, ends_at: DateTime<Utc>) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.trial (customer_id, group_id, subscription_id, plan_id, started_at, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (customer_id, group_id) DO NOTHING",
    );
    spi::run(
        &INSERT,
        arguments![
            customer_id,
            row.group_id,
            row.id,
            row.plan_id,
            row.started_at,
            ends_at
        ],
    )
    .map(|_| ())
}

/// Stores a payment method of provider manual, the new default.
///
/// # Errors
/// As `spi::run`.
pub fn insert_manual_method(
    customer_id: Uuid,
    id: Uuid,
    reference: Option<&str>,
    at: DateTime<Utc>,
) -> Result<()> {
    static DEMOTE: Statement = Statement::look_up(
        "UPDATE owo.payment_method SET is_default = false WHERE customer_id = $1 AND is_default",
    );
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.payment_method (customer_id, id, provider, kind, external_id, created_at)
         VALUES ($1, $2, 'manual', 'manual', $3, $4)",
    );
    spi::run(&DEMOTE, arguments![customer_id])?;
    spi::run(&INSERT, arguments![customer_id, id, reference, at]).map(|_| ())
}

/// Erases the application's own text about a customer's subscriptions, and means of payment.
///
/// # Errors
/// As `spi::run`.
pub fn erase(customer_id: Uuid) -> Result<()> {
    static ERASE: [Statement; 3] = [
        Statement::look_up("DELETE FROM owo.payment_method WHERE customer_id = $1"),
        Statement::look_up(
            "UPDATE owo.subscription SET metadata = '{}'
              WHERE customer_id = $1 AND metadata <> '{}'",
        ),
        Statement::look_up(
            "UPDATE owo.checkout SET metadata = '{}', callback_url = NULL, url = NULL, reason = NULL
              WHERE customer_id = $1
                AND (metadata <> '{}' OR num_nonnulls(callback_url, url, reason) > 0)",
        ),
    ];
    for statement in &ERASE {
        spi::run(statement, arguments![customer_id])?;
    }
    Ok(())
}

/// The subscription's row as a composite datum.
///
/// # Errors
/// As `spi::read`.
pub fn row(customer_id: Uuid, id: Uuid) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement = Statement::look_up(
        "SELECT s FROM owo.subscription AS s WHERE customer_id = $1 AND id = $2",
    );
    let snapshot = Snapshot::latest()?;
    Ok(
        spi::read(&snapshot, &ROW, arguments![customer_id, id], |row| {
            row.composite(0)
        })?
        .pop(),
    )
}
