//! What of a meter's count was carried there, and from which meters.
//!
//! Called by `flow/carry` before usage is carried on. What a switch carries is counted at two places,
//! and after several switches at several: who comes back to a meter within its period, from a month to
//! a week and to the month again, finds there what is about to be carried to it. So a count is seen as
//! the set of places whose own draws it contains, which follows from the subscriptions by the rule that
//! carried the usage. Invariants: the draws of a place are in a count once, however often meters were
//! left and taken up again; what is in a count and cannot be told to be drawn anywhere stays in it.
//! Deliberately absent: the amounts themselves, which the rows have.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::carry::{carry, own_place};
use crate::entitlement::facts::{Facts, Subscription};
use crate::hold::Place;
use crate::meter_key::{MeterKey, MeterPeriod};
use crate::period::{Schedule, Time};
use crate::quantity::Quantity;

/// The places whose draws are in the counts of a subject's meters, as the switches until now left it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    counts: BTreeMap<MeterPeriod, BTreeSet<MeterPeriod>>,
}

/// Usage that is about to be carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Where it is counted.
    pub from: MeterPeriod,
    /// Where it will be counted as well.
    pub to: MeterPeriod,
}

/// Counts of which some have draws in common, and that one place is to count together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    to: MeterPeriod,
    counts: BTreeMap<MeterPeriod, BTreeSet<MeterPeriod>>,
}

/// What the rows say of a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// All that is counted there.
    pub used: Quantity,
    /// What was carried there of it.
    pub carried: Quantity,
}

impl Counted {
    /// What was drawn there itself.
    pub(super) const fn own(self) -> i128 {
        self.used.raw().saturating_sub(self.carried.raw())
    }
}

impl Lineage {
    /// The lineage of running meters of one subject, when the subscription `from` is left.
    #[must_use]
    pub fn of(facts: &Facts, from: &Subscription, running: &[MeterKey]) -> Self {
        let mut chain = vec![from];
        while let Some(before) = chain.last().and_then(|next| used_before(facts, next)) {
            if chain.iter().any(|known| known.is_stage(before)) {
                break;
            }
            chain.push(before);
        }
        let mut lineage = Self::default();
        let mut meters = Meters::default();
        for pair in chain.windows(2).rev() {
            if let [next, before] = pair {
                let at = next.stage_began_at();
                let own = running
                    .iter()
                    .filter_map(|key| own_place(facts, before, key, at));
                meters.add(own);
                let places = meters.keys.iter().filter_map(|key| {
                    let place = carry(facts, before, next, key, at)?;
                    Some((Move::new(facts, key, &place, at), place))
                });
                let (moves, places): (Vec<Move>, Vec<Place>) = places.unzip();
                lineage.follow(&moves);
                meters.add(places);
            }
        }
        lineage
    }

    /// What `to` counts with all that goes there; `None` where that has no draw in common with what is
    /// there, nor with each other, so that it can just be added.
    #[must_use]
    pub fn merge(&self, moves: &[Move], to: MeterPeriod) -> Option<Merge> {
        let sources = moves.iter().filter(|one| one.to == to).map(|one| one.from);
        let places: BTreeSet<MeterPeriod> = sources.chain([to]).collect();
        let counts = places.into_iter().map(|place| (place, self.count(place)));
        let merge = Merge {
            to,
            counts: counts.collect(),
        };
        let apart: usize = merge.counts.values().map(BTreeSet::len).sum();
        (merge.places().len() < apart).then_some(merge)
    }

    /// The places whose draws are in the count of one.
    pub(super) fn count(&self, place: MeterPeriod) -> BTreeSet<MeterPeriod> {
        let known = self.counts.get(&place).cloned();
        known.unwrap_or_else(|| [place].into())
    }

    /// The counts that the draws of a place are in, by where they are counted.
    pub(super) fn counts_with(
        &self,
        place: MeterPeriod,
    ) -> impl Iterator<Item = (MeterPeriod, BTreeSet<MeterPeriod>)> {
        let counts = self.counts.iter();
        let with = counts.filter(move |(_, drawn)| drawn.contains(&place));
        with.map(|(name, drawn)| (*name, drawn.clone()))
    }

