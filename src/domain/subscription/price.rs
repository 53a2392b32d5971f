//! What beginning new terms costs at once.
//!
//! Called by `switch`. Invariants: credit and charge are rounded each by itself; nothing due is ever
//! negative, what is left of a credit is told apart. Deliberately absent: whether it is paid first.

use super::open::keeps_anchor;
use super::terms::Terms;
use crate::entitlement::facts::{Facts, Subscription};
use crate::period::Time;
use crate::proration::remaining;

/// What is due at once, and what is left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// In the currency of the new terms.
    pub amount_due: i64,
    /// What is left of the old plan's unused time after the new price is covered.
    pub credit_left: i64,
    /// Currency of what is left.
    pub credit_currency: Option<String>,
}

/// The charge for new terms less what is left of the current ones; a trial charges nothing.
#[must_use]
pub fn price(
    facts: &Facts,
    current: Option<&Subscription>,
    terms: &Terms,
    trial: bool,
    now: Time,
) -> Price {
    let charge = if trial {
        0
    } else {
        charge(facts, current, terms, now)
    };
    let credit = current.map_or(0, |row| unused(row, now));
    let currency = current.and_then(|row| row.currency.clone());
    // Ranked plans may differ in currency: then nothing can be set off.
    let apart = credit > 0 && terms.price > 0 && currency != terms.currency;
    let (amount_due, credit_left) = if apart {
        (charge, credit)
    } else {
        let due = charge.saturating_sub(credit);
        (due.max(0), due.saturating_neg().max(0))
    };
    Price {
        amount_due,
        credit_left,
        credit_currency: currency.filter(|_| credit_left > 0),
    }
}

/// The whole price, or its share for the rest of the period that goes on.
fn charge(facts: &Facts, current: Option<&Subscription>, terms: &Terms, now: Time) -> i64 {
    let running = current
        .filter(|row| keeps_anchor(row, terms, now))
        .and_then(|row| row.billing_period_at(facts.zone, now));
    match running.map(|period| (period.start, period.end)) {
        Some((Some(start), Some(end))) => remaining(terms.price, start, end, now),
        _ => terms.price,
    }
}

/// What the rest of a paid period is worth; trials and one-time plans have none.
fn unused(row: &Subscription, now: Time) -> i64 {
    match (row.period_start, row.period_end) {
        (Some(start), Some(end)) if !row.is_in_trial() && !row.one_time => {
            remaining(row.price, start, end, now)
        }
        _ => 0,
    }
}
