//! The rows of usage that a hold writes: when it is taken, and when it ends.
//!
//! Rows that take a hold back carry the time of the hold, so that both halves lie in one partition of
//! the record.

use crate::db::reservation::Reservation;
use crate::meter::Posting;
use chrono::{DateTime, Utc};
use owostack_domain::hold::{Kept, Line, Place, Share};
use owostack_domain::quantity::Quantity;

/// The kind of rows that hold units and give them back.
const HOLD: &str = "hold";
/// The kind of rows that correct a carried count.
const CARRY: &str = "carry";

/// Rows of a hold that was taken.
pub fn held(hold: &Reservation) -> Vec<Posting> {
    let mut rows = Rows::of(hold, hold.created_at);
    for line in &hold.lines {
        rows.add(&line.place, HOLD, line.amount, Quantity::ZERO);
    }
    rows.finish()
}

/// Rows of what was used beyond a hold, drawn now.
pub fn beyond(hold: &Reservation, lines: &[Line], now: DateTime<Utc>) -> Vec<Posting> {
    let mut rows = Rows::of(hold, now);
    for line in lines {
        rows.add(&line.place, line.kind.as_str(), line.amount, line.units);
    }
    rows.finish()
}

/// Rows of a hold that ends: all of it goes back, what was kept of it becomes usage where it was
/// held, and places that counted it once more keep only that.
pub fn closed(hold: &Reservation, kept: &Kept) -> Vec<Posting> {
    let mut rows = Rows::of(hold, hold.created_at);
    let lines = || hold.lines.iter().zip(&kept.shares);
    for (line, share) in lines() {
        rows.add(&line.place, HOLD, line.amount.negate(), Quantity::ZERO);
        let back = line.amount.saturating_sub_to_zero(share.amount).negate();
        for place in &line.carried {
            rows.add(place, CARRY, back, Quantity::ZERO);
        }
    }
    for (line, Share { amount, units }) in lines() {
        rows.add(&line.place, line.kind.as_str(), *amount, *units);
    }
    rows.finish()
}

/// Rows by place and kind: one for each meter touched.
struct Rows<'a> {
    hold: &'a Reservation,
    at: DateTime<Utc>,
    rows: Vec<Posting>,
}

impl<'a> Rows<'a> {
    fn of(hold: &'a Reservation, at: DateTime<Utc>) -> Self {
        Self {
            hold,
            at,
            rows: Vec::new(),
        }
    }

    fn add(&mut self, place: &Place, kind: &'static str, amount: Quantity, units: Quantity) {
        let sum = |one: Quantity, other: Quantity| {
            Quantity::from_raw(one.raw().saturating_add(other.raw()))
        };
        let known = self.rows.iter_mut().find(|row| {
            row.kind == kind && row.period.number == place.period.number && row.key == place.key
        });
        if let Some(row) = known {
            row.amount = sum(row.amount, amount);
            row.units = sum(row.units, units);
            return;
        }
        let is_usage = kind != HOLD && kind != CARRY;
        self.rows.push(Posting {
            key: place.key.clone(),
            period: place.period,
            amount,
            units,
            // What a switch carried of a hold is no feature's.
            feature_id: match kind {
                CARRY => place.key.subject.id(),
                _ => self.hold.feature_id,
            },
            kind,
            at: self.at,
            entity: self.hold.entity.clone(),
            metadata: self.hold.metadata.clone().filter(|_| is_usage),
        });
    }

    fn finish(mut self) -> Vec<Posting> {
        self.rows
            .retain(|row| !row.amount.is_zero() || !row.units.is_zero());
        self.rows
    }
}
