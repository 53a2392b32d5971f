//! What a job ended with becomes rows, by the same ways as what a webhook says.
//!
//! Invariants: an answer is true at the moment at which it was asked for, so that an older webhook
//! changes nothing after it; what was made for us is linked to what it was made for.

use super::{Case, Knowledge, Source, effect};
use crate::backend::spi::Snapshot as View;
use crate::db;
use crate::db::provider::refer::{self, Link as NewLink};
use crate::db::provider::reference::{self, Kind};
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::life::Life;
use crate::flow::outbox::Work;
use crate::flow::outbox::enqueue::enqueue;
use crate::flow::outbox::job::Job;
use crate::flow::provider::import;
use crate::meter;
use chrono::{DateTime, Utc};
use owostack_domain::ids;
use owostack_provider::event::{Change, Effect, Order};
use owostack_provider::link::Link;
use owostack_provider::object::{
    Method, Object, ObjectKind, ObjectRef, PlanLink, PlanPage, Snapshot, SnapshotPage,
};
use owostack_provider::operation::Timing;
use serde_json::json;
use uuid::Uuid;

/// Makes rows of what a job ended with; `at` is when it was asked for, by the organization's clock.
///
/// # Errors
/// As the statements.
pub fn answer(context: &Context, work: &Work, object: &Object, at: DateTime<Utc>) -> Result<()> {
    let told = Answer { context, work, at };
    match object {
        Object::Customer(customer) => told.customer(&customer.id)?,
        Object::Plan(link) => told.plan(link)?,
        Object::Checkout(one) => told.apply(
            Link {
                checkout: Some(one.id.clone()),
                ..Link::default()
            },
            Change::Checkout(one.clone()),
        )?,
        Object::Payment(one) => told.apply(
            Link {
                subscription: one.subscription.clone(),
                ..Link::default()
            },
            Change::Payment(one.clone()),
        )?,
        Object::Refund(one) => told.apply(
            Link {
                tags: one.tags.clone(),
                ..Link::default()
            },
            Change::Refund(one.clone()),
        )?,
        Object::Subscription(one) => told.subscription(one)?,
        Object::Plans(page) => told.plans(page)?,
        Object::Subscriptions(page) => told.subscriptions(page)?,
        Object::Methods(list) => told.methods(list)?,
        Object::Method(one) => told.apply(Link::default(), Change::MethodSaved(one.clone()))?,
        Object::Gone => told.gone()?,
    }
    told.wake()
}

/// The name under which webhooks wait for a look at an object.
pub fn look(object: &ObjectRef) -> String {
    format!("look:{:?}:{}", object.kind, object.id).to_lowercase()
}

struct Answer<'a> {
    context: &'a Context,
    work: &'a Work,
    at: DateTime<Utc>,
}

