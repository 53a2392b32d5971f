//! One customer's subscriptions while they are being changed: load, let dates act, change, save.
//!
//! Called by every flow that touches a subscription. Invariants: the customer's lock is held from
//! before `load` until the transaction ends; what fell due is applied before anything else is
//! decided. Deliberately absent: what is to be changed, and how it is written (`save`).

mod push;
mod save;

use crate::backend::order;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::checkout::Checkout;
use crate::db::customer::Customer;
use crate::db::facts::Wanted;
use crate::db::subscription::Label;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Facts, Plan, PlanChange, Status, Subscription};
use owostack_domain::ids;
use owostack_domain::subscription::advance;
use owostack_domain::subscription::state::{self, Outcome};
use owostack_domain::subscription::step::{Change, Step};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How long a checkout may be completed; as the large payment providers do it.
pub const CHECKOUT_HOURS: i64 = 24;

/// Who wants a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// We do, or a date does: a provider hears of it.
    Ours,
    /// A provider told us so: it is not told back, but what follows elsewhere is.
    Provider,
}

/// Subscriptions, scheduled changes and open checkouts of one customer.
pub struct Life<'a> {
    pub context: &'a Context,
    pub customer: Customer,
    pub facts: Facts,
    pub origin: Origin,
    /// Checkouts that nobody has closed.
    pub checkouts: Vec<Checkout>,
    /// Those among them that are not written yet.
    new_checkouts: Vec<Uuid>,
    labels: BTreeMap<Uuid, Label>,
    change_metadata: BTreeMap<Uuid, Value>,
    before: BTreeMap<Uuid, (Subscription, Option<DateTime<Utc>>)>,
    changes_before: Vec<PlanChange>,
    steps: Vec<Step>,
    /// Rows that a date has ended.
    dated: BTreeSet<Uuid>,
    /// Rows that another one of their group has replaced.
    replaced: BTreeSet<Uuid>,
    /// Which row goes on with the provider's subscription of another.
    moves: BTreeMap<Uuid, Uuid>,
    /// Rows whose period a date began, ahead of their provider's word.
    ahead: BTreeSet<Uuid>,
    now: DateTime<Utc>,
    /// The latest switch when it was loaded, as far as it had come.
    reached: Option<DateTime<Utc>>,
}

impl<'a> Life<'a> {
    /// What the tables say; the caller holds the customer's lock, or only reads.
    ///
    /// # Errors
    /// As the statements.
    pub fn load(context: &'a Context, snapshot: &Snapshot, customer: Customer) -> Result<Self> {
        let facts = db::facts::load(snapshot, &context.organization, &customer, Wanted::All)?;
        let stored = db::subscription::labels(snapshot, customer.id)?;
        let due = |id: Uuid| stored.get(&id).and_then(|(_, due_at)| *due_at);
        let rows = facts.subscriptions.iter();
        Ok(Self {
            context,
            origin: Origin::Ours,
            checkouts: db::checkout::open(snapshot, customer.id)?,
            new_checkouts: Vec::new(),
            change_metadata: db::subscription::change_metadata(snapshot, customer.id)?,
            before: rows
                .map(|row| (row.id, (row.clone(), due(row.id))))
                .collect(),
            labels: stored
                .into_iter()
                .map(|(id, (label, _))| (id, label))
                .collect(),
            changes_before: facts.plan_changes.clone(),
            steps: Vec::new(),
            dated: BTreeSet::new(),
            replaced: BTreeSet::new(),
            moves: BTreeMap::new(),
            ahead: BTreeSet::new(),
            now: context.now,
            reached: context.reached(facts.latest_switch())?,
            customer,
            facts,
        })
    }

    /// Lets every date at or before `until` act; from then on it is `until`.
    ///
    /// It is later where others have changed the customer since: subscriptions of a group follow each
    /// other, they never overlap.
    pub fn advance(&mut self, until: DateTime<Utc>) {
        let until = self.reached.map_or(until, |reached| reached.max(until));
        self.now = until;
        for row in &self.facts.subscriptions {
            if let Some(at) = advance::trial_notice_at(row).filter(|at| *at <= until) {
                self.steps.push(Step::new(at, row, Change::TrialEnding));
            }
        }
        let lived: Vec<Uuid> = self.live().collect();
        let steps = advance::advance(&mut self.facts, until);
        let begins = |step: &&Step| matches!(step.change, Change::Renewed | Change::Activated);
        let begun = steps.iter().filter(begins).filter(|step| step.row.linked);
        self.ahead.extend(begun.map(|step| step.row.id));
        self.steps.extend(steps);
        let live: BTreeSet<Uuid> = self.live().collect();
        let ended = lived.into_iter().filter(|id| !live.contains(id));
        self.dated.extend(ended);
        self.expire_checkouts(until);
        self.checkouts_of_followers();
    }

    fn live(&self) -> impl Iterator<Item = Uuid> {
        let rows = self.facts.subscriptions.iter();
        rows.filter(|row| row.is_live()).map(|row| row.id)
    }

