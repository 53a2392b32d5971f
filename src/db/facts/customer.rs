//! Rows of one customer: subscriptions, scheduled changes, overrides, grants, entities.

use super::start;
use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{
    Grant, GrantClosing, Override, PlanChange, Status, Subscription,
};
use owostack_domain::interval::{Cadence, Interval};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Every subscription of the customer, ended ones too.
pub fn subscriptions(snapshot: &Snapshot, customer_id: Uuid) -> Result<Vec<Subscription>> {
    static SUBSCRIPTIONS: Statement = Statement::new(
        "SELECT id, plan_id, group_id, base, status, anchor_at, count_number, feature_starts,
                started_at, period_start, period_end, trial_ends_at, cancel_at, past_due_since,
                paused_at, ended_at, cycle_key, price_amount, currency, billing_interval,
                interval_count, one_time, linked, anchor_moved_at, follows_id,
                given_up_at, earlier_anchors
           FROM owo.subscription WHERE customer_id = $1",
    );
    spi::read(
        snapshot,
        &SUBSCRIPTIONS,
        arguments![customer_id],
        subscription,
    )
}

fn subscription(row: &Row) -> Result<Subscription> {
    let mut found = Subscription {
        id: row.get(0)?,
        plan_id: row.get(1)?,
        group_id: row.get(2)?,
        base: row.get(3)?,
        status: status(&row.get::<String>(4)?)?,
        anchor_at: row.get(5)?,
        count_number: row.get(6)?,
        feature_starts: start::feature_starts(&row.get::<Value>(7)?)?,
        started_at: row.get(8)?,
        period_start: row.get(9)?,
        period_end: row.get(10)?,
        trial_ends_at: row.get(11)?,
        cancel_at: row.get(12)?,
        past_due_since: row.get(13)?,
        paused_at: row.get(14)?,
        ended_at: row.get(15)?,
        cycle_key: row.get(16)?,
        price: row.get(17)?,
        currency: row.get(18)?,
        cadence: cadence(&row.get::<String>(19)?, row.get(20)?)?,
        one_time: row.get(21)?,
        linked: row.get(22)?,
        anchor_moved_at: row.get(23)?,
        earlier: None,
        period_over: false,
        follows: row.get(24)?,
        given_up_at: row.get(25)?,
    };
    found.set_starts(start::earlier(&row.get::<Value>(26)?)?);
    Ok(found)
}

/// The status that a row names.
pub fn status(text: &str) -> Result<Status> {
    Ok(match text {
        "incomplete" => Status::Incomplete,
        "trialing" => Status::Trialing,
        "active" => Status::Active,
        "past_due" => Status::PastDue,
        "paused" => Status::Paused,
        "canceled" => Status::Canceled,
        "expired" => Status::Expired,
        other => return Err(Error::internal(format!("subscription status \"{other}\""))),
    })
}

/// Interval and count as one cadence.
pub fn cadence(interval: &str, count: i32) -> Result<Cadence> {
    let interval = Interval::parse(interval)
        .map_err(|_| Error::internal(format!("billing interval \"{interval}\"")))?;
    Ok(Cadence::new(interval, u32::try_from(count).unwrap_or(1)))
}

/// Changes that wait for their date.
pub fn plan_changes(snapshot: &Snapshot, customer_id: Uuid) -> Result<Vec<PlanChange>> {
    static CHANGES: Statement = Statement::new(
        "SELECT id, subscription_id, to_plan_id, effective_at, cycle_key, price_amount, currency,
                billing_interval, interval_count, one_time
           FROM owo.plan_change WHERE customer_id = $1",
    );
    spi::read(snapshot, &CHANGES, arguments![customer_id], |row| {
        Ok(PlanChange {
            id: row.get(0)?,
            subscription_id: row.get(1)?,
            to_plan_id: row.get(2)?,
            effective_at: row.get(3)?,
            cycle_key: row.get(4)?,
            price: row.get(5)?,
            currency: row.get(6)?,
            cadence: cadence(&row.get::<String>(7)?, row.get(8)?)?,
            one_time: row.get(9)?,
        })
    })
}

/// Overrides of the customer and of its subscriptions.
pub fn overrides(snapshot: &Snapshot, customer_id: Uuid) -> Result<Vec<Override>> {
    static OVERRIDES: Statement = Statement::new(
        "SELECT id, subscription_id, feature_id, enabled, usage_limit, unlimited, value, expires_at
           FROM owo.override WHERE customer_id = $1",
    );
    spi::read(snapshot, &OVERRIDES, arguments![customer_id], |row| {
        Ok(Override {
            id: row.get(0)?,
            subscription_id: row.get(1)?,
            feature_id: row.get(2)?,
            enabled: row.get(3)?,
            usage_limit: row.get(4)?,
            unlimited: row.get(5)?,
            value: row.get(6)?,
            expires_at: row.get(7)?,
        })
    })
}

/// Grants of those credit systems.
pub fn grants(snapshot: &Snapshot, customer_id: Uuid, systems: Vec<Uuid>) -> Result<Vec<Grant>> {
    static GRANTS: Statement = Statement::look_up(
        "SELECT id, credit_system_id, amount, priority, created_at, expires_at, closed_as
           FROM owo.credit_grant WHERE customer_id = $1 AND credit_system_id = ANY ($2)",
    );
    spi::read(snapshot, &GRANTS, arguments![customer_id, systems], grant)
}

/// A grant from `id, credit_system_id, amount, priority, created_at, expires_at, closed_as`.
pub fn grant(row: &Row) -> Result<Grant> {
    let closed: Option<String> = row.get(6)?;
    Ok(Grant {
        id: row.get(0)?,
        credit_system_id: row.get(1)?,
        amount: row.get(2)?,
        priority: row.get(3)?,
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
        closed: closed.as_deref().and_then(GrantClosing::parse),
    })
}

/// Whether a payment method is stored, and whether the customer was deleted meanwhile.
pub fn marks(snapshot: &Snapshot, customer_id: Uuid) -> Result<(bool, bool)> {
    static MARKS: Statement = Statement::new(
        "SELECT EXISTS (SELECT FROM owo.payment_method WHERE customer_id = $1),
                EXISTS (SELECT FROM owo.customer WHERE id = $1 AND deleted_at IS NOT NULL)",
    );
    let found = spi::read(snapshot, &MARKS, arguments![customer_id], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// How many different entities there are, and when each was first added.
///
/// A customer with very many entities is not listed: dates matter to entity rollover only.
pub fn entities(
    snapshot: &Snapshot,
    customer_id: Uuid,
) -> Result<(i64, BTreeMap<String, DateTime<Utc>>)> {
    static COUNT: Statement =
        Statement::new("SELECT count(DISTINCT key) FROM owo.entity WHERE customer_id = $1");
    static ADDED: Statement = Statement::new(
        "SELECT key, min(created_at) FROM owo.entity WHERE customer_id = $1 GROUP BY key",
    );
    let count = spi::read(snapshot, &COUNT, arguments![customer_id], |row| {
        row.get::<i64>(0)
    })?
    .pop();
    let added = spi::read(snapshot, &ADDED, arguments![customer_id], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok((count.unwrap_or(0), added.into_iter().collect()))
}