impl Answer<'_> {
    fn source(&self) -> Source<'_> {
        Source {
            account_id: self.work.whose.account_id,
            provider: self.work.provider.code(),
        }
    }

    fn subject(&self) -> Option<Uuid> {
        match &self.work.job {
            Job::OpenCheckout { .. }
            | Job::CloseCheckout { .. }
            | Job::Charge { .. }
            | Job::Start { .. }
            | Job::Refund { .. } => Some(self.work.job.subject(self.work.whose.account_id)),
            _ => None,
        }
    }

    fn apply(&self, link: Link, change: Change) -> Result<()> {
        let order = match &change {
            Change::Subscription(told) => Order::snapshot(told, self.at, self.at),
            other => Order::of(other, self.at),
        };
        let known = Knowledge {
            customer_id: self.work.whose.customer_id,
            subject_id: self.subject(),
            verified: true,
            looked: true,
            patient: true,
        };
        let one = Effect {
            link,
            order,
            change,
        };
        effect(self.context, self.source(), known, &one).map(|_| ())
    }

    fn customer(&self, external_id: &str) -> Result<()> {
        let Some(customer_id) = self.work.whose.customer_id else {
            return Ok(());
        };
        let source = self.source();
        let found = reference::find(
            &View::latest()?,
            source.account_id,
            Kind::Customer,
            external_id,
        )?;
        // Somebody else's customer of the provider stays somebody else's.
        if found.is_some_and(|one| one.local_id != customer_id) {
            return Ok(());
        }
        refer::link(&NewLink {
            account_id: source.account_id,
            kind: Kind::Customer,
            external_id,
            local_id: customer_id,
            customer_id: Some(customer_id),
            key: "",
            detail: json!({}),
            order: None,
            at: self.context.now,
        })?;
        let change = Change::Customer(owostack_provider::object::Customer {
            id: external_id.to_owned(),
            ..Default::default()
        });
        self.name(customer_id, external_id)?;
        self.apply(Link::default(), change)?;
        let waits = super::waits(Kind::Customer, external_id);
        db::webhook::unpark(source.account_id, &waits, self.context.caller.at).map(|_| ())
    }

    fn name(&self, customer_id: Uuid, external_id: &str) -> Result<()> {
        let found = db::customer::find(&View::latest()?, vec![customer_id])?.pop();
        let Some(customer) = found else { return Ok(()) };
        let change = Change::Look(ObjectRef {
            kind: ObjectKind::Customer,
            id: external_id.to_owned(),
        });
        let (link, order) = (Link::default(), Order::of(&change, self.at));
        let case = Case {
            context: self.context,
            source: self.source(),
            customer,
            link: &link,
            order: &order,
            subject: None,
            verified: true,
            looked: true,
        };
        case.name(external_id)
    }

    fn plan(&self, link: &PlanLink) -> Result<()> {
        let account_id = self.work.whose.account_id;
        let key = self.work.job.link_key();
        let kind = match &self.work.job {
            Job::EnsurePlan { .. } => Kind::Plan,
            Job::EnsureProduct { .. } => Kind::Product,
            _ => return Ok(()),
        };
        let external_id = link.price.as_deref().unwrap_or(&link.product);
        refer::link(&NewLink {
            account_id,
            kind,
            external_id,
            local_id: self.work.job.subject(account_id),
            customer_id: None,
            key: &key,
            detail: json!(link),
            order: None,
            at: self.context.now,
        })?;
        self.unpark_plan(link)
    }

    fn unpark_plan(&self, link: &PlanLink) -> Result<()> {
        for external_id in link.price.iter().chain([&link.product]) {
            let waits = super::waits(Kind::Plan, external_id);
            let account_id = self.work.whose.account_id;
            db::webhook::unpark(account_id, &waits, self.context.caller.at)?;
        }
        Ok(())
    }

    fn subscription(&self, told: &Snapshot) -> Result<()> {
        if self.follows(told)? {
            return Ok(());
        }
        let link = Link {
            customer: told.customer.clone(),
            checkout: told.checkout.clone(),
            subscription: Some(told.id.clone()),
            tags: told.tags.clone(),
            ..Link::default()
        };
        self.apply(link, Change::Subscription(told.clone()))
    }

    /// A provider without changes has begun another subscription: it belongs to the row that has the
    /// plan, and the one before to the row before. True when its row begins only at its date.
    fn follows(&self, told: &Snapshot) -> Result<bool> {
        let Job::Change {
            subscription_id,
            timing,
        } = &self.work.job
        else {
            return Ok(false);
        };
        let (id, account_id) = (*subscription_id, self.work.whose.account_id);
        let view = View::latest()?;
        let known = reference::find(&view, account_id, Kind::Subscription, &told.id)?;
        let Some(customer_id) = self.work.whose.customer_id.filter(|_| known.is_none()) else {
            return Ok(false);
        };
        meter::lock_customer(customer_id);
        let view = View::latest()?;
        let Some(customer) = db::customer::find(&view, vec![customer_id])?.pop() else {
            return Ok(false);
        };
        let life = Life::load(self.context, &view, customer)?;
        let changes = life.facts.plan_changes.iter();
        let change = changes
            .filter(|one| one.subscription_id == id)
            .min_by_key(|one| one.id);
        let local_id = match (timing, change) {
            (Timing::PeriodEnd, Some(change)) => ids::derived(change.id, "subscription"),
            _ => id,
        };
        if let Some(row) = life.find(id).filter(|_| local_id == id) {
            let former = life.facts.latest_former_base(row.group_id);
            if let Some(former) = former.filter(|_| row.base) {
                refer::take_over(account_id, id, former.id, self.context.now)?;
            }
        }
        refer::link(&NewLink {
            account_id,
            kind: Kind::Subscription,
            external_id: &told.id,
            local_id,
            customer_id: Some(customer_id),
            key: "",
            detail: json!({}),
            order: None,
            at: self.context.now,
        })?;
        Ok(local_id != id)
    }

    /// Prices that we made ourselves, or that the catalog names, are linked; others become plans.
    fn plans(&self, page: &PlanPage) -> Result<()> {
        for found in &page.plans {
            import::take(self.context, self.work, found)?;
            self.unpark_plan(&found.link)?;
        }
        match &page.next {
            Some(cursor) => self.go_on(Job::ImportPlans {
                cursor: Some(cursor.clone()),
            }),
            None => Ok(()),
        }
    }

    fn subscriptions(&self, page: &SnapshotPage) -> Result<()> {
        for told in &page.subscriptions {
            self.subscription(told)?;
        }
        match &page.next {
            Some(cursor) => self.go_on(Job::Reconcile {
                cursor: Some(cursor.clone()),
            }),
            None => Ok(()),
        }
    }

    /// The next page; what waits for the look waits for that one instead.
    fn go_on(&self, job: Job) -> Result<()> {
        let now = self.context.caller.at;
        let next = enqueue(&self.work.whose, &job, now)?;
        db::outbox::pass_on_waiting(self.work.id, next, now).map(|_| ())
    }

    /// What is listed is saved; what is not listed any more is gone.
    fn methods(&self, list: &[Method]) -> Result<()> {
        for told in list {
            let told = Method {
                reusable: true,
                ..told.clone()
            };
            self.apply(Link::default(), Change::MethodSaved(told))?;
        }
        let Some(customer_id) = self.work.whose.customer_id else {
            return Ok(());
        };
        let account_id = self.work.whose.account_id;
        for row in db::method::list(&View::latest()?, customer_id)? {
            let here = row.account_id == Some(account_id) && row.created_at < self.at;
            let Some(token) = row.external_id.filter(|_| here) else {
                continue;
            };
            if !list.iter().any(|told| told.token == token) {
                self.apply(Link::default(), Change::MethodRemoved { token })?;
            }
        }
        Ok(())
    }

    fn gone(&self) -> Result<()> {
        match &self.work.job {
            Job::RemoveMethod { token, .. } => self.apply(
                Link::default(),
                Change::MethodRemoved {
                    token: token.clone(),
                },
            ),
            _ => Ok(()),
        }
    }

    /// Webhooks that waited for this look go on.
    fn wake(&self) -> Result<()> {
        let Job::Fetch { object } = &self.work.job else {
            return Ok(());
        };
        let account_id = self.work.whose.account_id;
        db::webhook::unpark(account_id, &look(object), self.context.caller.at).map(|_| ())
    }
}
