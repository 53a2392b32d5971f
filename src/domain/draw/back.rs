//! Giving an amount back to the sources it was drawn from.
//!
//! Called by `decision` for negative tracks. Invariants: whole or not at all; no meter goes below
//! zero in its running period, and of a pool of credits no feature gives back what others drew; going
//! to and fro gains nothing. Deliberately absent: which transaction drew it.

use super::{BelowZero, Draw, Drawn, Own, Used, line, used_of};
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
        let most = returnable(source, used);
        let excess = excess.min(most.amount);
        beyond = back.give(
            source,
            index,
            Own {
                amount: excess,
                ..most
            },
            true,
        );
    }
    for (index, source) in sources.iter().enumerate().rev() {
        let given = back.given(index);
        let most = returnable(source, used);
        let rest = Own {
            amount: most.amount.saturating_sub_to_zero(given.amount),
            units: most.units.saturating_sub_to_zero(given.units),
            carried: most.carried,
        };
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
    /// What a source already got back, as positive amounts.
    fn given(&self, index: usize) -> Own {
        let line = self.lines.iter().find(|line| line.source == index);
        line.map_or_else(Own::default, |line| Own {
            amount: line.amount.negate(),
            units: line.units.negate(),
            carried: false,
        })
    }

    /// Gives a source at most `most`; answers with units of the feature.
    fn give(&mut self, source: &Source, index: usize, most: Own, beyond: bool) -> Quantity {
        let free = source.in_credits() && self.cost.is_zero();
        // Credits alone do not tell how much was drawn: at a price of zero, nor after a lower one came.
        let open = if source.in_credits() && (free || !most.carried) {
            self.units.min(most.units)
        } else {
            self.units
        };
        let owed = match (source.in_credits(), open.is_positive()) {
            (_, false) => return Quantity::ZERO,
            (false, _) => open,
            (true, _) => mul_floor(open, self.cost),
        };
        let amount = owed.min(most.amount);
        let units = if amount == owed {
            open
        } else if source.in_credits() {
            let units = amount.div_floor(self.cost).unwrap_or_default();
            units.min(open)
        } else {
            amount
        };
        if units.is_zero() || (most.amount.is_zero() && !free) {
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

/// What was recorded on the source's own meter and is not only held; of credits what the feature drew.
fn returnable(source: &Source, used: &dyn Used) -> Own {
    let Some(place) = source.counted.first() else {
        return Own::default();
    };
    let amount = used.used(*place).saturating_sub_to_zero(used.held(*place));
    let amount = used.most(*place).map_or(amount, |most| amount.min(most));
    let own = used.own(*place).filter(|_| source.in_credits());
    own.map_or(
        Own {
            amount,
            units: Quantity::LIMIT,
            carried: false,
        },
        |own| Own {
            amount: amount.min(own.amount),
            ..own
        },
    )
}

/// The product rounded down, for what is given back.
fn mul_floor(one: Quantity, other: Quantity) -> Quantity {
    let product = one.negate().mul_ceil(other);
    product.map_or(Quantity::LIMIT, Quantity::negate)
}

fn difference(one: Quantity, other: Quantity) -> Quantity {
    Quantity::from_raw(one.raw().saturating_sub(other.raw()))
}
