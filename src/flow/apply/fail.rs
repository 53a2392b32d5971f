//! What becomes of what waited for a job that failed.
//!
//! Invariants: what a bank declined and what a provider refused ends the same way, with the reason
//! for a person; money that has come is never taken for lost; a link that led nowhere is not used
//! again.

use super::Source;
use crate::backend::clock;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::event::Event;
use crate::db::provider::reference::{self, Kind};
use crate::db::refund::Told;
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::life::{Life, Origin};
use crate::flow::outbox::Work;
use crate::flow::outbox::enqueue::enqueue;
use crate::flow::outbox::job::Job;
use crate::meter;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::Status;
use owostack_domain::subscription::state;
use owostack_domain::subscription::step::Change;
use owostack_provider::object::{ObjectKind, ObjectRef};
use owostack_provider::operation::{Operation, Purchase};
use owostack_provider::outcome::Failure;
use serde_json::json;
use uuid::Uuid;

/// The customer's bank or card said no.
///
/// # Errors
/// As the statements.
pub fn declined(
    context: &Context,
    work: &Work,
    failure: &Failure,
    at: DateTime<Utc>,
) -> Result<()> {
    end(&Broken {
        context,
        work,
        failure,
        at,
    })
}

/// The job is dead: what waited for it ends.
///
/// # Errors
/// As the statements.
pub fn refused(context: &Context, work: &Work, failure: &Failure, at: DateTime<Utc>) -> Result<()> {
    end(&Broken {
        context,
        work,
        failure,
        at,
    })
}

/// A job that failed for good.
struct Broken<'a> {
    context: &'a Context,
    work: &'a Work,
    failure: &'a Failure,
    at: DateTime<Utc>,
}

fn end(broken: &Broken) -> Result<()> {
    let Some(customer_id) = broken.work.whose.customer_id else {
        return Ok(());
    };
    meter::lock_customer(customer_id);
    match &broken.work.job {
        Job::OpenCheckout { checkout_id } => broken.fail_checkout(customer_id, *checkout_id),
        Job::Charge { payment_id } => broken.fail_payment(customer_id, *payment_id),
        Job::Refund { refund_id } => broken.fail_refund(*refund_id),
        Job::Start { subscription_id } => broken.fail_start(customer_id, *subscription_id),
        Job::Change {
            subscription_id, ..
        } => broken.fail_change(customer_id, *subscription_id),
        _ => Ok(()),
    }
}

impl Broken<'_> {
    fn reason(&self) -> String {
        self.failure.to_string()
    }

    fn life(&self, customer_id: Uuid) -> Result<Option<Life<'_>>> {
        let view = Snapshot::latest()?;
        let Some(customer) = db::customer::find(&view, vec![customer_id])?.pop() else {
            return Ok(None);
        };
        let mut life = Life::load(self.context, &view, customer)?;
        life.origin = Origin::Provider;
        life.advance(self.context.now);
        Ok(Some(life))
    }

    fn fail_checkout(&self, customer_id: Uuid, id: Uuid) -> Result<()> {
        let organization_id = self.context.organization.id;
        let found = db::checkout::find(&Snapshot::latest()?, organization_id, id)?;
        let Some(checkout) = found.filter(|one| one.status == "open") else {
            return Ok(());
        };
        let Some(mut life) = self.life(customer_id)? else {
            return Ok(());
        };
        let row = checkout.subscription_id.and_then(|id| life.find(id));
        let waits = row.filter(|row| row.status == Status::Incomplete);
        if let Some(id) = waits.map(|row| row.id) {
            life.apply(id, state::Event::CheckoutFailed)?;
            life.note(id, Change::Expired);
        }
        let now = life.now();
        life.close(&checkout, "failed", None, Some(&self.reason()), now)?;
        life.save().map(|_| ())
    }

    fn fail_payment(&self, customer_id: Uuid, id: Uuid) -> Result<()> {
        let organization = &self.context.organization;
        let found = db::payment::find(&Snapshot::latest()?, organization.id, id)?;
        let Some(row) = found.filter(|row| row.status == "pending") else {
            return Ok(());
        };
        let code = self.failure.code.as_deref();
        db::payment::fail(
            customer_id,
            id,
            code,
            &self.failure.message,
            self.context.now,
        )?;
        let event = Event {
            kind: "payment.failed",
            organization_id: organization.id,
            organization: &organization.slug,
            customer_id,
            at: self.context.now,
            data: json!({
                "payment_id": id,
                "subscription_id": row.subscription_id,
                "checkout_id": row.checkout_id,
                "amount": row.amount,
                "currency": row.currency,
                "reason": row.reason,
                "failure_code": code,
            }),
        };
        let name = format!("payment_failed:{id}:{}", self.at.timestamp_micros());
        db::event::append_once(&event, &name)?;
        match row.checkout_id {
            Some(checkout_id) => self.fail_checkout(customer_id, checkout_id),
            None => Ok(()),
        }
    }

    fn fail_refund(&self, id: Uuid) -> Result<()> {
        let organization_id = self.context.organization.id;
        let found = db::refund::find(&Snapshot::latest()?, organization_id, id)?;
        let Some(mut row) = found.filter(|row| row.status == "pending") else {
            return Ok(());
        };
        "failed".clone_into(&mut row.status);
        let now = self.context.now;
        let told = Told {
            row,
            external_id: None,
            failure_message: Some(&self.failure.message),
        };
        db::refund::store(&told, now, now)
    }

    /// A subscription that a saved method was to pay: without it, its money is missing.
    fn fail_start(&self, customer_id: Uuid, id: Uuid) -> Result<()> {
        let Some(mut life) = self.life(customer_id)? else {
            return Ok(());
        };
        let now = life.now();
        let before = life.find(id).map(|row| row.status);
        if before.is_some() {
            let after = life.apply(id, state::Event::PaymentFailed)?;
            if before != Some(after) {
                if let Some(row) = life.find_mut(id) {
                    row.past_due_since = Some(now);
                }
                life.note(id, Change::PastDue);
            }
        }
        life.save().map(|_| ())
    }

    /// The plan that waited for the change does not begin; the old one stays.
    fn fail_change(&self, customer_id: Uuid, id: Uuid) -> Result<()> {
        let open = db::checkout::open(&Snapshot::latest()?, customer_id)?;
        let mut open = open.into_iter();
        match open.find(|one| one.subscription_id == Some(id)) {
            Some(checkout) => self.fail_checkout(customer_id, checkout.id),
            None => Ok(()),
        }
    }
}

