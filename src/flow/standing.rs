//! Where a customer stands at a moment: facts advanced to it, entitlements resolved from them.
//!
//! Shared by checks, tracks and entities, so that they cannot differ. Nothing is written: what fell
//! due is computed from dates (invariant 4); `flow/due` makes the same steps rows.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::facts::Wanted;
use crate::db::meter::Siblings;
use crate::error::{Error, Result};
use crate::flow::carry;
use crate::flow::context::Context;
use crate::meter::{self, Used};
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::{self, Entitlement, Facts, Histories, Pool, Subscription};
use owostack_domain::period::Anchor;
use owostack_domain::rollover::{RolloverHistory, RolloverPlan};
use owostack_domain::subscription::advance::advance;
use owostack_domain::subscription::carry::put_in_succession;
use uuid::Uuid;

/// One customer at the context's time.
#[derive(Debug, Clone)]
pub struct Standing {
    facts: Facts,
    /// The time that the call has read.
    asked_at: DateTime<Utc>,
    /// The present: later, where the customer was changed while the call waited.
    now: DateTime<Utc>,
    /// Dates passed that change what is granted and have not been made rows yet. A renewal is not one:
    /// its period is arithmetic.
    due: bool,
    /// What those dates carry to new meters.
    carried: Used,
}

impl Standing {
    /// Loads the facts and projects them to the context's time.
    ///
    /// # Errors
    /// As the statements.
    pub fn load(
        context: &Context,
        snapshot: &Snapshot,
        customer: &Customer,
        wanted: Wanted,
    ) -> Result<Self> {
        let mut facts = db::facts::load(snapshot, &context.organization, customer, wanted)?;
        let before: Vec<Uuid> = facts.subscriptions.iter().map(|one| one.id).collect();
        let reached = context.reached(facts.latest_switch())?;
        let now = reached.map_or(context.now, |at| at.max(context.now));
        let steps = advance(&mut facts, now);
        let begun = facts.subscriptions.iter();
        // Also what has ended by now: it passed on what it was carried.
        let mut begun: Vec<Subscription> = begun
            .filter(|one| one.count_number > 0 && !before.contains(&one.id))
            .cloned()
            .collect();
        put_in_succession(&mut begun);
        Ok(Self {
            due: steps.iter().any(|step| step.change.is_switch()),
            carried: carry::projected(context, snapshot, &facts, &begun)?,
            asked_at: context.now,
            now,
            facts,
        })
    }

    /// The projected facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// `at`, or the present where the call means that.
    pub fn moment(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        if at < self.asked_at { at } else { self.now }
    }

    /// Whether dates have passed that are not rows yet.
    pub fn is_due(&self) -> bool {
        self.due
    }

    /// The entitlement, with rollovers still to be expanded.
    pub fn resolve(
        &self,
        feature_id: Uuid,
        entity: Option<&str>,
        at: DateTime<Utc>,
    ) -> Entitlement {
        entitlement::resolve(&self.facts, feature_id, entity, self.moment(at))
    }

    /// The entitlement with its rollovers, as far as they are known to `histories` or loaded.
    ///
    /// # Errors
    /// As the statements.
    pub fn entitlement(
        &self,
        snapshot: &Snapshot,
        feature_id: Uuid,
        entity: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<Entitlement> {
        let resolved = self.resolve(feature_id, entity, at);
        let histories = self.histories(snapshot, &resolved)?;
        Ok(entitlement::expand(&resolved, &histories))
    }

    /// The live base plan that says anything about a feature, whatever overrides say.
    pub fn base_of(&self, feature_id: Uuid, at: DateTime<Utc>) -> Option<&Subscription> {
        let id = entitlement::base_plan(&self.facts, feature_id, self.moment(at))?;
        self.facts.subscriptions.iter().find(|row| row.id == id)
    }

    /// What can be spent of a credit system, whatever its features; None when it is not loaded.
    ///
    /// # Errors
    /// As the statements.
    pub fn pool(
        &self,
        snapshot: &Snapshot,
        system_id: Uuid,
        at: DateTime<Utc>,
    ) -> Result<Option<Entitlement>> {
        let Some(resolved) = entitlement::pool(&self.facts, system_id, self.moment(at)) else {
            return Ok(None);
        };
        let histories = self.histories(snapshot, &resolved)?;
        Ok(Some(entitlement::expand(&resolved, &histories)))
    }

    /// What was used of the meters whose rest rolls over.
    ///
    /// # Errors
    /// As the statements.
    pub fn histories(&self, snapshot: &Snapshot, resolved: &Entitlement) -> Result<Histories> {
        let mut histories = Histories::new();
        for meter_id in resolved.rollovers().flat_map(RolloverPlan::meters) {
            if histories.contains_key(&meter_id) {
                continue;
            }
            let mut history = RolloverHistory::default();
            for past in db::meter::past(snapshot, self.facts.customer_id, meter_id)? {
                match past.origin {
                    None => history.used.insert(past.number, past.used),
                    Some(origin) => history.draws.insert((past.number, origin), past.used),
                };
            }
            let carried = self.carried.iter();
            for (place, amount) in carried.filter(|(place, _)| place.meter_id == meter_id) {
                let used = history.used.entry(place.number).or_default();
                let total = used.checked_add(*amount);
                *used = total.ok_or_else(|| Error::out_of_range("usage is out of range"))?;
            }
            histories.insert(meter_id, history);
        }
        Ok(histories)
    }

    /// Adds to `used` what is used of the entitlement's sources and not known yet.
    ///
    /// # Errors
    /// As the statements.
    pub fn load_used(
        &self,
        snapshot: &Snapshot,
        entitlement: &Entitlement,
        used: &mut Used,
    ) -> Result<()> {
        let mut missing = Vec::new();
        for source in &entitlement.sources {
            for pool in &source.pools {
                self.load_sum(snapshot, pool, used)?;
            }
            for meter in &source.counted {
                if !used.contains_key(meter) && !missing.contains(meter) {
                    missing.push(*meter);
                }
            }
        }
        for (meter, sum) in meter::used(snapshot, self.facts.customer_id, &missing)? {
            let carried = self.carried.get(&meter).copied().unwrap_or_default();
            let total = sum.checked_add(carried);
            used.insert(
                meter,
                total.ok_or_else(|| Error::out_of_range("usage is out of range"))?,
            );
        }
        Ok(())
    }

    fn load_sum(&self, snapshot: &Snapshot, pool: &Pool, used: &mut Used) -> Result<()> {
        let key = &pool.meter;
        let siblings = Siblings {
            subject_id: key.subject.id(),
            source_id: key.source.id(),
            cadence: key.cadence.to_string(),
            anchor_at: match key.anchor {
                Anchor::At(at) => Some(at),
                Anchor::Calendar => None,
            },
            count_number: key.count_number,
            number: pool.number,
        };
        let sum = db::meter::used_by_entities(snapshot, self.facts.customer_id, &siblings)?;
        used.insert(key.in_period(pool.number), sum);
        Ok(())
    }
}
