//! Planning: a job and the rows it names become a complete operation.
//!
//! Called when a job is first taken up, in the transaction of its row. Invariants: what is sent is
//! what the rows say now, not when the job was written; a job whose reason is gone is dropped; what
//! must exist at the provider first is asked for once. Deliberately absent: what providers insist
//! on, which `owostack_provider::wish` knows from their capabilities.

mod bill;
mod link;
mod made;
mod page;
mod running;

use super::job::Job;
use super::{Planned, Work};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::provider::reference::{self, Kind};
use crate::error::{Error, Result};
use crate::flow::context::Context;
use owostack_provider::operation::Operation;
use owostack_provider::outcome::Failure;
use owostack_provider::tag::{Tag, Tags};
use owostack_provider::wish::{Buyer, Judged, Wish};
use uuid::Uuid;

pub use link::price_key;

/// One job while it is planned.
struct Task<'a> {
    context: &'a Context,
    work: &'a Work,
    snapshot: Snapshot,
}

/// Turns a job into what is sent, or names what comes first, or says why nothing is sent.
///
/// # Errors
/// As the statements.
pub fn plan(context: &Context, work: &Work) -> Result<Planned> {
    let task = Task {
        context,
        work,
        snapshot: Snapshot::latest()?,
    };
    match &work.job {
        Job::EnsureCustomer { customer_id } => made::customer(&task, *customer_id),
        Job::EnsurePlan { key, .. } => made::price(&task, key),
        Job::EnsureProduct { purpose, currency } => made::product(&task, purpose, currency),
        Job::OpenCheckout { checkout_id } => page::open(&task, *checkout_id),
        Job::CloseCheckout { checkout_id } => page::close(&task, *checkout_id),
        Job::Charge { payment_id } => bill::charge(&task, *payment_id),
        Job::Refund { refund_id } => bill::refund(&task, *refund_id),
        Job::Start { subscription_id } => running::start(&task, *subscription_id),
        Job::Change {
            subscription_id,
            timing,
        } => running::change(&task, *subscription_id, *timing),
        Job::UndoChange { subscription_id }
        | Job::Cancel {
            subscription_id, ..
        }
        | Job::Keep { subscription_id }
        | Job::Pause { subscription_id }
        | Job::Resume { subscription_id } => running::command(&task, *subscription_id),
        Job::ImportPlans { cursor } => Ok(send(Operation::ListPlans {
            cursor: cursor.clone(),
        })),
        Job::Reconcile { cursor } => Ok(send(Operation::ListSubscriptions {
            cursor: cursor.clone(),
        })),
        Job::ListMethods { customer_id } => {
            task.of_customer(*customer_id, |customer| Operation::ListMethods { customer })
        }
        Job::RemoveMethod { customer_id, token } => {
            task.of_customer(*customer_id, |customer| Operation::RemoveMethod {
                customer,
                method: token.clone(),
            })
        }
        Job::Fetch { object } => Ok(send(Operation::Fetch(object.clone()))),
    }
}

fn send(operation: Operation) -> Planned {
    Planned::Operation(Box::new(operation))
}

fn obsolete(reason: &str) -> Planned {
    Planned::Obsolete(reason.to_owned())
}

fn refused(reason: &str) -> Planned {
    Planned::Refused(Failure::new(0, Some("incomplete"), reason))
}

impl Task<'_> {
    /// What everything made for this organization carries.
    fn tags(&self) -> Tags {
        let id = self.context.organization.id.to_string();
        Tags::default().with(Tag::Organization, id)
    }

    fn customer(&self, id: Uuid) -> Result<Customer> {
        let found = db::customer::find(&self.snapshot, vec![id])?.pop();
        found.ok_or_else(|| Error::internal("a job for a customer that is gone"))
    }

    /// The customer of the job.
    fn buyer(&self) -> Result<Buyer> {
        let id = self.work.whose.customer_id;
        let id = id.ok_or_else(|| Error::internal("a job that needs a customer and has none"))?;
        self.customer(id).map(buyer)
    }

    /// The provider's id of one of our things.
    fn external(&self, kind: Kind, local_id: Uuid) -> Result<Option<String>> {
        let account_id = self.work.whose.account_id;
        let found = reference::of(&self.snapshot, account_id, kind, local_id, "")?;
        Ok(found.map(|one| one.external_id))
    }

    /// An operation on the provider's customer, where there is one.
    fn of_customer(
        &self,
        customer_id: Uuid,
        operation: impl FnOnce(String) -> Operation,
    ) -> Result<Planned> {
        Ok(match self.external(Kind::Customer, customer_id)? {
            Some(customer) => send(operation(customer)),
            None => obsolete("the provider does not know the customer"),
        })
    }

    /// Sends a wish, or has made first what it builds on.
    fn judge(&self, wish: &Wish) -> Result<Planned> {
        let provider = self.work.provider;
        let links = self.links(&wish.needs(provider))?;
        Ok(match wish.judge(provider, &links) {
            Judged::Operation(operation) => Planned::Operation(operation),
            Judged::Refused(reason) => refused(&reason),
            Judged::First(needs) => Planned::WaitFor(self.ensure(&needs)?),
        })
    }
}

fn buyer(customer: Customer) -> Buyer {
    Buyer {
        id: customer.id,
        key: customer.key,
        email: customer.email,
        name: customer.name,
    }
}