    /// The moves of one switch, which happen together.
    fn follow(&mut self, moves: &[Move]) {
        let mut after = self.counts.clone();
        for one in moves {
            let to = after.entry(one.to).or_insert_with(|| [one.to].into());
            to.extend(self.count(one.from));
        }
        self.counts = after;
    }
}

impl Merge {
    /// Every place whose draws matter, and every place that is merged.
    #[must_use]
    pub fn places(&self) -> BTreeSet<MeterPeriod> {
        let drawn = self.counts.values().flatten();
        drawn.chain(self.counts.keys()).copied().collect()
    }

    /// Whether no other count has gone on from this one: what was given back there would seem to be
    /// counted here from nowhere.
    fn is_latest(&self, place: MeterPeriod) -> bool {
        let mut others = self.counts.iter().filter(|(other, _)| **other != place);
        let here = self.counts.get(&place);
        !others.any(|(other, count)| {
            let mutual = here.is_some_and(|here| here.contains(other));
            count.contains(&place) && (place == self.to || !mutual)
        })
    }

    /// What has to be added to what the place counts. Less than nothing where what was carried away has
    /// been given back since.
    ///
    /// Draws that were counted late, after a place was left, are in no other count yet and join here.
    #[must_use]
    pub fn missing(&self, counted: impl Fn(MeterPeriod) -> Counted) -> Quantity {
        let own = |place: &MeterPeriod| counted(*place).own();
        let sum = |places: &BTreeSet<MeterPeriod>| {
            places.iter().map(own).fold(0_i128, i128::saturating_add)
        };
        // Carried from where no row tells any more.
        let counts = self
            .counts
            .iter()
            .filter(|(place, _)| self.is_latest(**place));
        let beyond =
            counts.map(|(place, places)| counted(*place).used.raw().saturating_sub(sum(places)));
        let beyond = beyond.max().unwrap_or_default().max(0);
        let drawn: BTreeSet<MeterPeriod> = self.counts.values().flatten().copied().collect();
        let whole = sum(&drawn).saturating_add(beyond).max(0);
        Quantity::from_raw(whole.saturating_sub(counted(self.to).used.raw()))
    }
}

impl Move {
    /// From the running period of a meter.
    #[must_use]
    pub fn new(facts: &Facts, running: &MeterKey, place: &Place, at: Time) -> Self {
        let schedule = Schedule {
            cadence: running.cadence,
            anchor: running.anchor,
            zone: facts.zone,
        };
        Self {
            from: running.in_period(schedule.period_at(at).number),
            to: place.key.in_period(place.period.number),
        }
    }
}

/// Meters, each once, in the order in which they were come upon.
#[derive(Default)]
struct Meters {
    keys: Vec<MeterKey>,
    known: HashSet<MeterKey>,
}

impl Meters {
    fn add(&mut self, more: impl IntoIterator<Item = Place>) {
        for place in more {
            if self.known.insert(place.key.clone()) {
                self.keys.push(place.key);
            }
        }
    }
}

/// The subscription whose used units go along to `next`: none where its period was over.
#[must_use]
pub fn used_before<'a>(facts: &'a Facts, next: &'a Subscription) -> Option<&'a Subscription> {
    counted_before(facts, next).filter(|before| !before.period_over)
}

/// The subscription that counted before `next`: what it was before its anchor was moved; of base plans the
/// one whose place it took, else the one of its group that ended last before it began.
#[must_use]
pub fn counted_before<'a>(facts: &'a Facts, next: &'a Subscription) -> Option<&'a Subscription> {
    if next.anchor_moved_at.is_some() {
        return next.earlier.as_deref();
    }
    let before = |one: &Subscription| {
        next.base && one.id != next.id && one.ended_at.is_some_and(|end| end <= next.started_at)
    };
    let named = |one: &Subscription| next.follows == Some(one.id);
    facts
        .last_former_base(next.group_id, |one| before(one) && named(one))
        .or_else(|| facts.last_former_base(next.group_id, before))
}

#[cfg(test)]
#[path = "lineage_tests.rs"]
mod tests;
