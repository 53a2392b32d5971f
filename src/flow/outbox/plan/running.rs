//! Subscriptions that run at the provider, or begin there with a saved method.

use super::{Task, obsolete, price_key, refused, send};
use crate::db;
use crate::db::facts::Wanted;
use crate::db::provider::reference::Kind;
use crate::error::Result;
use crate::flow::outbox::Planned;
use crate::flow::outbox::job::Job;
use owostack_domain::entitlement::facts::{Facts, Status, Subscription};
use owostack_domain::subscription::tell::recurs;
use owostack_provider::capability::Support;
use owostack_provider::operation::{Operation, Timing};
use owostack_provider::tag::Tag;
use owostack_provider::wish::{Begin, PriceKey, Switch, Wish};
use uuid::Uuid;

/// Why a job about a subscription that the provider does not have is dropped.
const UNKNOWN: &str = "the provider has no such subscription";

pub(super) fn start(task: &Task, id: Uuid) -> Result<Planned> {
    let Some(row) = task.subscription(id)?.filter(Subscription::is_live) else {
        return Ok(obsolete("the subscription has ended"));
    };
    if task.external(Kind::Subscription, id)?.is_some() {
        return Ok(obsolete("the subscription has begun there"));
    }
    let Some(key) = key_of(&row) else {
        return Ok(obsolete("the subscription costs nothing"));
    };
    if let Support::No(reason) = task.work.provider.capabilities().start_subscription {
        return Ok(refused(reason));
    }
    let buyer = task.buyer()?;
    let method = task.saved_method(buyer.id)?;
    let now = task.context.now;
    task.judge(&Wish::Begin(Begin {
        buyer,
        method,
        key,
        first_payment_at: row.trial_ends_at.filter(|at| *at > now),
        tags: task.tags().with(Tag::Subscription, id.to_string()),
    }))
}

fn key_of(row: &Subscription) -> Option<PriceKey> {
    let currency = row.currency.as_deref();
    let key = price_key(row.plan_id, row.price, currency, Some(row.cadence));
    key.filter(|_| recurs(row.price, row.one_time))
}

/// At once: `id` is the row that is to have the plan, live or waiting for the provider's word.
/// Later: the running row, whose scheduled change says what.
pub(super) fn change(task: &Task, id: Uuid, timing: Timing) -> Result<Planned> {
    let facts = task.facts()?;
    let row = facts.subscriptions.iter().find(|row| row.id == id);
    let Some(row) = row else {
        return Ok(obsolete("the subscription is gone"));
    };
    let target = match timing {
        Timing::PeriodEnd => later(&facts, row),
        Timing::Now => now(&facts, row),
    };
    let Some(target) = target else {
        return Ok(obsolete("the change is not wanted any more"));
    };
    let Some(subscription) = task.external(Kind::Subscription, target.running.id)? else {
        return Ok(obsolete(UNKNOWN));
    };
    if target.running.id != id {
        // What was wanted of the running row before comes first.
        let before = db::outbox::unfinished(&task.snapshot, target.running.id)?;
        if !before.is_empty() {
            return Ok(Planned::WaitFor(before));
        }
    }
    let buyer = task.buyer()?;
    task.judge(&Wish::Switch(Switch {
        subscription,
        key: target.key,
        timing,
        pays_now: target.pays_now,
        method: task.saved_method(buyer.id)?,
        period_end: target.running.period_end,
        tags: task
            .tags()
            .with(Tag::Customer, buyer.id.to_string())
            .with(Tag::Subscription, id.to_string()),
    }))
}

/// A change that is to be carried out.
struct Target<'a> {
    /// The row whose subscription at the provider changes.
    running: &'a Subscription,
    key: PriceKey,
    pays_now: bool,
}

fn later<'a>(facts: &Facts, row: &'a Subscription) -> Option<Target<'a>> {
    let mut changes = facts.plan_changes.iter();
    let change = changes.find(|one| one.subscription_id == row.id)?;
    let key = price_key(
        change.to_plan_id,
        change.price,
        change.currency.as_deref(),
        Some(change.cadence),
    );
    let key = key.filter(|_| row.is_live() && recurs(change.price, change.one_time))?;
    Some(Target {
        running: row,
        key,
        pays_now: false,
    })
}

fn now<'a>(facts: &'a Facts, row: &'a Subscription) -> Option<Target<'a>> {
    let key = key_of(row)?;
    if row.is_live() {
        return Some(Target {
            running: row,
            key,
            pays_now: false,
        });
    }
    let running = facts.live_base(row.group_id)?;
    (row.status == Status::Incomplete).then_some(Target {
        running,
        key,
        pays_now: true,
    })
}

/// Commands that need nothing but the provider's id.
///
/// They are sent in their order, whatever the row says by then: a webhook that was on its way may
/// have brought the row back to what it was before, and the answer to the command puts it right.
pub(super) fn command(task: &Task, id: Uuid) -> Result<Planned> {
    let Some(subscription) = task.external(Kind::Subscription, id)? else {
        return Ok(obsolete(UNKNOWN));
    };
    Ok(send(match task.work.job {
        Job::UndoChange { .. } => Operation::UndoChange { subscription },
        Job::Cancel { timing, .. } => Operation::CancelSubscription {
            subscription,
            timing: ending(task, id, timing)?,
        },
        Job::Keep { .. } => Operation::KeepSubscription { subscription },
        Job::Pause { .. } => Operation::PauseSubscription { subscription },
        _ => Operation::ResumeSubscription { subscription },
    }))
}

/// The date of an end may have passed while the provider could not be reached.
fn ending(task: &Task, id: Uuid, timing: Timing) -> Result<Timing> {
    let lives = task.subscription(id)?.is_some_and(|row| row.is_live());
    Ok(if lives { timing } else { Timing::Now })
}

impl Task<'_> {
    fn facts(&self) -> Result<Facts> {
        let id = self.buyer()?.id;
        let customer = self.customer(id)?;
        let organization = &self.context.organization;
        db::facts::load(&self.snapshot, organization, &customer, Wanted::All)
    }

    /// A subscription of the job's customer.
    pub(super) fn subscription(&self, id: Uuid) -> Result<Option<Subscription>> {
        let rows = self.facts()?.subscriptions;
        Ok(rows.into_iter().find(|row| row.id == id))
    }
}
