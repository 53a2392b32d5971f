//! Writing a changed life: rows, carried usage, events.
//!
//! Invariants: only what differs from what was loaded is written; rows that end are written before
//! rows that begin, so that the index on live base plans never sees two; events stand in date order.

use super::Life;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::checkout::{Checkout, Closing};
use crate::db::event::Event;
use crate::db::subscription::{Label, Place};
use crate::error::Result;
use crate::flow::apply::renewal;
use crate::flow::attach::provider::MANUAL;
use crate::flow::carry;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Facts, Subscription};
use owostack_domain::ids;
use owostack_domain::subscription::advance;
use owostack_domain::subscription::carry::put_in_succession;
use owostack_domain::subscription::step::Change;
use serde_json::{Value, json};
use uuid::Uuid;

impl Life<'_> {
    /// Writes whatever differs from what was loaded, carries usage, tells what happened.
    ///
    /// # Errors
    /// As the statements.
    pub fn save(mut self) -> Result<Facts> {
        self.label_followers();
        self.address_followers()?;
        self.delete_changes()?;
        let mut rows = self.facts.subscriptions.clone();
        rows.sort_by_key(|row| (row.is_live(), row.started_at, row.id));
        for row in &rows {
            self.store(row)?;
        }
        self.insert_changes()?;
        carry::carry_over(&self.facts, &self.begun(&rows))?;
        self.store_checkouts()?;
        self.push()?;
        for row in rows.iter().filter(|row| self.ahead.contains(&row.id)) {
            renewal::check(self.context, self.customer.id, row)?;
        }
        self.tell()?;
        Ok(self.facts)
    }

    /// The next date of a row, the notice of a trial's end among them.
    fn due_at(&self, row: &Subscription) -> Option<DateTime<Utc>> {
        let notice = advance::trial_notice_at(row).filter(|at| *at > self.now);
        let date = advance::due_of(&self.facts, row);
        date.into_iter().chain(notice).min()
    }

    fn place(&self, due_at: Option<DateTime<Utc>>) -> Place {
        Place {
            customer_id: self.customer.id,
            organization_id: self.context.organization.id,
            due_at,
            at: self.now,
        }
    }

    fn store(&self, row: &Subscription) -> Result<()> {
        let due_at = self.due_at(row);
        match self.before.get(&row.id) {
            Some((before, due_before)) if before == row && *due_before == due_at => return Ok(()),
            Some(_) => db::subscription::update(&self.place(due_at), row)?,
            None => db::subscription::insert(&self.place(due_at), row, &self.label(row.id))?,
        }
        match row.trial_ends_at {
            Some(ends_at) if row.count_number > 0 => {
                db::subscription::insert_trial(self.customer.id, row, ends_at)
            }
            _ => Ok(()),
        }
    }

    /// Subscriptions that begin to count with this change, in order: also those whose anchor it moves.
    fn begun(&self, rows: &[Subscription]) -> Vec<Subscription> {
        let began = |row: &&Subscription| {
            let before = self.before.get(&row.id);
            let moved = |before: &Subscription| before.starts() != row.starts();
            let begins = |before: &Subscription| before.count_number == 0 || moved(before);
            row.count_number > 0 && before.is_none_or(|(before, _)| begins(before))
        };
        let mut begun: Vec<Subscription> = rows.iter().filter(began).cloned().collect();
        put_in_succession(&mut begun);
        begun
    }

    fn delete_changes(&self) -> Result<()> {
        let left = |id: Uuid| self.facts.plan_changes.iter().any(|one| one.id == id);
        let gone = self.changes_before.iter().map(|one| one.id);
        let gone: Vec<Uuid> = gone.filter(|id| !left(*id)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        db::subscription::delete_changes(self.customer.id, gone)
    }

    fn insert_changes(&self) -> Result<()> {
        for change in &self.facts.plan_changes {
            if self.changes_before.iter().any(|one| one.id == change.id) {
                continue;
            }
            let metadata = self.change_metadata.get(&change.id).cloned();
            let metadata = metadata.unwrap_or_else(|| json!({}));
            db::subscription::insert_change(&self.place(None), change, &metadata)?;
        }
        Ok(())
    }

    /// What a scheduled change began is billed by who billed the subscription before it.
    fn label_followers(&mut self) {
        for change in &self.changes_before {
            let label = Label {
                provider: self.label(change.subscription_id).provider,
                metadata: self
                    .change_metadata
                    .get(&change.id)
                    .cloned()
                    .unwrap_or_else(|| json!({})),
            };
            let id = ids::derived(change.id, "subscription");
            self.labels.entry(id).or_insert(label);
        }
    }

    /// The customer comes back from a page that nobody asked for to where it came back last.
    fn address_followers(&mut self) -> Result<()> {
        let ids = self.new_checkouts.clone();
        let asked = |one: &Checkout| one.callback_url.is_some() || one.provider == MANUAL;
        for checkout in &mut self.checkouts {
            if ids.contains(&checkout.id) && !asked(checkout) {
                let view = Snapshot::latest()?;
                checkout.callback_url = db::checkout::last_callback(&view, checkout.customer_id)?;
            }
        }
        Ok(())
    }

    fn store_checkouts(&self) -> Result<()> {
        for checkout in &self.checkouts {
            if self.new_checkouts.contains(&checkout.id) {
                db::checkout::insert(checkout, self.now)?;
            }
            if let Some(at) = checkout.expires_at.filter(|at| *at <= self.now) {
                // The provider's page ends at the same time.
                self.shut(checkout, "expired", None, None, at)?;
            }
        }
        Ok(())
    }

    /// Closes an open checkout and tells so, also the provider whose page it is.
    ///
    /// # Errors
    /// As the statements.
    pub fn close(
        &self,
        checkout: &Checkout,
        status: &str,
        reference: Option<&str>,
        reason: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let closed = self.shut(checkout, status, reference, reason, at)?;
        if closed && status != "completed" {
            self.push_close(checkout)?;
        }
        Ok(())
    }

    /// Whether it was open.
    fn shut(
        &self,
        checkout: &Checkout,
        status: &str,
        reference: Option<&str>,
        reason: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let closing = Closing {
            status,
            reference,
            reason,
            at,
        };
        if !db::checkout::close(self.customer.id, checkout.id, &closing)? {
            return Ok(false);
        }
        let data = json!({
            "checkout_id": checkout.id,
            "kind": checkout.kind,
            "subscription_id": checkout.subscription_id,
            "amount": checkout.amount,
            "currency": checkout.currency,
            "reference": reference,
            "reason": reason,
        });
        db::event::append(&self.event(&format!("checkout.{status}"), at, data))?;
        Ok(true)
    }

    fn tell(&mut self) -> Result<()> {
        let mut steps = std::mem::take(&mut self.steps);
        steps.sort_by_key(|step| step.at);
        for step in &steps {
            let event = self.event(step.change.event_type(), step.at, step.data(&self.facts));
            match step.change {
                Change::TrialEnding => {
                    let name = format!("trial_ending:{}", step.row.id);
                    db::event::append_once(&event, &name)?;
                }
                _ => db::event::append(&event)?,
            }
        }
        Ok(())
    }

    fn event<'e>(&'e self, kind: &'e str, at: DateTime<Utc>, data: Value) -> Event<'e> {
        Event {
            kind,
            organization_id: self.context.organization.id,
            organization: &self.context.organization.slug,
            customer_id: self.customer.id,
            at,
            data,
        }
    }
}
