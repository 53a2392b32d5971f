//! Operations: what we want of a provider, before it is put in the provider's words.
//!
//! Written to the outbox by `flow/`, read by the worker. Invariant: an operation and its
//! progress are all that a request is made from, besides the account. Deliberately absent: how
//! many requests it takes.

mod draft;

use serde::{Deserialize, Serialize};

use crate::object::ObjectRef;

pub use draft::{
    ChangeDraft, ChargeDraft, CheckoutDraft, Person, PlanDraft, Price, Proration, Purchase,
    RefundDraft, StartDraft, Timing,
};

/// Something we want of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The customer exists there.
    EnsureCustomer(Person),
    /// The plan's price exists there, once.
    EnsurePlan(PlanDraft),
    /// A page where the customer pays or saves a card.
    OpenCheckout(CheckoutDraft),
    /// That page is of no use any more.
    CloseCheckout {
        /// The provider's checkout.
        checkout: String,
    },
    /// A saved method is charged.
    Charge(ChargeDraft),
    /// A subscription begins, paid with a saved method.
    StartSubscription(StartDraft),
    /// A subscription gets another plan.
    ChangeSubscription(ChangeDraft),
    /// A change that waits for its date is dropped.
    UndoChange {
        /// The provider's subscription.
        subscription: String,
    },
    /// A subscription ends.
    CancelSubscription {
        /// The provider's subscription.
        subscription: String,
        /// Now or later.
        timing: Timing,
    },
    /// An end that waits for its date is dropped.
    KeepSubscription {
        /// The provider's subscription.
        subscription: String,
    },
    /// A subscription rests.
    PauseSubscription {
        /// The provider's subscription.
        subscription: String,
    },
    /// A resting subscription goes on.
    ResumeSubscription {
        /// The provider's subscription.
        subscription: String,
    },
    /// Money goes back.
    Refund(RefundDraft),
    /// One page of the plans that exist there.
    ListPlans {
        /// Where the page begins; none: the first.
        cursor: Option<String>,
    },
    /// One page of the subscriptions that exist there: after a restore some are unknown to us.
    ListSubscriptions {
        /// Where the page begins; none: the first.
        cursor: Option<String>,
    },
    /// The saved methods of a customer.
    ListMethods {
        /// The provider's customer.
        customer: String,
    },
    /// A saved method is forgotten.
    RemoveMethod {
        /// The provider's customer.
        customer: String,
        /// What the method is charged by.
        method: String,
    },
    /// An object as it is now.
    Fetch(ObjectRef),
}

impl Operation {
    /// Stable word for rows, logs and views.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::EnsureCustomer(_) => "ensure_customer",
            Self::EnsurePlan(_) => "ensure_plan",
            Self::OpenCheckout(_) => "open_checkout",
            Self::CloseCheckout { .. } => "close_checkout",
            Self::Charge(_) => "charge",
            Self::StartSubscription(_) => "start_subscription",
            Self::ChangeSubscription(_) => "change_subscription",
            Self::UndoChange { .. } => "undo_change",
            Self::CancelSubscription { .. } => "cancel_subscription",
            Self::KeepSubscription { .. } => "keep_subscription",
            Self::PauseSubscription { .. } => "pause_subscription",
            Self::ResumeSubscription { .. } => "resume_subscription",
            Self::Refund(_) => "refund",
            Self::ListPlans { .. } => "list_plans",
            Self::ListSubscriptions { .. } => "list_subscriptions",
            Self::ListMethods { .. } => "list_methods",
            Self::RemoveMethod { .. } => "remove_method",
            Self::Fetch(_) => "fetch",
        }
    }

    /// Whether it may move money: these are never repeated blindly.
    #[must_use]
    pub const fn moves_money(&self) -> bool {
        matches!(
            self,
            Self::Charge(_)
                | Self::StartSubscription(_)
                | Self::ChangeSubscription(_)
                | Self::ResumeSubscription { .. }
                | Self::Refund(_)
        )
    }
}
