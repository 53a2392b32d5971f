//! Giving an amount back to the sources it was drawn from.
//!
//! Called by `decision` for negative tracks. Invariants: whole or not at all; no meter goes below
//! zero in its running period; going to and fro gains nothing. Deliberately absent: which transaction
//! drew it.

use super::{BelowZero, Draw, Drawn, Used, line, used_of};
use crate::entitlement::source::{Overage, Source};
use crate::quantity::Quantity;

/// Gives `value` units back in reverse order, overage first.
///
/// Credits given back round down, as credits drawn round up: going to and fro gains nothing.
///
/// # Errors
/// When less was used in the running periods; then nothing is given back.
pub fn give_back(
    sources: &[Source],
    overage: Option<Overage>,
    used: &dyn Used,
    value: Quantity,
    cost: Option<Quantity>,
) -> Result<Drawn, BelowZero> {
    let (drawn, missing) = give_back_at_most(sources, overage, used, value, cost);
    if missing.is_positive() {
        return Err(BelowZero);
    }
    Ok(drawn)
}

/// Gives back as much of `value` as was used, and says how much of it was not.
#[must_use]
pub fn give_back_at_most(
    sources: &[Source],
    overage: Option<Overage>,
    used: &dyn Used,
    value: Quantity,
    cost: Option<Quantity>,
) -> (Drawn, Quantity) {
    let mut back = Back {
        cost: cost.unwrap_or(Quantity::ONE),
        units: value,
        lines: Vec::new(),
    };
    let mut beyond = Quantity::ZERO;
    if let Some((index, source)) =
        overage.and_then(|over| Some((over.source, sources.get(over.source)?)))
    {
        let limit = source.limit.unwrap_or(Quantity::LIMIT);
        let excess = used_of(source, used).saturating_sub_to_zero(limit);
        beyond = back.give(source, index, excess.min(returnable(source, used)), true);
    }
    for (index, source) in sources.iter().enumerate().rev() {
        let given = back.given(index);
        let rest = returnable(source, used).saturating_sub_to_zero(given);
        back.give(source, index, rest, false);
    }
    back.lines.sort_by_key(|line| line.source);
    let drawn = Drawn {
        lines: back.lines,
        overage_units: beyond.negate(),
    };
    (drawn, back.units)
}

/// What is still to be given back.
struct Back {
    cost: Quantity,
    units: Quantity,
    lines: Vec<Draw>,
}

impl Back {
    /// What a source already got back, as a positive amount.
    fn given(&self, index: usize) -> Quantity {
        let line = self.lines.iter().find(|line| line.source == index);
        line.map_or(Quantity::ZERO, |line| line.amount.negate())
    }

    /// Gives a source at most `most` of its own units; answers with units of the feature.
    fn give(&mut self, source: &Source, index: usize, most: Quantity, beyond: bool) -> Quantity {
        let owed = match (source.in_credits(), self.units.is_positive()) {
            (_, false) => return Quantity::ZERO,
            (false, _) => self.units,
            (true, _) => mul_floor(self.units, self.cost),
        };
        let amount = owed.min(most);
        let units = if amount == owed {
            self.units
        } else if source.in_credits() {
            let units = amount.div_floor(self.cost).unwrap_or_default();
            units.min(self.units)
        } else {
            amount
        };
        // A price of zero leaves no trace by which to tell how much was drawn.
        let free = source.in_credits() && self.cost.is_zero();
        if units.is_zero() || (most.is_zero() && !free) {
            return Quantity::ZERO;
        }
        self.units = self.units.saturating_sub_to_zero(units);
        let overage = if beyond { amount } else { Quantity::ZERO };
        match self.lines.iter_mut().find(|line| line.source == index) {
            Some(line) => {
                line.amount = difference(line.amount, amount);
                line.units = difference(line.units, units);
                line.overage = difference(line.overage, overage);
            }
            None => {
                let line = line(source, index, amount.negate(), units.negate());
                self.lines.extend(line.map(|line| Draw {
                    overage: overage.negate(),
                    ..line
                }));
            }
        }
        units
    }
}

/// What was recorded on the source's own meter and is not only held.
fn returnable(source: &Source, used: &dyn Used) -> Quantity {
    let own = source.counted.first();
    own.map_or(Quantity::ZERO, |place| {
        used.used(*place).saturating_sub_to_zero(used.held(*place))
    })
}

/// The product rounded down, for what is given back.
fn mul_floor(one: Quantity, other: Quantity) -> Quantity {
    let product = one.negate().mul_ceil(other);
    product.map_or(Quantity::LIMIT, Quantity::negate)
}

fn difference(one: Quantity, other: Quantity) -> Quantity {
    Quantity::from_raw(one.raw().saturating_sub(other.raw()))
}
