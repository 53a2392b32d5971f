//! The numbers of an answer, in units of the feature asked about.
//!
//! Called by `decision` and `explain`. Invariant: the balance is the largest amount that can be
//! drawn without overage, to the last decimal. Deliberately absent: whether it may be drawn.

use crate::draw::{Used, room, used_of};
use crate::entitlement::{Entitlement, FeatureType, GrantState, Source};
use crate::quantity::Quantity;

/// Usage, limit, balance and overage of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Drawn from allowances, plus overage.
    pub usage: Quantity,
    /// Allowances of the running periods; None: unlimited.
    pub usage_limit: Option<Quantity>,
    /// What can be drawn without overage; None: unlimited.
    pub balance: Option<Quantity>,
    /// Usage beyond the limit, over all sources together; None where nothing is counted.
    pub overage: Option<Quantity>,
    /// What is charged as overage: usage beyond the limit, source by source.
    pub overage_billable: Quantity,
}

impl Numbers {
    /// Nothing granted, nothing used.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            usage: Quantity::ZERO,
            usage_limit: Some(Quantity::ZERO),
            balance: Some(Quantity::ZERO),
            overage: Some(Quantity::ZERO),
            overage_billable: Quantity::ZERO,
        }
    }

    /// Granted, and not counted.
    const fn uncounted() -> Self {
        Self {
            usage_limit: None,
            balance: None,
            overage: None,
            ..Self::nothing()
        }
    }
}

/// The numbers of a metered feature, or of one that is not counted.
#[must_use]
pub fn numbers(entitlement: &Entitlement, used: &dyn Used) -> Numbers {
    if entitlement.grant != GrantState::Granted {
        return Numbers::nothing();
    }
    if matches!(
        entitlement.feature_type,
        FeatureType::Boolean | FeatureType::Static
    ) {
        return Numbers::uncounted();
    }
    let cost = cost(entitlement);
    let mut usage = Amount::default();
    let mut limit = Some(Amount::default());
    let mut billable = Amount::default();
    for source in &entitlement.sources {
        if !source.is_allowance() || source.rollover.is_some() {
            continue;
        }
        let drawn = used_of(source, used);
        let bound = if source.closed {
            Some(drawn)
        } else {
            source.limit
        };
        usage.add(source, drawn);
        limit = limit.zip(bound).map(|(sum, bound)| sum.with(source, bound));
        if let Some(bound) = bound {
            billable.add(source, drawn.saturating_sub_to_zero(bound));
        }
    }
    // Credits that cost nothing are without bound; what was drawn of them is nothing.
    let limit = limit.filter(|_| !pays_nothing(entitlement));
    let usage = usage.in_units(cost);
    let usage_limit = limit.map(|limit| limit.in_units(cost));
    Numbers {
        usage,
        usage_limit,
        balance: balance(entitlement, used),
        overage: Some(beyond(usage, usage_limit)),
        overage_billable: billable.in_units(cost),
    }
}

/// The numbers of an entity feature with that many entities.
#[must_use]
pub(super) fn of_entities(entitlement: &Entitlement, count: Quantity) -> Numbers {
    // Without a source the sum is zero: whatever is there is too much.
    let limits = entitlement.sources.iter().map(|source| source.limit);
    let limit = limits.sum_all();
    let overage = beyond(count, limit);
    Numbers {
        usage: count,
        usage_limit: limit,
        balance: limit.map(|limit| limit.saturating_sub_to_zero(count)),
        overage: Some(overage),
        overage_billable: overage,
    }
}

/// Usage beyond the limit.
fn beyond(usage: Quantity, limit: Option<Quantity>) -> Quantity {
    limit.map_or(Quantity::ZERO, |limit| usage.saturating_sub_to_zero(limit))
}

/// Sums limits, of which any may be absent.
trait SumAll {
    fn sum_all(self) -> Option<Quantity>;
}

impl<I: Iterator<Item = Option<Quantity>>> SumAll for I {
    fn sum_all(mut self) -> Option<Quantity> {
        self.try_fold(Quantity::ZERO, |total, limit| Some(sum(total, limit?)))
    }
}

/// What can be drawn without overage.
///
/// Neighbours in order that give credits are one sum, divided once: exactly what `draw` charges.
fn balance(entitlement: &Entitlement, used: &dyn Used) -> Option<Quantity> {
    if pays_nothing(entitlement) {
        return None;
    }
    let cost = cost(entitlement);
    let mut units = Quantity::ZERO;
    let mut credits = Quantity::ZERO;
    for source in &entitlement.sources {
        let rest = room(source, used)?;
        if source.in_credits() {
            credits = sum(credits, rest);
        } else if rest.is_positive() {
            units = sum(units, sum(rest, to_units(credits, cost)));
            credits = Quantity::ZERO;
        }
    }
    Some(sum(units, to_units(credits, cost)))
}

/// True when some source gives credits that cost nothing.
fn pays_nothing(entitlement: &Entitlement) -> bool {
    let free = |source: &Source| source.in_credits() && source.is_open();
    cost(entitlement).is_zero() && entitlement.sources.iter().any(free)
}

/// Credits per unit; one where none are needed.
pub(super) fn cost(entitlement: &Entitlement) -> Quantity {
    let credit = entitlement.credit.as_ref();
    credit.map_or(Quantity::ONE, |credit| credit.cost)
}

/// Units that so many credits pay for; none where they cost nothing.
pub(super) fn to_units(credits: Quantity, cost: Quantity) -> Quantity {
    credits.div_floor(cost).unwrap_or_default()
}

/// Units of the feature and credits, kept apart so that credits are divided once.
#[derive(Debug, Clone, Copy, Default)]
struct Amount {
    units: Quantity,
    credits: Quantity,
}

impl Amount {
    fn add(&mut self, source: &Source, amount: Quantity) {
        *self = self.with(source, amount);
    }

    fn with(self, source: &Source, amount: Quantity) -> Self {
        if source.in_credits() {
            Self {
                credits: sum(self.credits, amount),
                ..self
            }
        } else {
            Self {
                units: sum(self.units, amount),
                ..self
            }
        }
    }

    fn in_units(self, cost: Quantity) -> Quantity {
        sum(self.units, to_units(self.credits, cost))
    }
}

/// Sums of counted quantities stay far inside 128 bits; should one not, it stays at the edge.
pub(super) fn sum(one: Quantity, other: Quantity) -> Quantity {
    Quantity::from_raw(one.raw().saturating_add(other.raw()))
}
