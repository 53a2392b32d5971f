//! Which running meters go where at a switch, and what of it is counted there already.
//!
//! Called by `carry` alone. Deliberately absent: amounts.

use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Facts, Subject, Subscription};
use owostack_domain::hold::Place;
use owostack_domain::meter_key::{MeterKey, MeterPeriod};
use owostack_domain::subscription::carry::carry;
use owostack_domain::subscription::lineage::{Lineage, Merge, Move};
use std::collections::{BTreeMap, HashMap};

/// What goes to one place.
pub struct Way {
    pub from: Vec<MeterKey>,
    /// The periods of those that were running.
    pub sources: Vec<MeterPeriod>,
    pub to: Place,
    /// Where what goes there and what is there have draws in common.
    pub merge: Option<Merge>,
    /// Places whose counts decide how much it is.
    pub places: Vec<MeterPeriod>,
}

/// Where each of the running meters goes.
pub fn ways(
    facts: &Facts,
    from: &Subscription,
    to: &Subscription,
    keys: &[MeterKey],
    at: DateTime<Utc>,
) -> Vec<Way> {
    let mut going: BTreeMap<MeterPeriod, (Place, Vec<(MeterKey, Move)>)> = BTreeMap::new();
    for running in keys {
        let Some(place) = carry(facts, from, to, running, at) else {
            continue;
        };
        let one = Move::new(facts, running, &place, at);
        let (_, sources) = going.entry(one.to).or_insert((place, Vec::new()));
        sources.push((running.clone(), one));
    }
    let related = Related::of(keys);
    let ways = going.into_iter().map(|(place, (to, going))| {
        let (from_keys, moves): (Vec<MeterKey>, Vec<Move>) = going.into_iter().unzip();
        let merge = Lineage::of(facts, from, related.to(&to.key)).merge(&moves, place);
        let sources: Vec<MeterPeriod> = moves.iter().map(|one| one.from).collect();
        Way {
            places: match &merge {
                Some(merge) => merge.places().into_iter().collect(),
                None => sources.clone(),
            },
            from: from_keys,
            sources,
            to,
            merge,
        }
    });
    ways.collect()
}

/// Running meters by what they count. What an entity drew goes to its own meters or to the customer's,
/// and never from one entity to another.
struct Related {
    of_subject: HashMap<Subject, Vec<MeterKey>>,
    of_entity: HashMap<(Subject, String), Vec<MeterKey>>,
}

impl Related {
    fn of(keys: &[MeterKey]) -> Self {
        let mut related = Self {
            of_subject: HashMap::new(),
            of_entity: HashMap::new(),
        };
        for key in keys {
            let of_subject = related.of_subject.entry(key.subject).or_default();
            of_subject.push(key.clone());
            if let Some(entity) = &key.entity {
                let name = (key.subject, entity.clone());
                let of_entity = related.of_entity.entry(name).or_default();
                of_entity.push(key.clone());
            }
        }
        related
    }

    /// Those whose draws may be counted by a meter.
    fn to(&self, key: &MeterKey) -> &[MeterKey] {
        let found = match &key.entity {
            Some(entity) => self.of_entity.get(&(key.subject, entity.clone())),
            None => self.of_subject.get(&key.subject),
        };
        found.map_or(&[], Vec::as_slice)
    }
}
