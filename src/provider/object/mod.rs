//! Objects: what a provider has, in our words.
//!
//! Made by the readers from answers and from webhooks alike, so that a fetched object and an
//! announced one cannot differ. Invariants: amounts are in the domain's minor units; ids are the
//! provider's. Deliberately absent: our own ids, except as tags, which are claims.

mod payment;
mod subscription;

use chrono::{DateTime, Utc};
use owostack_domain::interval::Cadence;
use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::tag::Tags;

pub use payment::{Method, MoneyStatus, Payment, Period, Reason, Refund};
pub use subscription::{PendingChange, Snapshot, SnapshotPage, Status};

/// What kind of thing an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// Somebody who pays.
    Customer,
    /// A product, price or plan.
    Plan,
    /// A checkout.
    Checkout,
    /// A payment, order or invoice.
    Payment,
    /// A refund.
    Refund,
    /// A subscription.
    Subscription,
    /// A saved way to pay.
    Method,
    /// An attempt to save one.
    Setup,
    /// A dispute.
    Dispute,
}

/// An object at the provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// What it is.
    pub kind: ObjectKind,
    /// The provider's id.
    pub id: String,
}

/// What an operation ends with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// A customer.
    Customer(Customer),
    /// The product and price of a plan.
    Plan(PlanLink),
    /// A checkout.
    Checkout(Checkout),
    /// A payment, whatever became of it.
    Payment(Payment),
    /// A refund, whatever became of it.
    Refund(Refund),
    /// A subscription as it is now.
    Subscription(Snapshot),
    /// One page of the plans there are.
    Plans(PlanPage),
    /// One page of the subscriptions there are.
    Subscriptions(SnapshotPage),
    /// The ways to pay that a customer has saved.
    Methods(Vec<Method>),
    /// One of them.
    Method(Method),
    /// It is gone, as was asked.
    Gone,
}

/// Somebody who pays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// The provider's id.
    pub id: String,
    /// Our id as the provider keeps it beside its own.
    pub external_id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Our tags.
    pub tags: Tags,
}

/// What stands for a plan's price at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLink {
    /// Product or plan.
    pub product: String,
    /// Price, where that is an object of its own.
    pub price: Option<String>,
}

/// One page of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanPage {
    /// What the page holds.
    pub plans: Vec<PlanFound>,
    /// Where the next one begins; none: this was the last.
    pub next: Option<String>,
}

/// A plan that exists at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanFound {
    /// Its ids.
    pub link: PlanLink,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Price; none when it is not one fixed amount.
    pub price: Option<Money>,
    /// How often it is paid; none: once.
    pub cadence: Option<Cadence>,
    /// Days of trial that are part of it.
    pub trial_days: Option<u32>,
    /// Our tags: a plan that we made ourselves.
    pub tags: Tags,
}

/// What became of a checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutStatus {
    /// The customer has not finished.
    Open,
    /// Done; money may still be on its way.
    Completed,
    /// Refused.
    Failed,
    /// Given up.
    Expired,
}

/// A checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkout {
    /// The provider's id.
    pub id: String,
    /// What became of it.
    pub status: CheckoutStatus,
    /// Where to send the customer.
    pub url: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether the money is there, or none was due.
    pub paid: bool,
    /// The subscription that it began.
    pub subscription: Option<String>,
    /// The payment that it made.
    pub payment: Option<String>,
    /// The attempt to save a card, to be fetched.
    pub setup: Option<String>,
}
