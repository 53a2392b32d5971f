//! Drawing an amount from sources in order, and giving one back.
//!
//! Called by `decision`. Invariants: whole or not at all; no source gives more than it allows; the
//! units of all lines are the amount asked for, and their credits its price, rounded once.
//! Deliberately absent: who may draw at the same time, which is `meter/`'s.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::entitlement::source::{Overage, Source};
use crate::meter_key::{MeterKey, MeterPeriod};
use crate::quantity::Quantity;

/// What was used, place by place; zero where nothing was.
pub trait Used {
    /// Used of a meter in a period, open holds of others included.
    fn used(&self, place: MeterPeriod) -> Quantity;
}

impl Used for BTreeMap<MeterPeriod, Quantity> {
    fn used(&self, place: MeterPeriod) -> Quantity {
        self.get(&place).copied().unwrap_or_default()
    }
}

impl<S: std::hash::BuildHasher> Used for HashMap<MeterPeriod, Quantity, S> {
    fn used(&self, place: MeterPeriod) -> Quantity {
        self.get(&place).copied().unwrap_or_default()
    }
}

/// What one source gives, or gets back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// Index of the source.
    pub source: usize,
    /// Where it is recorded.
    pub meter: MeterKey,
    /// Id of that meter.
    pub meter_id: Uuid,
    /// The period.
    pub number: i64,
    /// How much, in units of the source's subject; negative for a return.
    pub amount: Quantity,
    /// The part of `amount` that lies beyond the limit.
    pub overage: Quantity,
    /// The same in units of the feature.
    pub units: Quantity,
}

impl Draw {
    /// Where it is recorded.
    #[must_use]
    pub const fn place(&self) -> MeterPeriod {
        MeterPeriod {
            meter_id: self.meter_id,
            number: self.number,
        }
    }
}

/// All that is drawn by one decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawn {
    /// One line for each meter touched, in draw order.
    pub lines: Vec<Draw>,
    /// Units of the feature beyond all limits; negative for a return.
    pub overage_units: Quantity,
}

/// Why nothing is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// The allowance does not cover it.
    LimitExceeded,
    /// Neither do the credits.
    InsufficientCredits,
    /// Overage does not go that far.
    MaxOverage,
}

/// More is given back than was used in the running period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BelowZero;

/// Usage with some draws on top.
pub struct After<'a> {
    /// What was used before.
    pub used: &'a dyn Used,
    /// What has been drawn since.
    pub lines: &'a [Draw],
}

impl Used for After<'_> {
    fn used(&self, place: MeterPeriod) -> Quantity {
        let drawn = self.lines.iter().filter(|line| line.place() == place);
        drawn.fold(self.used.used(place), |used, line| sum(used, line.amount))
    }
}

/// What counts against the limit of a source.
#[must_use]
pub fn used_of(source: &Source, used: &dyn Used) -> Quantity {
    let places = source.counted.iter();
    places.fold(Quantity::ZERO, |total, place| sum(total, used.used(*place)))
}

/// What a source still gives; `None`: without bound.
#[must_use]
pub fn room(source: &Source, used: &dyn Used) -> Option<Quantity> {
    if !source.is_open() {
        return Some(Quantity::ZERO);
    }
    let bound = [source.limit, source.ceiling].into_iter().flatten().min()?;
    Some(bound.saturating_sub_to_zero(used_of(source, used)))
}

/// Draws `value` units of the feature from the sources in order, then from overage.
///
/// `cost` is the credits per unit, needed as soon as a source gives credits.
///
/// # Errors
/// When sources and overage together do not cover it; then nothing is drawn.
pub fn draw(
    sources: &[Source],
    overage: Option<Overage>,
    used: &dyn Used,
    value: Quantity,
    cost: Option<Quantity>,
) -> Result<Drawn, Shortage> {
    let shortage = shortage(sources);
    let mut open = Open {
        cost: cost.unwrap_or(Quantity::ONE),
        units: value,
        stretch: None,
    };
    let mut lines = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        if !open.units.is_positive() {
            break;
        }
        if !source.is_open() {
            continue;
        }
        let taken = open.take(source, room(source, used)).ok_or(shortage)?;
        lines.extend(taken.and_then(|(amount, units)| line(source, index, amount, units)));
    }
    if !open.units.is_positive() {
        return Ok(Drawn {
            lines,
            overage_units: Quantity::ZERO,
        });
    }
    let Some(overage) = overage else {
        return Err(shortage);
    };
    draw_overage(sources, overage, used, &mut open, lines).ok_or(Shortage::MaxOverage)
}

/// What is still to be covered.
struct Open {
    cost: Quantity,
    units: Quantity,
    /// Set while neighbours in order pay in credits.
    stretch: Option<Stretch>,
}

/// Neighbours in order that pay in credits: their parts add up to one price, rounded once, and to
/// the units that all of it pays for.
#[derive(Clone, Copy)]
struct Stretch {
    price: Quantity,
    paid: Quantity,
    given: Quantity,
}

