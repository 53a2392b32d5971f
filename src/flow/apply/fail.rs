//! What becomes of what waited for a job that failed.
//!
//! Invariants: what a bank declined and what a provider refused ends the same way, with the reason
//! for a person; money that has come is never taken for lost.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::event::Event;
use crate::db::refund::Told;
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::life::{Life, Origin};
use crate::flow::outbox::Work;
use crate::flow::outbox::job::Job;
use crate::flow::reversal;
use crate::meter;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::Status;
use owostack_domain::subscription::state;
use owostack_domain::subscription::step::Change;
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
        let (now, payment_id) = (self.context.now, row.payment_id);
        let told = Told {
            row,
            external_id: None,
            failure_message: Some(&self.failure.message),
        };
        db::refund::store(&told, now, now)?;
        reversal::follow(self.context, payment_id, Some(id))
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
