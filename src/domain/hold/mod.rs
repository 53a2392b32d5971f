//! Holds: units drawn before their amount is known, and what is kept of them afterwards.
//!
//! Called by `flow/hold`. Invariants: a hold remembers every place that counts it, so that what it
//! does not need returns to exactly those; what was touched last is undone first; keeping all of a
//! hold changes nothing. Deliberately absent: its state, which is a row.

pub mod stored;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::draw::{Drawn, Open};
use crate::entitlement::{Entitlement, SourceKind, Subject};
use crate::meter_key::{MeterKey, MeterPeriod};
use crate::period::{Period, Time};
use crate::quantity::Quantity;

/// A meter in one of its periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The meter.
    pub key: MeterKey,
    /// The period.
    pub period: Period,
}

impl Place {
    /// Its name where usage is summed.
    #[must_use]
    pub fn meter_period(&self) -> MeterPeriod {
        self.key.in_period(self.period.number)
    }
}

/// What a hold drew from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it is counted.
    pub place: Place,
    /// What gave it.
    pub kind: SourceKind,
    /// In units of the meter.
    pub amount: Quantity,
    /// In units of the feature.
    pub units: Quantity,
    /// Beyond the limits; such a line stands last.
    pub overage: bool,
    /// Where a switch of plans counted the same once more, oldest first.
    pub carried: Vec<Place>,
}

/// What of a line turned into usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// In units of the meter.
    pub amount: Quantity,
    /// In units of the feature.
    pub units: Quantity,
}

/// What a value makes of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// For each line, in order.
    pub shares: Vec<Share>,
    /// Units that the hold does not cover.
    pub beyond: Quantity,
}

/// The lines of a hold that drew this much, in draw order, overage last.
#[must_use]
pub fn lines(entitlement: &Entitlement, drawn: &Drawn) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut beyond = None;
    for draw in &drawn.lines {
        let Some(source) = entitlement.sources.get(draw.source) else {
            continue;
        };
        let line = |amount: Quantity, units: Quantity, overage: bool| Line {
            place: Place {
                key: draw.meter.clone(),
                period: source.period,
            },
            kind: source.kind,
            amount,
            units,
            overage,
            carried: Vec::new(),
        };
        let mut units = draw.units;
        if draw.overage.is_positive() {
            units = units.saturating_sub_to_zero(drawn.overage_units);
            beyond = Some(line(draw.overage, drawn.overage_units, true));
        }
        let covered = draw.amount.saturating_sub_to_zero(draw.overage);
        if covered.is_positive() || units.is_positive() {
            lines.push(line(covered, units, false));
        }
    }
    lines.extend(beyond);
    lines
}

/// What `value` units use of a hold, at the price at which it was taken.
#[must_use]
pub fn keep(lines: &[Line], cost: Option<Quantity>, value: Quantity) -> Kept {
    let held = lines
        .iter()
        .fold(Quantity::ZERO, |sum, line| add(sum, line.units));
    let mut open = Open::new(value.min(held), cost);
    let shares = lines.iter().map(|line| {
        let in_credits = matches!(line.place.key.subject, Subject::CreditSystem(_));
        if !open.units.is_positive() {
            return Share::default();
        }
        let taken = open.take(in_credits, Some(line.amount)).flatten();
        let (amount, units) = taken.unwrap_or_default();
        Share { amount, units }
    });
    Kept {
        shares: shares.collect(),
        beyond: value.saturating_sub_to_zero(held),
    }
}

/// Nothing of a hold: it was released.
#[must_use]
pub fn keep_nothing(lines: &[Line]) -> Kept {
    Kept {
        shares: vec![Share::default(); lines.len()],
        beyond: Quantity::ZERO,
    }
}

/// What every place gets back, as negative amounts, where that is anything.
#[must_use]
pub fn given_back(lines: &[Line], kept: &Kept) -> HashMap<MeterPeriod, Quantity> {
    let mut changes = HashMap::new();
    for (line, share) in lines.iter().zip(&kept.shares) {
        let back = line.amount.saturating_sub_to_zero(share.amount).negate();
        if !back.is_zero() {
            count(&mut changes, line, back);
        }
    }
    changes
}

/// Adds to `sums` what the lines hold, place by place.
pub fn add_held(sums: &mut HashMap<MeterPeriod, Quantity>, lines: &[Line]) {
    for line in lines {
        count(sums, line, line.amount);
    }
}

fn count(sums: &mut HashMap<MeterPeriod, Quantity>, line: &Line, amount: Quantity) {
    for place in places(line) {
        let sum = sums.entry(place.meter_period()).or_default();
        *sum = add(*sum, amount);
    }
}

/// Notes that what was used of a meter in the period that holds `at` counts at `to` as well; true
/// when that is new for one of the lines. Who comes back to a place is counted there already.
pub fn carry(lines: &mut [Line], from: &MeterKey, at: Time, to: &Place) -> bool {
    let mut changed = false;
    for line in lines {
        if runs_on(line, from, at) && !is_at(line, to) {
            line.carried.push(to.clone());
            changed = true;
        }
    }
    changed
}

/// Whether a line is counted on a meter in the period that contains `at`.
fn runs_on(line: &Line, key: &MeterKey, at: Time) -> bool {
    places(line).any(|place| place.key == *key && place.period.contains(at))
}

fn is_at(line: &Line, to: &Place) -> bool {
    places(line).any(|place| place.key == to.key && place.period.number == to.period.number)
}

fn places(line: &Line) -> impl Iterator<Item = &Place> {
    std::iter::once(&line.place).chain(&line.carried)
}

/// Sums of counted quantities stay far inside 128 bits; should one not, it stays at the edge.
fn add(one: Quantity, other: Quantity) -> Quantity {
    Quantity::from_raw(one.raw().saturating_add(other.raw()))
}
