//! Carrying usage to the meters of the subscription that takes a plan group over.
//!
//! Called when a life is saved, and by reads that see switches before they are rows. Invariant: what
//! is used of running periods counts on, once: the amounts are those of the latest state under the
//! customer's lock, and what a meter that is taken up again counts of them already is not added to it.
//! Deliberately absent: where usage goes, and what counts contain, which the domain decides per meter.

mod back;
mod way;

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::carry::Running;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::hold;
use crate::meter::{self, Posting, Used};
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::allowance::meter_source;
use owostack_domain::entitlement::facts::{Facts, Subject, Subscription};
use owostack_domain::hold::{self as held, Place};
use owostack_domain::interval::Cadence;
use owostack_domain::meter_key::{MeterKey, MeterPeriod, MeterSource};
use owostack_domain::period::Anchor;
use owostack_domain::quantity::Quantity;
use owostack_domain::subscription::lineage::{Counted, used_before};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;
use way::{Way, ways};

pub use back::{is_shared, most};

/// Carries what is used in each group whose place is taken by one of `begun`, in their order.
///
/// # Errors
/// As the statements.
pub fn carry_over(facts: &Facts, begun: &[Subscription]) -> Result<()> {
    for to in begun {
        let carried = carried(&Snapshot::latest()?, facts, to, &Ahead::default())?;
        post(facts, carried, to.stage_began_at())?;
    }
    Ok(())
}

/// Counts what is carried where it goes; holds follow.
fn post(facts: &Facts, carried: Vec<Carried>, at: DateTime<Utc>) -> Result<()> {
    let mut postings = Vec::with_capacity(carried.len());
    for moved in &carried {
        for (feature_id, amount) in &moved.shares {
            postings.push(Posting {
                feature_id: *feature_id,
                key: moved.to.key.clone(),
                period: moved.to.period,
                amount: *amount,
                units: Quantity::ZERO,
                kind: "carry",
                at,
                entity: None,
                metadata: None,
            });
        }
    }
    // A count is never below zero, not even on the way.
    postings.sort_by_key(|posting| Reverse(posting.amount));
    if !postings.is_empty() {
        meter::post(&postings)?;
    }
    let ways = carried.into_iter().flat_map(|moved| {
        let to = moved.to;
        moved.from.into_iter().map(move |from| (from, to.clone()))
    });
    hold::follow(facts.customer_id, at, &ways.collect::<Vec<_>>())
}

/// What [`carry_over`] would add to each meter and period.
///
/// # Errors
/// As the statements.
pub fn projected(
    context: &Context,
    snapshot: &Snapshot,
    facts: &Facts,
    begun: &[Subscription],
) -> Result<HashMap<MeterPeriod, Quantity>> {
    let mut sums: HashMap<MeterPeriod, Quantity> = HashMap::new();
    if begun.is_empty() {
        return Ok(sums);
    }
    let mut ahead = Ahead::default();
    // Holds whose time is over end before anything is carried.
    held::add_held(
        &mut ahead.over,
        &hold::due_lines(context, facts.customer_id)?,
    );
    for to in begun {
        for moved in carried(snapshot, facts, to, &ahead)? {
            let amounts = moved.shares.iter().map(|(_, amount)| *amount);
            let sum = sums.entry(moved.to.meter_period()).or_default();
            *sum = total(amounts.chain([*sum]))?;
            ahead.carried.push((moved.to, moved.shares));
        }
    }
    Ok(sums)
}

/// What a read knows that no row says yet.
#[derive(Default)]
struct Ahead {
    /// What is held of places by holds that are over.
    over: Used,
    /// What earlier switches carry, by feature.
    carried: Vec<(Place, Vec<(Uuid, Quantity)>)>,
}

/// What a place counts in addition.
struct Carried {
    from: Vec<MeterKey>,
    to: Place,
    /// By the feature that drew it: each may give back its own part of a pool of credits. What is held
    /// is nobody's yet and stands under the pool itself.
    shares: Vec<(Uuid, Quantity)>,
}

/// Where the running usage goes that this subscription takes over, and how much.
fn carried(
    snapshot: &Snapshot,
    facts: &Facts,
    to: &Subscription,
    ahead: &Ahead,
) -> Result<Vec<Carried>> {
    let Some(from) = used_before(facts, to) else {
        return Ok(Vec::new());
    };
    let (source, at) = (meter_source(to), to.stage_began_at());
    let rows = db::carry::running(snapshot, facts.customer_id, source.id(), at)?;
    let keys = rows.iter().map(|row| key(facts, source, row));
    let mut keys = keys.collect::<Result<Vec<MeterKey>>>()?;
    for (place, _) in &ahead.carried {
        let running = place.key.source == source && place.period.contains(at);
        if running && !keys.contains(&place.key) {
            keys.push(place.key.clone());
        }
    }
    let ways = ways(facts, from, to, &keys, at);
    let places = ways.iter().flat_map(|way| way.places.iter().copied());
    let places: BTreeSet<MeterPeriod> = places.collect();
    let mut counts = Counts::read(snapshot, facts.customer_id, places)?;
    counts.look(ahead)?;
    let carried = ways.into_iter().map(|way| {
        Ok(Carried {
            shares: counts.shares(&way)?,
            from: way.from,
            to: way.to,
        })
    });
    carried.collect()
}

