//! What can be given back of units that are counted at several places, because a switch carried them.
//!
//! Called by returns of usage. Who gives back units where they went to, and once more where they came from,
//! would give them back twice. Invariant: in whatever order and wherever units are given back, what is
//! given back of the draws in a count is never more than was drawn. Deliberately absent: that no place goes
//! below zero, which holds for all meters (`draw`).

use std::collections::{BTreeMap, BTreeSet};

use super::lineage::{Counted, Lineage, used_before};
use crate::entitlement::allowance::meter_source;
use crate::entitlement::facts::{Facts, Subscription};
use crate::meter_key::{MeterPeriod, MeterSource};
use crate::period::Period;
use crate::quantity::Quantity;

/// The counts that hold the draws of one place, and all that have draws in common with those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharing {
    place: MeterPeriod,
    counts: BTreeMap<MeterPeriod, BTreeSet<MeterPeriod>>,
}

impl Sharing {
    /// Those of a place; `None` where nothing else counts its draws, nor it those of others.
    #[must_use]
    pub fn of(lineage: &Lineage, place: MeterPeriod) -> Option<Self> {
        let mut counts = BTreeMap::from([(place, lineage.count(place))]);
        let mut open = vec![place];
        while let Some(next) = open.pop() {
            let drawn = lineage.count(next);
            let with = drawn.iter().flat_map(|one| lineage.counts_with(*one));
            let with = with.map(|(name, _)| name).chain(drawn.iter().copied());
            for found in with {
                counts.entry(found).or_insert_with(|| {
                    open.push(found);
                    lineage.count(found)
                });
            }
        }
        (counts.len() > 1).then_some(Self { place, counts })
    }

    /// Every place that matters.
    pub fn places(&self) -> impl Iterator<Item = MeterPeriod> {
        self.counts.keys().copied()
    }

    /// Most that can be given back there: what is left in each count that its draws are in, and in all
    /// together. Nobody gives back what is `held` but its hold.
    #[must_use]
    pub fn most(
        &self,
        counted: impl Fn(MeterPeriod) -> Counted,
        held: impl Fn(MeterPeriod) -> Quantity,
    ) -> Quantity {
        let own = |place: &MeterPeriod| counted(*place).own();
        let left = |drawn: &mut dyn Iterator<Item = &MeterPeriod>, held: Quantity| {
            let sum = drawn.map(own).fold(0_i128, i128::saturating_add);
            sum.saturating_sub(held.raw())
        };
        let most_held = self.counts.keys().map(|place| held(*place)).max();
        let all = left(&mut self.counts.keys(), most_held.unwrap_or_default());
        let with = self.counts.iter();
        let with = with.filter(|(_, drawn)| drawn.contains(&self.place));
        let each = with.map(|(place, drawn)| left(&mut drawn.iter(), held(*place)));
        Quantity::from_raw(each.fold(all, i128::min).max(0))
    }
}

/// Whether a switch, or a moved anchor, carried anything to or from meters of a source in a period.
#[must_use]
pub fn was_carried(facts: &Facts, source: MeterSource, period: &Period) -> bool {
    let mut stages = facts.stages();
    stages.any(|stage| {
        meter_source(stage) == source
            && period.contains(stage.stage_began_at())
            && used_before(facts, stage).is_some()
    })
}

/// Who counts on the meters of a source now, or did last.
#[must_use]
pub fn last_on(facts: &Facts, source: MeterSource) -> Option<&Subscription> {
    match source {
        MeterSource::Group(group_id) => {
            let live = facts.live_base(group_id);
            live.or_else(|| facts.latest_former_base(group_id))
        }
        MeterSource::Subscription(id) => facts.subscriptions.iter().find(|one| one.id == id),
        MeterSource::Grant(_) | MeterSource::Override(_) | MeterSource::Default(_) => None,
    }
}
