//! Money that moved or did not, and what it is paid with.
//!
//! Invariant: one sum of money has one id, whatever announces it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::money::Money;
use crate::outcome::Failure;
use crate::tag::Tags;

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
