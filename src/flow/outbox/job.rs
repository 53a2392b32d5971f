//! Jobs: what we want of a provider, in our ids.
//!
//! Written to `owo.outbox` by whoever changes something that a provider must hear of, and turned
//! into an operation by `plan` when it is first taken up. Invariant: a job names rows, never what
//! they say, so that what is sent is what they say when it is sent.

use owostack_domain::ids;
use owostack_provider::object::ObjectRef;
use owostack_provider::operation::Timing;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What we want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// The customer exists there.
    EnsureCustomer { customer_id: Uuid },
    /// The price of a plan exists there; another amount or interval has another key.
    EnsurePlan { plan_id: Uuid, key: String },
    /// The product behind charges or card set-ups exists there, where capabilities ask for one.
    EnsureProduct { purpose: String, currency: String },
    /// A page where the customer pays or saves a card.
    OpenCheckout { checkout_id: Uuid },
    /// That page is of no use any more.
    CloseCheckout { checkout_id: Uuid },
    /// A saved method is charged.
    Charge { payment_id: Uuid },
    /// A subscription begins, paid with a saved method.
    Start { subscription_id: Uuid },
    /// A subscription gets another plan. Now: the row that is to have it, live or waiting; at period
    /// end: the running row, whose scheduled change says what.
    Change {
        subscription_id: Uuid,
        timing: Timing,
    },
    /// A change that waits for its date is dropped.
    UndoChange { subscription_id: Uuid },
    /// A subscription ends.
    Cancel {
        subscription_id: Uuid,
        timing: Timing,
    },
    /// An end that waits for its date is dropped.
    Keep { subscription_id: Uuid },
    /// A subscription rests.
    Pause { subscription_id: Uuid },
    /// A resting subscription goes on.
    Resume { subscription_id: Uuid },
    /// Money goes back.
    Refund { refund_id: Uuid },
    /// One page of the plans that exist there.
    ImportPlans { cursor: Option<String> },
    /// One page of the subscriptions that exist there.
    Reconcile { cursor: Option<String> },
    /// The saved methods of a customer.
    ListMethods { customer_id: Uuid },
    /// A saved method is forgotten.
    RemoveMethod { customer_id: Uuid, token: String },
    /// An object as it is now.
    Fetch { object: ObjectRef },
}

impl Job {
    /// The row that it is about; where there is none, an id that the same wish always has.
    pub fn subject(&self, account_id: Uuid) -> Uuid {
        match self {
            Self::EnsureCustomer { customer_id }
            | Self::ListMethods { customer_id }
            | Self::RemoveMethod { customer_id, .. } => *customer_id,
            Self::EnsurePlan { plan_id, .. } => *plan_id,
            Self::EnsureProduct { purpose, currency } => {
                ids::derived(account_id, &format!("product:{purpose}:{currency}"))
            }
            Self::OpenCheckout { checkout_id } | Self::CloseCheckout { checkout_id } => {
                *checkout_id
            }
            Self::Charge { payment_id } => *payment_id,
            Self::Start { subscription_id }
            | Self::Change {
                subscription_id, ..
            }
            | Self::UndoChange { subscription_id }
            | Self::Cancel {
                subscription_id, ..
            }
            | Self::Keep { subscription_id }
            | Self::Pause { subscription_id }
            | Self::Resume { subscription_id } => *subscription_id,
            Self::Refund { refund_id } => *refund_id,
            Self::ImportPlans { .. } | Self::Reconcile { .. } => account_id,
            Self::Fetch { object } => {
                ids::derived(account_id, &format!("{:?}:{}", object.kind, object.id))
            }
        }
    }

    /// The key that the link to what is made stands under; empty for all others.
    pub fn link_key(&self) -> String {
        match self {
            Self::EnsurePlan { key, .. } => key.clone(),
            Self::EnsureProduct { purpose, currency } => format!("{purpose}:{currency}"),
            _ => String::new(),
        }
    }

    /// The lane: jobs of one lane go one after another, in order of their ids.
    ///
    /// What is made once for many waits for nobody (`None`: a lane of its own); so do looks.
    pub fn lane(&self, account_id: Uuid) -> Option<Uuid> {
        match self {
            Self::EnsureCustomer { .. }
            | Self::EnsurePlan { .. }
            | Self::EnsureProduct { .. }
            | Self::Fetch { .. } => None,
            other => Some(other.subject(account_id)),
        }
    }

    /// The name of what is made once, for [`super::enqueue::enqueue_once`]; None for all others.
    pub fn once(&self) -> Option<String> {
        match self {
            Self::EnsureCustomer { customer_id } => Some(format!("customer:{customer_id}")),
            Self::EnsurePlan { plan_id, key } => Some(format!("plan:{plan_id}:{key}")),
            Self::EnsureProduct { purpose, currency } => {
                Some(format!("product:{purpose}:{currency}"))
            }
            _ => None,
        }
    }
}
