//! Objects: what a provider has, in our words.
//!
//! Made by the readers from answers and from webhooks alike, so that a fetched object and an
//! announced one cannot differ. Invariants: amounts are in the domain's minor units; ids are the
//! provider's. Deliberately absent: our own ids, except as tags, which are claims.

use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::Status as DomainStatus;
use owostack_domain::interval::Cadence;
use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::outcome::Failure;
use crate::tag::Tags;

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

/// One page of subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotPage {
    /// What the page holds; those that cannot be read are left out.
    pub subscriptions: Vec<Snapshot>,
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

/// What became of a payment or refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MoneyStatus {
    /// Money has moved.
    Succeeded,
    /// Money has not moved.
    Failed,
    /// Nobody knows yet.
    Pending,
}

/// Why money was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// First period of a subscription.
    First,
    /// A later period.
    Renewal,
    /// A change of plan.
    Update,
    /// A single purchase.
    OneOff,
    /// A saved method was charged.
    OffSession,
    /// A subscription, nobody says which period.
    Subscription,
}

/// The time that a payment or snapshot covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Period {
    /// First moment.
    pub start: DateTime<Utc>,
    /// First moment after it.
    pub end: DateTime<Utc>,
}

/// Money that came or should have come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// The id that the same money always has.
    pub id: String,
    /// Other ids of the same money, for refunds.
    pub also: Vec<String>,
    /// What became of it.
    pub status: MoneyStatus,
    /// What the customer paid or should pay, tax included; none: not said.
    pub money: Option<Money>,
    /// The tax in it, where the provider adds it.
    pub tax: Option<i64>,
    /// Why.
    pub reason: Reason,
    /// The subscription it is for.
    pub subscription: Option<String>,
    /// The plan it is for, where no subscription is named.
    pub plan: Option<String>,
    /// The time it pays.
    pub period: Option<Period>,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// What was paid with.
    pub method: Option<Method>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// When the provider tries again; none: never, or unknown.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// A page where the customer can still pay or confirm.
    pub action_url: Option<String>,
}

/// Money that went back or should have gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refund {
    /// The provider's id; none where it has none.
    pub id: Option<String>,
    /// Another id, where webhooks carry another one than answers.
    pub reference: Option<String>,
    /// The payment it belongs to, under any of its ids.
    pub payment: Option<String>,
    /// What became of it.
    pub status: MoneyStatus,
    /// What the customer gets back, tax included.
    pub money: Option<Money>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Waits for a person at the provider's dashboard.
    pub needs_attention: bool,
    /// Our tags.
    pub tags: Tags,
}

/// A saved way to pay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Method {
    /// What to charge it by.
    pub token: String,
    /// `card`, or what the provider calls it.
    pub kind: Option<String>,
    /// Brand of the card, lower case.
    pub brand: Option<String>,
    /// Its last digits.
    pub last4: Option<String>,
    /// Month of its expiry.
    pub expires_month: Option<u32>,
    /// Year of its expiry.
    pub expires_year: Option<u32>,
    /// Stays the same for one card under several tokens.
    pub fingerprint: Option<String>,
    /// Whether it may be charged without the customer.
    pub reusable: bool,
}

/// State of a subscription at the provider, in our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its first payment.
    Incomplete,
    /// In its trial.
    Trialing,
    /// Live.
    Active,
    /// A payment failed.
    PastDue,
    /// Rests.
    Paused,
    /// Ended, for ever.
    Canceled,
}

impl Status {
    /// Whether it never comes back.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Canceled)
    }
}

impl From<Status> for DomainStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Incomplete => Self::Incomplete,
            Status::Trialing => Self::Trialing,
            Status::Active => Self::Active,
            Status::PastDue => Self::PastDue,
            Status::Paused => Self::Paused,
            Status::Canceled => Self::Canceled,
        }
    }
}

/// A subscription as the provider has it. What is none was not said, and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// The provider's id.
    pub id: String,
    /// Its state.
    pub status: Status,
    /// Past due for so long that the provider has stopped trying.
    pub given_up: bool,
    /// Whose it is.
    pub customer: Option<String>,
    /// Product or plan.
    pub product: Option<String>,
    /// Price, where that is an object of its own.
    pub price: Option<String>,
    /// How many.
    pub quantity: Option<u32>,
    /// What one period costs before tax, for one.
    pub amount: Option<Money>,
    /// The running period.
    pub period: Option<Period>,
    /// End of the trial, while it is one.
    pub trial_ends_at: Option<DateTime<Utc>>,
    /// It will end instead of renewing.
    pub cancels: bool,
    /// When it will end; none with `cancels`: at the end of the period we know.
    pub cancel_at: Option<DateTime<Utc>>,
    /// When somebody asked for the end.
    pub canceled_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it ended, in the provider's word.
    pub end_reason: Option<String>,
    /// The plan it changes to later.
    pub pending: Option<PendingChange>,
    /// What it is paid with.
    pub method: Option<String>,
    /// The checkout that began it.
    pub checkout: Option<String>,
    /// Our tags.
    pub tags: Tags,
}

/// A change that waits for its date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PendingChange {
    /// Product, plan or schedule.
    pub product: Option<String>,
    /// When.
    pub at: Option<DateTime<Utc>>,
}
