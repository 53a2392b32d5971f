//! What happened to a subscription, as told to the record of events.
//!
//! Produced by `advance` for dates and by `flow/` for commands, written to `owo.event` by `db/`.
//! Invariant: the same step has the same words, whoever caused it. Deliberately absent: rows; the
//! changed subscriptions themselves are in `Facts`.

use crate::entitlement::facts::{Facts, Status, Subscription};
use crate::period::Time;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// One change of one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When it took effect.
    pub at: Time,
    /// The subscription that the event is about, as it was just after it.
    pub row: Subscription,
    /// What happened.
    pub change: Change,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new row.
    Created,
    /// It grants from now on, or a trial turned into a paid subscription.
    Activated,
    /// It took the place of another one of its group.
    Changed {
        /// The one that ended with it.
        from: Uuid,
    },
    /// A new billing period began.
    Renewed,
    /// A payment failed.
    PastDue,
    /// Access and billing rest.
    Paused,
    /// Access and billing go on.
    Resumed,
    /// It will end at its `cancel_at`.
    CancelScheduled,
    /// The customer left.
    Canceled,
    /// A trial or a checkout ended without payment.
    Expired,
    /// The trial ends in a few days.
    TrialEnding,
}

impl Change {
    /// Whether it may change what is granted, or where it is counted.
    #[must_use]
    pub const fn is_switch(&self) -> bool {
        !matches!(self, Self::Renewed | Self::TrialEnding)
    }

    /// The event type of `owo.event`.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Created => "subscription.created",
            Self::Activated => "subscription.activated",
            Self::Changed { .. } => "subscription.changed",
            Self::Renewed => "subscription.renewed",
            Self::PastDue => "subscription.past_due",
            Self::Paused => "subscription.paused",
            Self::Resumed => "subscription.resumed",
            Self::CancelScheduled => "subscription.cancel_scheduled",
            Self::Canceled => "subscription.canceled",
            Self::Expired => "subscription.expired",
            Self::TrialEnding => "subscription.trial_ending",
        }
    }
}

impl Step {
    /// A step of a subscription.
    #[must_use]
    pub fn new(at: Time, row: &Subscription, change: Change) -> Self {
        Self {
            at,
            row: row.clone(),
            change,
        }
    }

    /// The data of the event; facts name the plans.
    #[must_use]
    pub fn data(&self, facts: &Facts) -> Value {
        let mut data = Map::new();
        data.insert("subscription_id".to_owned(), json!(self.row.id));
        describe(&mut data, facts, &self.row);
        if let Change::Changed { from } = self.change {
            data.insert("previous_subscription_id".to_owned(), json!(from));
            let mut rows = facts.subscriptions.iter();
            let previous = rows.find(|one| one.id == from);
            if let Some(slug) = previous.and_then(|row| slug_of(facts, row)) {
                data.insert("previous_plan".to_owned(), json!(slug));
            }
        }
        Value::Object(data)
    }
}

fn slug_of<'a>(facts: &'a Facts, row: &Subscription) -> Option<&'a str> {
    facts.plan_of(row).map(|plan| plan.slug.as_str())
}

/// Keys without a value stay absent.
fn describe(data: &mut Map<String, Value>, facts: &Facts, row: &Subscription) {
    if let Some(slug) = slug_of(facts, row) {
        data.insert("plan".to_owned(), json!(slug));
    }
    data.insert("status".to_owned(), json!(row.status.as_str()));
    let times = [
        ("period_start", row.period_start),
        ("period_end", row.period_end),
        ("trial_ends_at", row.trial_ends_at),
        ("cancel_at", row.cancel_at),
        ("ended_at", row.ended_at),
    ];
    for (key, time) in times {
        if let Some(time) = time {
            data.insert(key.to_owned(), json!(time));
        }
    }
}

impl Status {
    /// The word of the row.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// Reads the word of the row.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "incomplete" => Self::Incomplete,
            "trialing" => Self::Trialing,
            "active" => Self::Active,
            "past_due" => Self::PastDue,
            "paused" => Self::Paused,
            "canceled" => Self::Canceled,
            "expired" => Self::Expired,
            _ => return None,
        })
    }
}