/// What is counted of places: as a whole, and by feature.
struct Counts {
    of: HashMap<(MeterPeriod, Option<Uuid>), Counted>,
    features: HashMap<MeterPeriod, BTreeSet<Uuid>>,
}

impl Counts {
    fn read(snapshot: &Snapshot, customer_id: Uuid, places: BTreeSet<MeterPeriod>) -> Result<Self> {
        let mut counts = Self {
            of: HashMap::new(),
            features: HashMap::new(),
        };
        if places.is_empty() {
            return Ok(counts);
        }
        let places: Vec<MeterPeriod> = places.into_iter().collect();
        for row in db::carry::counted(snapshot, customer_id, &places)? {
            let counted = Counted {
                used: row.used,
                carried: row.carried,
            };
            counts.of.insert((row.place, row.feature_id), counted);
            if let Some(feature_id) = row.feature_id {
                let features = counts.features.entry(row.place).or_default();
                features.insert(feature_id);
            }
        }
        Ok(counts)
    }

    /// Counts what no row says yet.
    fn look(&mut self, ahead: &Ahead) -> Result<()> {
        for (place, held) in &ahead.over {
            let counted = self.of.entry((*place, None)).or_default();
            counted.used = total([counted.used, held.negate()])?;
        }
        for (place, shares) in &ahead.carried {
            let (name, pool) = (place.meter_period(), place.key.subject.id());
            for (feature_id, amount) in shares {
                let own = (*feature_id != pool).then_some(*feature_id);
                for of in std::iter::once(None).chain(own.map(Some)) {
                    let counted = self.of.entry((name, of)).or_default();
                    counted.used = total([counted.used, *amount])?;
                    counted.carried = total([counted.carried, *amount])?;
                }
                self.features.entry(name).or_default().extend(own);
            }
        }
        Ok(())
    }

    /// What a place counts: all of it, or a feature's part of it in credits.
    fn of(&self, place: MeterPeriod, feature_id: Option<Uuid>) -> Counted {
        let found = self.of.get(&(place, feature_id));
        found.copied().unwrap_or_default()
    }

    /// What a place counts in addition, by feature: what goes there, without what it counts already.
    fn shares(&self, way: &Way) -> Result<Vec<(Uuid, Quantity)>> {
        let missing = |feature_id: Option<Uuid>| match &way.merge {
            Some(merge) => Ok(merge.missing(|place| self.of(place, feature_id))),
            None => total(
                way.sources
                    .iter()
                    .map(|place| self.of(*place, feature_id).used),
            ),
        };
        let features = way
            .places
            .iter()
            .filter_map(|place| self.features.get(place));
        let features: BTreeSet<Uuid> = features.flatten().copied().collect();
        let mut shares = Vec::new();
        let mut rest = missing(None)?;
        for feature_id in features {
            let amount = missing(Some(feature_id))?;
            rest = total([rest, amount.negate()])?;
            shares.push((feature_id, amount));
        }
        shares.push((way.to.key.subject.id(), rest));
        shares.retain(|(_, amount)| !amount.is_zero());
        Ok(shares)
    }
}

fn total(amounts: impl IntoIterator<Item = Quantity>) -> Result<Quantity> {
    let sum = Quantity::checked_sum(amounts);
    sum.ok_or_else(|| Error::out_of_range("carried usage is out of range"))
}

fn key(facts: &Facts, source: MeterSource, row: &Running) -> Result<MeterKey> {
    let subject = if facts.credit_systems.contains_key(&row.subject_id) {
        Subject::CreditSystem(row.subject_id)
    } else {
        Subject::Feature(row.subject_id)
    };
    let cadence = Cadence::parse(&row.cadence)
        .map_err(|_| Error::internal(format!("cadence \"{}\" of a meter", row.cadence)))?;
    Ok(MeterKey {
        customer_id: facts.customer_id,
        entity: row.entity.clone(),
        subject,
        source,
        cadence,
        anchor: row.anchor_at.map_or(Anchor::Calendar, Anchor::At),
        count_number: row.count_number,
        origin: None,
    })
}
