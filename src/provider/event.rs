//! Events: a webhook in our words.
//!
//! Made by `Provider::event`, applied by the worker. Invariants: the id is the same for every
//! delivery of one event; each effect carries what orders it and what links it to a customer;
//! an event of a kind that nobody knows has no effects and is kept.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::link::Link;
use crate::object::{
    Checkout, CheckoutStatus, Customer, Method, MoneyStatus, ObjectRef, Payment, Refund, Snapshot,
    Status,
};

/// One event of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// The same for every delivery of it, unique within the account.
    pub id: String,
    /// The provider's name for what happened.
    pub kind: String,
    /// The provider's account that it comes from, when it says.
    pub account: Option<String>,
    /// Whether money is real, when it says.
    pub live: Option<bool>,
    /// When it happened by the provider's clock; the moment of receipt where it has none.
    pub at: DateTime<Utc>,
    /// Whether we know its kind.
    pub reading: Reading,
    /// What it means for us, in this order.
    pub effects: Vec<Effect>,
}

/// Whether the kind of an event says something to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// It has effects.
    Used,
    /// Known, and nothing follows from it.
    Ignored,
    /// Not known: kept for a person.
    Unknown,
}

/// One thing that follows from an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// Whom it concerns.
    pub link: Link,
    /// What orders it among the effects on the same object.
    pub order: Order,
    /// What it is.
    pub change: Change,
}

/// What follows from an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A checkout was completed, failed or expired.
    Checkout(Checkout),
    /// This is how a subscription is now.
    Subscription(Snapshot),
    /// A trial ends soon.
    TrialEnding {
        /// Whose.
        subscription: String,
        /// When.
        at: Option<DateTime<Utc>>,
    },
    /// Money came, failed to come, or is on its way.
    Payment(Payment),
    /// Two ids name the same money.
    SamePayment {
        /// The id that the payment is kept under.
        payment: String,
        /// The other one.
        also: String,
    },
    /// Money went back, failed to, or is on its way.
    Refund(Refund),
    /// A way to pay was saved.
    MethodSaved(Method),
    /// A way to pay is gone.
    MethodRemoved {
        /// What it was charged by.
        token: String,
    },
    /// A card expires soon.
    MethodExpiring {
        /// The subscription that is paid with it.
        subscription: Option<String>,
        /// Its last digits.
        last4: Option<String>,
    },
    /// The provider has this customer.
    Customer(Customer),
    /// The bank takes money back.
    Dispute {
        /// The payment in dispute.
        payment: Option<String>,
    },
    /// The event says too little; this object must be fetched.
    Look(ObjectRef),
}

impl Change {
    /// Stable word for logs and views.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Checkout(checkout) => match checkout.status {
                CheckoutStatus::Open => "checkout.open",
                CheckoutStatus::Completed => "checkout.completed",
                CheckoutStatus::Failed => "checkout.failed",
                CheckoutStatus::Expired => "checkout.expired",
            },
            Self::Subscription(_) => "subscription",
            Self::TrialEnding { .. } => "subscription.trial_ending",
            Self::Payment(_) => "payment",
            Self::SamePayment { .. } => "payment.same",
            Self::Refund(_) => "refund",
            Self::MethodSaved(_) => "method.saved",
            Self::MethodRemoved { .. } => "method.removed",
            Self::MethodExpiring { .. } => "method.expiring",
            Self::Customer(_) => "customer",
            Self::Dispute { .. } => "dispute",
            Self::Look(_) => "look",
        }
    }
}

/// What orders two effects on the same object: the later one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// When the object was last changed, or the event happened.
    pub at: DateTime<Utc>,
    /// Of equal moments, the later stage wins: begun, live, ended.
    pub stage: u8,
    /// Then the later period.
    pub period_end: Option<DateTime<Utc>>,
    /// Then the later notice.
    pub noticed_at: DateTime<Utc>,
    /// Whether `at` is the provider's; a moment of receipt orders nothing for certain.
    pub certain: bool,
}

impl Order {
    /// The order of a change other than a snapshot.
    #[must_use]
    pub const fn of(change: &Change, at: DateTime<Utc>) -> Self {
        let stage = match change {
            // Money that came after all counts, and money that went back and failed to.
            Change::Payment(payment) => match payment.status {
                MoneyStatus::Pending => 0,
                MoneyStatus::Failed => 1,
                MoneyStatus::Succeeded => 2,
            },
            Change::Refund(refund) => match refund.status {
                MoneyStatus::Pending => 0,
                MoneyStatus::Succeeded => 1,
                MoneyStatus::Failed => 2,
            },
            _ => 1,
        };
        Self {
            at,
            stage,
            period_end: None,
            noticed_at: at,
            certain: true,
        }
    }

    /// The order of a snapshot, last changed and noticed at those moments.
    #[must_use]
    pub fn snapshot(snapshot: &Snapshot, at: DateTime<Utc>, noticed_at: DateTime<Utc>) -> Self {
        Self {
            at,
            stage: match snapshot.status {
                Status::Incomplete => 0,
                status if status.has_ended() => 2,
                _ => 1,
            },
            period_end: snapshot.period.map(|period| period.end),
            noticed_at,
            certain: true,
        }
    }

    /// The same, with a moment that only our receipt gives.
    #[must_use]
    pub const fn uncertain(self) -> Self {
        Self {
            certain: false,
            ..self
        }
    }

    /// Whether the moments alone do not tell which of two is newer: then the object is fetched.
    #[must_use]
    pub fn is_doubtful_after(&self, other: &Self) -> bool {
        !(self.certain && other.certain) || (self.at == other.at && self.stage == other.stage)
    }

    fn key(&self) -> (DateTime<Utc>, u8, Option<DateTime<Utc>>, DateTime<Utc>) {
        (self.at, self.stage, self.period_end, self.noticed_at)
    }
}

impl PartialOrd for Order {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Order {
    fn cmp(&self, other: &Self) -> Ordering {
        // Whether it is certain orders nothing, but equal keys must be equal orders.
        self.key()
            .cmp(&other.key())
            .then(self.certain.cmp(&other.certain))
    }
}

/// A body that is no event, though its signature is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// What is wrong, lower case, without a full stop.
    pub message: String,
}

impl Unreadable {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Unreadable {}
