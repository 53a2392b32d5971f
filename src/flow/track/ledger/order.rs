//! Locks that many events need for what they mean: known once their features are resolved, and taken
//! in one order before the first of them is judged.
//!
//! So two calls that name customers in opposite orders wait for each other in one direction alone.
//! The table engine needs none: there the customers' own locks say enough. What is taken here is asked
//! for again where it is needed, which costs nothing then, and is the rule where one event comes alone.

use super::Ledger;
use crate::backend::spi::Snapshot;
use crate::error::Result;
use crate::flow::carry;
use crate::flow::hold;
use crate::flow::track::Located;
use crate::meter;
use owostack_domain::entitlement::Source;
use uuid::Uuid;

impl Ledger<'_> {
    /// Waits for what judging these events will ask for, and takes of customers beside them.
    ///
    /// # Errors
    /// As the statements.
    pub fn enter_together<'e>(
        &mut self,
        events: impl Iterator<Item = &'e Located>,
        mut takes: Vec<Uuid>,
    ) -> Result<()> {
        if !meter::is_shared() {
            return Ok(());
        }
        let (mut serial, mut returns) = (Vec::new(), Vec::new());
        for located in events {
            let (Some(customer), event) = (&located.customer, &located.event) else {
                continue;
            };
            if self.keys.is_answered(customer.id, event) {
                continue;
            }
            if self.is_serial(located)? {
                serial.push(customer.id);
            }
            if event.value.is_negative() {
                returns.push(customer.id);
            } else {
                takes.push(customer.id);
            }
        }
        takes.sort_unstable();
        takes.dedup();
        let alone = takes.len() < 2 && returns.is_empty() && serial.is_empty();
        // Holds that are over are ended by takes that lack room.
        let over = match alone {
            true => Vec::new(),
            false => hold::due_among(&takes, self.context.now)?,
        };
        if serial.is_empty() && returns.is_empty() && over.is_empty() {
            return Ok(());
        }
        meter::enter_serials(serial);
        meter::enter_holds_beside(over, returns);
        self.snapshot = Snapshot::latest()?;
        Ok(())
    }

    /// Whether an event draws from, or gives back to, what others may not touch meanwhile.
    fn is_serial(&mut self, located: &Located) -> Result<bool> {
        let (Some(customer), event) = (&located.customer, &located.event) else {
            return Ok(false);
        };
        let feature_id = located.feature.id;
        self.standing(customer, feature_id)?;
        if self.rolls_over(customer.id, feature_id) {
            return Ok(true);
        }
        let happened_at = event.happened_at(self.context)?;
        let returns = event.value.is_negative();
        if happened_at >= self.context.now && !returns {
            return Ok(false);
        }
        let happened_at = self.standing(customer, feature_id)?.moment(happened_at);
        let running = self.running(customer, feature_id, event.entity.as_deref())?;
        let facts = self.standing(customer, feature_id)?.facts();
        let serial = |source: &Source| {
            (returns && (source.in_credits() || carry::is_shared(facts, source)))
                || source.period.start.is_some_and(|start| start > happened_at)
        };
        Ok(running.sources.iter().any(serial))
    }
}
