//! What is held: for returns, for checks that lack room, for switches of plans.

use super::outlook;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Result;
use crate::flow::context::Context;
use crate::meter::{self, Used};
use chrono::{DateTime, Utc};
use owostack_domain::hold::{self, Line, Place};
use owostack_domain::meter_key::MeterKey;
use uuid::Uuid;

/// What open holds count, place by place; nobody but they may give it back.
///
/// The caller has entered returns of the customer.
///
/// # Errors
/// As the statements.
pub fn held(customer_id: Uuid) -> Result<Used> {
    let lines = db::reservation::open_lines(&Snapshot::latest()?, customer_id, None)?;
    let mut held = Used::new();
    hold::add_held(&mut held, &lines);
    Ok(held)
}

/// Lines of holds whose time is over and that no row has ended yet.
///
/// # Errors
/// As the statements.
pub fn due_lines(context: &Context, customer_id: Uuid) -> Result<Vec<Line>> {
    // What was read as used before must not be newer than these rows.
    db::reservation::open_lines(&Snapshot::latest()?, customer_id, Some(context.now))
}

/// `used` without what such holds count; None where there are none. An answer, not a promise.
///
/// # Errors
/// As the statements.
pub fn without_due(context: &Context, customer_id: Uuid, used: &Used) -> Result<Option<Used>> {
    if !outlook::is_due(customer_id, context.now)? {
        return Ok(None);
    }
    let lines = due_lines(context, customer_id)?;
    if lines.is_empty() {
        return Ok(None);
    }
    let mut due = Used::new();
    hold::add_held(&mut due, &lines);
    let rest = used.iter().map(|(place, amount)| {
        let due = due.get(place).copied().unwrap_or_default();
        (*place, amount.saturating_sub_to_zero(due))
    });
    Ok(Some(rest.collect()))
}

/// Notes on open holds that what was used of meters in the periods that hold `at` counts elsewhere
/// as well; the caller holds the customer's lock alone.
///
/// # Errors
/// As the statements.
pub fn follow(customer_id: Uuid, at: DateTime<Utc>, carried: &[(MeterKey, Place)]) -> Result<()> {
    if carried.is_empty() {
        return Ok(());
    }
    for mut row in db::reservation::lock_open(customer_id, None, i64::MAX)? {
        let mut changed = false;
        for (from, to) in carried {
            changed |= hold::carry(&mut row.lines, from, at, to);
        }
        if changed {
            meter::writing(|| db::reservation::set_lines(&row))?;
        }
    }
    Ok(())
}
