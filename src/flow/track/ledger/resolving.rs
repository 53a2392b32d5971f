//! What a ledger's events are judged by: standings at the call's time, entitlements at the event's.

use super::Ledger;
use crate::backend::spi::Snapshot;
use crate::db::customer::Customer;
use crate::db::facts::Wanted;
use crate::error::{Error, Result};
use crate::flow::due;
use crate::flow::standing::Standing;
use crate::meter;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::Entitlement;
use uuid::Uuid;

impl Ledger<'_> {
    /// The entitlement for an event: of the running period, or of the one it happened in.
    ///
    /// # Errors
    /// As the statements.
    pub fn entitlement(
        &mut self,
        customer: &Customer,
        feature_id: Uuid,
        entity: Option<&str>,
        happened_at: DateTime<Utc>,
    ) -> Result<Entitlement> {
        let now = self.context.now;
        let running = self.running(customer, feature_id, entity)?;
        let happened_at = self.standing(customer, feature_id)?.moment(happened_at);
        let late = running
            .sources
            .iter()
            .any(|source| source.period.start.is_some_and(|start| start > happened_at));
        if !late && !self.rolls_over(customer.id, feature_id) {
            return Ok(running);
        }
        // What is drawn from earlier periods is judged by their whole history: nobody else may
        // write to it meanwhile, and what this call drew must be part of it.
        meter::enter_serial(customer.id);
        self.flush()?;
        let at = if late { happened_at } else { now };
        self.resolved(customer, feature_id, entity, at)
    }

    /// The entitlement of the present; kept where it depends on no earlier period.
    pub(super) fn running(
        &mut self,
        customer: &Customer,
        feature_id: Uuid,
        entity: Option<&str>,
    ) -> Result<Entitlement> {
        let name = (customer.id, feature_id, entity.map(str::to_owned));
        if let Some(known) = self.entitlements.get(&name) {
            return Ok(known.clone());
        }
        let running = self.resolved(customer, feature_id, entity, self.context.now)?;
        if !self.rolls_over(customer.id, feature_id) {
            self.entitlements.insert(name, running.clone());
        }
        Ok(running)
    }

    /// Whether anything of the feature's plans rolls over.
    pub(super) fn rolls_over(&self, customer_id: Uuid, feature_id: Uuid) -> bool {
        self.standings
            .get(&(customer_id, feature_id))
            .is_some_and(|standing| {
                standing
                    .facts()
                    .plan_features
                    .iter()
                    .any(|row| row.rollover)
            })
    }

    fn resolved(
        &mut self,
        customer: &Customer,
        feature_id: Uuid,
        entity: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<Entitlement> {
        self.standing(customer, feature_id)?;
        let standing = self
            .standings
            .get(&(customer.id, feature_id))
            .ok_or_else(|| Error::internal("a standing that was loaded"))?;
        standing.entitlement(&self.snapshot, feature_id, entity, at)
    }

    pub(super) fn standing(&mut self, customer: &Customer, feature_id: Uuid) -> Result<&Standing> {
        let key = (customer.id, feature_id);
        if !self.standings.contains_key(&key) {
            let wanted = Wanted::Feature(feature_id);
            let mut standing = Standing::load(self.context, &self.snapshot, customer, wanted)?;
            if standing.is_due() {
                // Usage that a switch carries must be on its new meter before more is counted.
                meter::lock_customer(customer.id);
                due::settle(self.context, customer.id, self.context.now)?;
                self.snapshot = Snapshot::latest()?;
                standing = Standing::load(self.context, &self.snapshot, customer, wanted)?;
            }
            self.standings.insert(key, standing);
        }
        self.standings
            .get(&key)
            .ok_or_else(|| Error::internal("a standing that was loaded"))
    }
}
