//! The plan of a provider's subscription: what it bills now, and what it will change to.
//!
//! Invariants: a plan that the provider changed to begins a row in place of the one before, and the
//! provider's id goes on with it; what we are about to change ourselves is left alone; a change that
//! the provider has scheduled stands beside its row until it comes or is dropped there.

use super::locate;
use super::subscription::Hearing;
use crate::backend::spi::Snapshot as View;
use crate::db;
use crate::error::Result;
use crate::flow::attach;
use crate::flow::checkout;
use owostack_domain::entitlement::facts::{PlanChange, Status, Subscription};
use owostack_domain::ids;
use owostack_domain::subscription::open::{Opening, Origin};
use owostack_domain::subscription::snapshot::settle;
use owostack_domain::switch::Terms;
use owostack_provider::object::Snapshot;
use uuid::Uuid;

impl Hearing<'_, '_> {
    /// The provider bills another plan now: it begins in place of the one before.
    pub(super) fn follow_plan(&mut self, terms: Option<&Terms>) -> Result<()> {
        let row = self.row()?;
        let Some(terms) = terms.filter(|terms| row.is_live() && !terms.is_same_choice(&row)) else {
            return Ok(());
        };
        // What it bills still is what we are about to change.
        if db::outbox::is_wanted(&View::latest()?, row.id, "change")? {
            return Ok(());
        }
        let id = self.successor(&row, terms);
        let standing = self.heard.standing();
        let waited = self.life.checkout_of(id).cloned();
        let trial = standing.trial.filter(|_| row.is_in_trial());
        let opening = Opening {
            id,
            terms,
            origin: Origin::Switch {
                from: &row,
                paid_upgrade: checkout::is_upgrade(&self.life, terms),
            },
            trial_ends_at: trial.map(|trial| trial.ends_at),
            at: self.life.now(),
        };
        let mut next = opening.open(&self.life.facts);
        next.linked = true;
        // Their trial, once over, is over for this row too.
        next.trial_ends_at = next.trial_ends_at.or(row.trial_ends_at);
        settle(&mut next, &self.told(&standing));
        let label = self.life.label(row.id);
        let label = self.life.find(id).is_none().then_some(label);
        attach::begin(&mut self.life, next, Some(row.id), label)?;
        if let Some(checkout) = waited {
            let now = self.life.now();
            self.life.close(&checkout, "completed", None, None, now)?;
        }
        self.row_id = id;
        self.move_link()
    }

    /// The row that the other plan begins as: one that waits for it, or that a date would begin.
    fn successor(&self, row: &Subscription, terms: &Terms) -> Uuid {
        let mut waiting = self.life.facts.subscriptions.iter();
        let waiting = waiting.find(|one| {
            one.status == Status::Incomplete
                && terms.is_same_choice(one)
                && self.life.label(one.id).provider == self.case.source.provider
        });
        if let Some(waiting) = waiting {
            return waiting.id;
        }
        let mut changes = self.life.facts.plan_changes.iter();
        let change =
            changes.find(|one| one.subscription_id == row.id && one.to_plan_id == terms.plan_id);
        match change {
            Some(change) => ids::derived(change.id, "subscription"),
            None => {
                let cycle = terms.cycle_key.as_deref().unwrap_or_default();
                ids::derived(row.id, &format!("change:{}:{cycle}", terms.plan_id))
            }
        }
    }

    /// The plan that the provider will change to.
    pub(super) fn follow_pending(&mut self, told: &Snapshot) -> Result<()> {
        let row = self.row()?;
        let scheduled = self.life.facts.plan_changes.iter();
        let scheduled = scheduled.filter(|one| one.subscription_id == row.id);
        let scheduled = scheduled.min_by_key(|one| one.id).cloned();
        let wanted = match &told.pending {
            Some(pending) if row.is_live() => {
                let product = pending.product.as_deref();
                let terms = locate::terms_of(self.case, &mut self.life, None, product)?;
                terms.zip(pending.at.or(row.period_end))
            }
            _ => None,
        };
        let name = |plan: Uuid, at| ids::derived(row.id, &format!("pending:{plan}:{at}"));
        let Some((terms, effective_at)) = wanted else {
            let theirs = scheduled.filter(|one| one.id == name(one.to_plan_id, one.effective_at));
            if theirs.is_some() && told.pending.is_none() {
                self.life.unschedule(row.id);
            }
            return Ok(());
        };
        if scheduled.is_some_and(|one| one.to_plan_id == terms.plan_id) {
            return Ok(());
        }
        let change = PlanChange {
            id: name(terms.plan_id, effective_at),
            subscription_id: row.id,
            to_plan_id: terms.plan_id,
            effective_at,
            cycle_key: terms.cycle_key,
            price: terms.price,
            currency: terms.currency,
            cadence: terms.cadence,
            one_time: terms.one_time,
        };
        let metadata = self.life.label(row.id).metadata;
        self.life.schedule(change, metadata);
        Ok(())
    }
}