    /// The moment of the change.
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// An id that sorts by time, and among those of one time in the order in which they were made.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new_id(&self) -> Result<Uuid> {
        order::next_id(self.now)
    }

    /// The subscription with that id.
    pub fn find(&self, id: Uuid) -> Option<&Subscription> {
        self.facts.subscriptions.iter().find(|row| row.id == id)
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, id: Uuid) -> Option<&mut Subscription> {
        self.facts.subscriptions.iter_mut().find(|row| row.id == id)
    }

    /// The plan of a subscription.
    pub fn plan_of(&self, id: Uuid) -> Option<&Plan> {
        self.facts.plan_of(self.find(id)?)
    }

    /// Who bills a subscription, and its metadata.
    pub fn label(&self, id: Uuid) -> Label {
        self.labels.get(&id).cloned().unwrap_or_else(|| Label {
            provider: self.context.organization.default_provider.clone(),
            metadata: json!({}),
        })
    }

    /// Notes that something has happened now; the row has been changed already.
    pub fn note(&mut self, subscription_id: Uuid, change: Change) {
        if let Some(row) = self.find(subscription_id) {
            let step = Step::new(self.now, row, change);
            self.steps.push(step);
        }
    }

    /// Adds a subscription, or puts it in the place of the one that waited under its id.
    pub fn put(&mut self, row: Subscription, label: Option<Label>) {
        if let Some(label) = label {
            self.labels.insert(row.id, label);
        }
        self.facts.subscriptions.retain(|one| one.id != row.id);
        self.facts.subscriptions.push(row);
    }

    /// Schedules a change in place of an earlier one.
    pub fn schedule(&mut self, change: PlanChange, metadata: Value) {
        self.unschedule(change.subscription_id);
        self.change_metadata.insert(change.id, metadata);
        self.facts.plan_changes.push(change);
    }

    /// Takes back what is scheduled for a subscription.
    pub fn unschedule(&mut self, subscription_id: Uuid) {
        self.facts
            .plan_changes
            .retain(|one| one.subscription_id != subscription_id);
    }

    /// Lets an event act on the state; other dates of the row are the caller's business.
    ///
    /// # Errors
    /// `23514` when the state forbids it.
    pub fn apply(&mut self, id: Uuid, event: state::Event) -> Result<Status> {
        let now = self.now;
        let row = self
            .find_mut(id)
            .ok_or_else(|| Error::internal(format!("subscription {id} is not loaded")))?;
        match state::decide(row.status, event) {
            Outcome::Becomes(status) => row.status = status,
            Outcome::Stays | Outcome::Ignored => {}
            Outcome::Refused => {
                let status = row.status.as_str();
                return Err(Error::forbidden(format!("subscription {id} is {status}"))
                    .hint("Attach the plan again with owo_attach()."));
            }
        }
        let status = row.status;
        if matches!(status, Status::Canceled | Status::Expired) && row.ended_at.is_none() {
            row.ended_at = Some(now);
            self.unschedule(id);
        }
        Ok(status)
    }

    /// Ends a row whose place another one of its group has taken.
    ///
    /// # Errors
    /// When it is not loaded.
    pub fn replace(&mut self, id: Uuid) -> Result<()> {
        self.replaced.insert(id);
        self.apply(id, state::Event::SwitchedAway).map(|_| ())
    }

    /// Notes that `to` goes on with what the provider runs for `from`, which ends.
    pub fn take_over(&mut self, from: Uuid, to: Uuid) {
        self.moves.insert(from, to);
        let linked = self.find(from).is_some_and(|row| row.linked);
        if let Some(row) = self.find_mut(to) {
            row.linked = linked;
        }
    }

    /// Opens a checkout for a subscription that waits; `kind` as in `owo.checkout`.
    pub fn open_checkout(&mut self, checkout: Checkout) {
        self.new_checkouts.push(checkout.id);
        self.checkouts.push(checkout);
    }

    /// A checkout for a subscription's price, not opened yet.
    pub fn checkout_for(&self, row: &Subscription, id: Uuid, at: DateTime<Utc>) -> Checkout {
        let label = self.label(row.id);
        Checkout {
            id,
            customer_id: self.customer.id,
            organization_id: self.context.organization.id,
            kind: "subscription".to_owned(),
            status: "open".to_owned(),
            url: None,
            expires_at: at.checked_add_signed(chrono::TimeDelta::hours(CHECKOUT_HOURS)),
            subscription_id: Some(row.id),
            plan_id: Some(row.plan_id),
            amount: row.price,
            currency: row.currency.clone(),
            provider: label.provider,
            callback_url: None,
            metadata: label.metadata,
            pack: None,
            has_page: true,
        }
    }

    /// The open checkout that a subscription waits for.
    pub fn checkout_of(&self, subscription_id: Uuid) -> Option<&Checkout> {
        let mut open = self.checkouts.iter();
        open.find(|one| one.subscription_id == Some(subscription_id))
    }

    /// A paid plan that follows a trial waits for its checkout like any other.
    fn checkouts_of_followers(&mut self) {
        let created = self
            .steps
            .iter()
            .filter(|step| step.change == Change::Created);
        let waiting: Vec<Checkout> = created
            .filter_map(|step| Some((self.find(step.row.id)?, step.at)))
            .filter(|(row, _)| row.status == Status::Incomplete)
            .filter(|(row, _)| self.checkout_of(row.id).is_none())
            .map(|(row, at)| self.checkout_for(row, ids::derived(row.id, "checkout"), at))
            .collect();
        for checkout in waiting {
            self.open_checkout(checkout);
        }
    }

    fn expire_checkouts(&mut self, until: DateTime<Utc>) {
        let due: Vec<(Uuid, DateTime<Utc>)> = self
            .checkouts
            .iter()
            .filter_map(|one| Some((one.subscription_id?, one.expires_at?)))
            .filter(|(_, at)| *at <= until)
            .collect();
        for (id, at) in due {
            let Some(row) = self.find_mut(id) else {
                continue;
            };
            let outcome = state::decide(row.status, state::Event::CheckoutExpired);
            if let Outcome::Becomes(status) = outcome {
                row.status = status;
                row.ended_at = Some(at);
                let step = Step::new(at, row, Change::Expired);
                self.steps.push(step);
            }
        }
    }
}