impl Open {
    /// Takes what a source has room for, as (amount, units); the outer `None` is out of range.
    fn take(
        &mut self,
        source: &Source,
        room: Option<Quantity>,
    ) -> Option<Option<(Quantity, Quantity)>> {
        let owed = self.owed(source)?;
        let amount = room.map_or(owed, |room| room.min(owed));
        if amount.is_zero() && owed.is_positive() {
            return Some(None);
        }
        let units = match self.stretch(source)? {
            Some(stretch) => {
                let paid = stretch.paid.checked_add(amount)?;
                let given = if amount == owed {
                    sum(stretch.given, self.units)
                } else {
                    paid.div_floor(self.cost)?
                };
                self.stretch = Some(Stretch {
                    paid,
                    given,
                    ..stretch
                });
                given.saturating_sub_to_zero(stretch.given).min(self.units)
            }
            None => {
                self.stretch = None;
                amount
            }
        };
        self.units = self.units.saturating_sub_to_zero(units);
        Some(Some((amount, units)))
    }

    /// The running stretch, or one that begins here; none for the feature's own units.
    fn stretch(&self, source: &Source) -> Option<Option<Stretch>> {
        if !source.in_credits() {
            return Some(None);
        }
        if self.stretch.is_some() {
            return Some(self.stretch);
        }
        Some(Some(Stretch {
            price: self.units.mul_ceil(self.cost)?,
            paid: Quantity::ZERO,
            given: Quantity::ZERO,
        }))
    }

    /// What all open units come to in units of the source.
    fn owed(&self, source: &Source) -> Option<Quantity> {
        let stretch = self.stretch(source)?;
        Some(stretch.map_or(self.units, |stretch| {
            stretch.price.saturating_sub_to_zero(stretch.paid)
        }))
    }
}

/// Adds the open rest to the meter that takes overage; `None` when it does not go that far.
fn draw_overage(
    sources: &[Source],
    overage: Overage,
    used: &dyn Used,
    open: &mut Open,
    mut lines: Vec<Draw>,
) -> Option<Drawn> {
    let source = sources.get(overage.source)?;
    let beyond = open.owed(source)?;
    let before = used_of(
        source,
        &After {
            used,
            lines: &lines,
        },
    );
    let total = before.checked_add(beyond)?;
    let limit = source.limit?;
    let too_much = |max: Quantity| total.saturating_sub_to_zero(limit) > max;
    if overage.max.is_some_and(too_much) || source.ceiling.is_some_and(|most| total > most) {
        return None;
    }
    let units = open.units;
    let own = lines.iter_mut().find(|line| line.source == overage.source);
    match own {
        Some(line) => {
            line.amount = sum(line.amount, beyond);
            line.units = sum(line.units, units);
            line.overage = beyond;
        }
        None => {
            let line = line(source, overage.source, beyond, units)?;
            lines.push(Draw {
                overage: beyond,
                ..line
            });
        }
    }
    Some(Drawn {
        lines,
        overage_units: units,
    })
}

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
        beyond = back.give(source, index, excess.min(own_used(source, used)), true);
    }
    for (index, source) in sources.iter().enumerate().rev() {
        let given = back.given(index);
        let rest = own_used(source, used).saturating_sub_to_zero(given);
        back.give(source, index, rest, false);
    }
    if back.units.is_positive() {
        return Err(BelowZero);
    }
    back.lines.sort_by_key(|line| line.source);
    Ok(Drawn {
        lines: back.lines,
        overage_units: beyond.negate(),
    })
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

/// What was recorded on the source's own meter.
fn own_used(source: &Source, used: &dyn Used) -> Quantity {
    let own = source.counted.first();
    own.map_or(Quantity::ZERO, |place| used.used(*place))
}

fn line(source: &Source, index: usize, amount: Quantity, units: Quantity) -> Option<Draw> {
    let place = source.counted.first()?;
    Some(Draw {
        source: index,
        meter: source.meter.clone(),
        meter_id: place.meter_id,
        number: place.number,
        amount,
        overage: Quantity::ZERO,
        units,
    })
}

/// What a shortage is called: whoever pays from credits lacks credits.
fn shortage(sources: &[Source]) -> Shortage {
    if sources.iter().any(Source::in_credits) {
        Shortage::InsufficientCredits
    } else {
        Shortage::LimitExceeded
    }
}

/// The product rounded down, for what is given back.
fn mul_floor(one: Quantity, other: Quantity) -> Quantity {
    let product = one.negate().mul_ceil(other);
    product.map_or(Quantity::LIMIT, Quantity::negate)
}

fn sum(one: Quantity, other: Quantity) -> Quantity {
    Quantity::from_raw(one.raw().saturating_add(other.raw()))
}

fn difference(one: Quantity, other: Quantity) -> Quantity {
    Quantity::from_raw(one.raw().saturating_sub(other.raw()))
}
