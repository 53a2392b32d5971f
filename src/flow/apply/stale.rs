//! Links that lead nowhere, and jobs whose goal somebody else has reached.
//!
//! Invariants: a link that the provider does not know is not used again; what moves money is never
//! taken for done by somebody else.

use crate::backend::clock;
use crate::db::provider::refer;
use crate::db::provider::reference::Kind;
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::outbox::Work;
use crate::flow::outbox::enqueue::enqueue;
use crate::flow::outbox::job::Job;
use chrono::{DateTime, Utc};
use owostack_provider::object::{ObjectKind, ObjectRef};
use owostack_provider::operation::{Operation, Purchase};
use owostack_provider::outcome::Failure;

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
    let Some(operation) = &work.operation else {
        return Ok(());
    };
    for (kind, external_id) in named(operation, object) {
        refer::mark_stale(work.whose.account_id, kind, &external_id, context.now)?;
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
