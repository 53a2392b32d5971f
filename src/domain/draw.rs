//! Drawing an amount from sources in order, and giving one back.
//!
//! Called by `decision`. Invariants: whole or not at all; no source gives more than it allows; the
//! units of all lines are the amount asked for, and their credits its price, rounded once.
//! Deliberately absent: who may draw at the same time, which is `meter/`'s.

mod back;

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

pub use back::{give_back, give_back_at_most};

use crate::entitlement::source::{Overage, Source};
use crate::meter_key::{MeterKey, MeterPeriod};
use crate::quantity::Quantity;

/// What was used, place by place; zero where nothing was.
pub trait Used {
    /// Used of a meter in a period, open holds included.
    fn used(&self, place: MeterPeriod) -> Quantity;

    /// The part of it that is only held: nobody but its hold gives it back.
    fn held(&self, _place: MeterPeriod) -> Quantity {
        Quantity::ZERO
    }

    /// Most of it that can be given back there, where the same units are counted elsewhere as well; None:
    /// they are not.
    fn most(&self, _place: MeterPeriod) -> Option<Quantity> {
        None
    }

    /// The part of it that the feature asked about drew itself, where others draw from the same pool
    /// of credits; None: nothing is known of others.
    fn own(&self, _place: MeterPeriod) -> Option<Own> {
        None
    }
}

/// What one feature drew from a pool of credits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Own {
    /// In credits.
    pub amount: Quantity,
    /// In units of the feature.
    pub units: Quantity,
    /// Whether a switch carried some of the credits, of which no units are known.
    pub carried: bool,
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

/// Usage of which a part is only held.
pub struct WithHeld<'a> {
    /// What is used.
    pub used: &'a dyn Used,
    /// What of it is held.
    pub held: &'a dyn Used,
    /// What of it the feature itself drew; None where it shares nothing.
    pub own: Option<&'a HashMap<MeterPeriod, Own>>,
    /// Most of it that can be given back, where a switch carried it.
    pub most: &'a HashMap<MeterPeriod, Quantity>,
}

impl Used for WithHeld<'_> {
    fn used(&self, place: MeterPeriod) -> Quantity {
        self.used.used(place)
    }

    fn held(&self, place: MeterPeriod) -> Quantity {
        self.held.used(place)
    }

    fn most(&self, place: MeterPeriod) -> Option<Quantity> {
        self.most.get(&place).copied()
    }

    fn own(&self, place: MeterPeriod) -> Option<Own> {
        let own = self.own?;
        Some(own.get(&place).copied().unwrap_or_default())
    }
}

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

    fn held(&self, place: MeterPeriod) -> Quantity {
        self.used.held(place)
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
    let mut open = Open::new(value, cost);
    let mut lines = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        if !open.units.is_positive() {
            break;
        }
        if !source.is_open() {
            continue;
        }
        let room = room(source, used);
        let taken = open.take(source.in_credits(), room).ok_or(shortage)?;
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
pub(crate) struct Open {
    cost: Quantity,
    pub(crate) units: Quantity,
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
    /// All of `units`, where credits pay for them at `cost` each.
    pub(crate) fn new(units: Quantity, cost: Option<Quantity>) -> Self {
        Self {
            cost: cost.unwrap_or(Quantity::ONE),
            units,
            stretch: None,
        }
    }

    /// Takes what a source has room for, as (amount, units); the outer `None` is out of range.
    pub(crate) fn take(
        &mut self,
        in_credits: bool,
        room: Option<Quantity>,
    ) -> Option<Option<(Quantity, Quantity)>> {
        let owed = self.owed(in_credits)?;
        let amount = room.map_or(owed, |room| room.min(owed));
        if amount.is_zero() && owed.is_positive() {
            return Some(None);
        }
        let units = match self.stretch(in_credits)? {
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
    fn stretch(&self, in_credits: bool) -> Option<Option<Stretch>> {
        if !in_credits {
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
    fn owed(&self, in_credits: bool) -> Option<Quantity> {
        let stretch = self.stretch(in_credits)?;
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
    let beyond = open.owed(source.in_credits())?;
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

fn sum(one: Quantity, other: Quantity) -> Quantity {
    Quantity::from_raw(one.raw().saturating_add(other.raw()))
}