/// The provider does not know an object any more that the job's operation names.
///
/// # Errors
/// As the statements.
pub fn missing(
    context: &Context,
    work: &Work,
    object: ObjectKind,
    _at: DateTime<Utc>,
) -> Result<()> {
    let source = Source {
        account_id: work.whose.account_id,
        provider: work.provider.code(),
    };
    let Some(operation) = &work.operation else {
        return Ok(());
    };
    for (kind, external_id) in named(operation, object) {
        reference::mark_stale(source.account_id, kind, &external_id, context.now)?;
    }
    Ok(())
}

/// The ids of that kind in an operation.
fn named(operation: &Operation, object: ObjectKind) -> Vec<(Kind, String)> {
    let of = |kind: Kind, ids: Vec<Option<&String>>| -> Vec<(Kind, String)> {
        let ids = ids.into_iter().flatten();
        ids.map(|id| (kind, id.clone())).collect()
    };
    match object {
        ObjectKind::Customer => of(Kind::Customer, customers(operation)),
        ObjectKind::Plan => {
            let mut all = of(Kind::Plan, plans(operation));
            all.extend(of(Kind::Product, plans(operation)));
            all
        }
        ObjectKind::Subscription => of(Kind::Subscription, vec![subscription(operation)]),
        ObjectKind::Checkout => match operation {
            Operation::CloseCheckout { checkout } => of(Kind::Checkout, vec![Some(checkout)]),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn customers(operation: &Operation) -> Vec<Option<&String>> {
    match operation {
        Operation::EnsureCustomer(person) => vec![person.reference.as_ref()],
        Operation::OpenCheckout(draft) => vec![draft.buyer.reference.as_ref()],
        Operation::Charge(draft) => vec![Some(&draft.customer)],
        Operation::StartSubscription(draft) => vec![Some(&draft.customer)],
        Operation::ChangeSubscription(draft) => vec![draft.customer.as_ref()],
        Operation::ListMethods { customer } | Operation::RemoveMethod { customer, .. } => {
            vec![Some(customer)]
        }
        _ => Vec::new(),
    }
}

fn plans(operation: &Operation) -> Vec<Option<&String>> {
    match operation {
        Operation::OpenCheckout(draft) => match &draft.purchase {
            Purchase::Subscription { plan, .. } => vec![plan.price.as_ref(), Some(&plan.product)],
            Purchase::OneTime { product, .. } | Purchase::CardSetup { product, .. } => {
                vec![product.as_ref()]
            }
        },
        Operation::Charge(draft) => vec![draft.product.as_ref()],
        Operation::StartSubscription(draft) => {
            vec![draft.plan.price.as_ref(), Some(&draft.plan.product)]
        }
        Operation::ChangeSubscription(draft) => {
            vec![draft.plan.price.as_ref(), Some(&draft.plan.product)]
        }
        _ => Vec::new(),
    }
}

const fn subscription(operation: &Operation) -> Option<&String> {
    match operation {
        Operation::ChangeSubscription(draft) => Some(&draft.subscription),
        Operation::UndoChange { subscription }
        | Operation::CancelSubscription { subscription, .. }
        | Operation::KeepSubscription { subscription }
        | Operation::PauseSubscription { subscription }
        | Operation::ResumeSubscription { subscription } => Some(subscription),
        _ => None,
    }
}

/// It has been done before, and not by this job; whether its goal is reached all the same.
///
/// What moves money is not: whose money it was nobody knows. A subscription is looked at again.
///
/// # Errors
/// As the statements.
pub fn exists(
    _context: &Context,
    work: &Work,
    _failure: &Failure,
    _at: DateTime<Utc>,
) -> Result<bool> {
    let Some(operation) = work.operation.as_ref().filter(|one| !one.moves_money()) else {
        return Ok(false);
    };
    if let Some(id) = subscription(operation) {
        let object = ObjectRef {
            kind: ObjectKind::Subscription,
            id: id.clone(),
        };
        enqueue(&work.whose, &Job::Fetch { object }, clock::wall_time())?;
        return Ok(true);
    }
    Ok(matches!(
        operation,
        Operation::CloseCheckout { .. } | Operation::RemoveMethod { .. }
    ))
}
