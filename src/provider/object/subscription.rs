//! Subscriptions as a provider has them.
//!
//! Invariant: what a snapshot does not say is none, and changes nothing.

use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::Status as DomainStatus;
use serde::Serialize;

use super::payment::Period;
use crate::money::Money;
use crate::tag::Tags;

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

/// One page of subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SnapshotPage {
    /// What the page holds; those that cannot be read are left out.
    pub subscriptions: Vec<Snapshot>,
    /// Where the next one begins; none: this was the last.
    pub next: Option<String>,
}
