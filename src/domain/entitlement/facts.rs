//! What the tables say about one customer, as plain values.
//!
//! Loaded by `db/`, read by `entitlement::resolve` and `subscription::advance`.
//! Invariant: order of the vectors carries no meaning; nothing here is computed from the clock.
//! Deliberately absent: usage, which changes with every track and is loaded per meter.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::Value;
use uuid::Uuid;

pub use super::grant::{Grant, GrantClosing};
pub use crate::catalog::{FeatureType, ResetAnchor, Scope};
use crate::interval::{Cadence, Reset, Span};
use crate::period::Time;
use crate::quantity::Quantity;

/// Everything about one customer that `resolve` may look at.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The customer all of this is about; the namespace of its meter ids.
    pub customer_id: Uuid,
    /// When the customer row was made; anchors feature defaults.
    pub customer_created_at: Time,
    /// Customer's zone, else the organization's, else UTC.
    pub zone: Tz,
    /// How long a past-due subscription keeps access.
    pub grace_days: i32,
    /// Subscriptions that are live, or that ended at or after the earliest time asked for.
    ///
    /// Earlier ones of the same group may be given too: rollover of periods that ended under
    /// them is counted only if they are.
    pub subscriptions: Vec<Subscription>,
    /// Scheduled changes that have not been applied.
    pub plan_changes: Vec<PlanChange>,
    /// Plans that a subscription, a scheduled change, `on_expire` or auto-enable refers to.
    pub plans: BTreeMap<Uuid, Plan>,
    /// Rows of those plans for the features loaded (all, or those that concern one feature).
    pub plan_features: Vec<PlanFeature>,
    /// Overrides of the customer and of its subscriptions.
    pub overrides: Vec<Override>,
    /// Credits that were bought or given.
    pub grants: Vec<Grant>,
    /// The features asked about.
    pub features: BTreeMap<Uuid, Feature>,
    /// Credit systems that price those features.
    pub credit_systems: BTreeMap<Uuid, CreditSystem>,
    /// True when a payment method is stored: a trial then ends in `active`.
    pub has_payment_method: bool,
    /// How many entities are active or awaiting removal; matters only where an allowance is per
    /// entity and none is named.
    pub entity_count: i64,
    /// When entities were added, at least those asked about; bounds their rollover.
    pub entity_added: BTreeMap<String, Time>,
}

/// A feature of the catalog.
#[derive(Debug, Clone)]
pub struct Feature {
    /// Row id.
    pub id: Uuid,
    /// Name in the catalog.
    pub slug: String,
    /// What kind of answer it gives.
    pub feature_type: FeatureType,
    /// Metered: a monthly allowance (a number); boolean: true/false; static: any value; entity: a
    /// count.
    pub default_value: Option<Value>,
    /// Entity: a removed one keeps its slot until the period ends.
    pub free_at_period_end: bool,
}

/// Credits that several features are paid from.
#[derive(Debug, Clone)]
pub struct CreditSystem {
    /// Row id.
    pub id: Uuid,
    /// Name in the catalog.
    pub slug: String,
    /// Credits per unit, by feature.
    pub costs: BTreeMap<Uuid, Quantity>,
}

/// A plan of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Row id.
    pub id: Uuid,
    /// Name in the catalog.
    pub slug: String,
    /// Plan group row, or the plan's own id when it names no group.
    pub group_id: Uuid,
    /// One live base plan per customer in this group.
    pub exclusive: bool,
    /// Order among plans; higher is better.
    pub rank: Option<i32>,
    /// Price of the default cycle in minor units.
    pub price: i64,
    /// None only when the price is zero.
    pub currency: Option<String>,
    /// How often the default cycle bills.
    pub cadence: Cadence,
    /// Paid once, lives until it is canceled.
    pub one_time: bool,
    /// Length of the trial; zero for none.
    pub trial_days: i32,
    /// The trial begins only once a card is stored.
    pub trial_card_required: bool,
    /// Attached by itself to new customers.
    pub auto_enable: bool,
    /// Stacks on a base plan.
    pub is_addon: bool,
    /// May be attached.
    pub active: bool,
    /// Plan that follows when a trial expires unpaid.
    pub on_expire: Option<Uuid>,
    /// The other cycles it is sold in.
    pub cycles: Vec<PlanCycle>,
}

/// One more interval a plan is sold in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanCycle {
    /// Name within the plan.
    pub key: String,
    /// Price per cycle in minor units.
    pub price: i64,
    /// None only when the price is zero.
    pub currency: Option<String>,
    /// How often it bills.
    pub cadence: Cadence,
    /// The provider's id of this price.
    pub external_id: Option<String>,
}

/// State of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waits for its checkout; has never granted.
    Incomplete,
    /// In its trial.
    Trialing,
    /// Paid or free, and live.
    Active,
    /// A payment failed; keeps access for the grace days.
    PastDue,
    /// Grants nothing until resumed.
    Paused,
    /// Ended by wish.
    Canceled,
    /// Ended by time.
    Expired,
}

/// A customer's subscription to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Row id.
    pub id: Uuid,
    /// What it subscribes to.
    pub plan_id: Uuid,
    /// Group of the plan, pinned.
    pub group_id: Uuid,
    /// Base plan of an exclusive group: its meters belong to the group.
    pub base: bool,
    /// State as of the time the facts were advanced to.
    pub status: Status,
    /// Billing anchor; periods are counted from it.
    pub anchor_at: Time,
    /// When the anchor or count of what had begun to count was last moved, which only a provider
    /// does.
    pub anchor_moved_at: Option<Time>,
    /// What it was until then, as far as that is known (`subscription::stage`).
    pub earlier: Option<Box<Subscription>>,
    /// An earlier stage: the provider's period was over when the next stage began, so that what was used
    /// in it does not go along.
    pub period_over: bool,
    /// Distinguishes a fresh count from an earlier one with the same key.
    pub count_number: i32,
    /// Subjects whose anchor or count differs from the subscription's own.
    pub feature_starts: BTreeMap<Uuid, FeatureStart>,
    /// When it began to grant (incomplete: when it was made).
    pub started_at: Time,
    /// The base subscription whose place it took at that moment. Dates cannot tell: on a clock that
    /// stands still several follow each other in one.
    pub follows: Option<Uuid>,
    /// Start of the running billing period; None as long as it has never been live.
    pub period_start: Option<Time>,
    /// End of the running billing period.
    pub period_end: Option<Time>,
    /// When the trial ends or ended.
    pub trial_ends_at: Option<Time>,
    /// When a scheduled cancellation acts.
    pub cancel_at: Option<Time>,
    /// Since when a payment is missing.
    pub past_due_since: Option<Time>,
    /// When its provider stopped trying to collect that: no days of grace go beyond.
    pub given_up_at: Option<Time>,
    /// Since when it is paused.
    pub paused_at: Option<Time>,
    /// When it stopped granting (canceled or expired).
    pub ended_at: Option<Time>,
    /// Pinned at attach: a changed catalog price reaches new subscribers only.
    pub cycle_key: Option<String>,
    /// Pinned price in minor units.
    pub price: i64,
    /// Pinned currency.
    pub currency: Option<String>,
    /// Pinned billing interval.
    pub cadence: Cadence,
    /// Paid once.
    pub one_time: bool,
    /// A payment provider renews and ends it: our dates run ahead of its word, and it may differ.
    pub linked: bool,
}

/// Where the counting of one subject begins, where it differs from its subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureStart {
    /// Periods of the subject are counted from here.
    pub anchor_at: Time,
    /// Its count number.
    pub count_number: i32,
}

/// A change of plan that waits for its date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChange {
    /// Row id.
    pub id: Uuid,
    /// What will change.
    pub subscription_id: Uuid,
    /// The plan it changes to.
    pub to_plan_id: Uuid,
    /// When it acts.
    pub effective_at: Time,
    /// Pinned when scheduled.
    pub cycle_key: Option<String>,
    /// Pinned price in minor units.
    pub price: i64,
    /// Pinned currency.
    pub currency: Option<String>,
    /// Pinned billing interval.
    pub cadence: Cadence,
    /// Paid once.
    pub one_time: bool,
}

/// What is counted: a feature's own units or the credits of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Units of a feature.
    Feature(Uuid),
    /// Credits of a system.
    CreditSystem(Uuid),
}

impl Subject {
    /// Row id of the feature or system.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Feature(id) | Self::CreditSystem(id) => id,
        }
    }
}

/// What a plan says about one feature or credit system.
#[derive(Debug, Clone)]
pub struct PlanFeature {
    /// Row id.
    pub id: Uuid,
    /// The plan.
    pub plan_id: Uuid,
    /// The feature or credit system.
    pub subject: Subject,
    /// False: named by the plan and switched off.
    pub enabled: bool,
    /// Static: the value; boolean: true or false.
    pub value: Option<Value>,
    /// None: unlimited.
    pub limit: Option<Quantity>,
    /// None: as `limit`.
    pub trial_limit: Option<Quantity>,
    /// Who shares the allowance.
    pub scope: Scope,
    /// How often the allowance is given anew.
    pub reset: Reset,
    /// From where its periods are counted.
    pub reset_anchor: ResetAnchor,
    /// A paid upgrade to this plan starts a fresh count.
    pub reset_on_enable: bool,
    /// What is left at the end of a period is kept.
    pub rollover: bool,
    /// Most that may be kept; None: no bound.
    pub rollover_limit: Option<Quantity>,
    /// How long after the end of its period it is kept; None: for ever.
    pub rollover_expires_after: Option<Span>,
    /// Unlimited, every unit is charged.
    pub usage_based: bool,
    /// Units beyond the limit are allowed and charged.
    pub overage_charged: bool,
    /// Most units beyond the limit; None: no bound.
    pub overage_limit: Option<Quantity>,
    /// Replaces the credit system's cost of this feature.
    pub credit_cost: Option<Quantity>,
    /// Pricing keys as shown in `details.pricing`; an empty object where units have no price.
    pub pricing: Value,
    /// When the plan began to name it; what was left before does not roll over.
    pub created_at: Time,
    /// Earlier values, ascending by `valid_until`.
    pub history: Vec<PlanFeaturePast>,
}

/// Values of a plan feature that were in force until `valid_until`.
#[derive(Debug, Clone)]
pub struct PlanFeaturePast {
    /// When they were replaced.
    pub valid_until: Time,
    /// None: unlimited.
    pub limit: Option<Quantity>,
    /// How often the allowance was given anew.
    pub reset: Reset,
    /// From where its periods were counted.
    pub reset_anchor: ResetAnchor,
    /// What was left at the end of a period was kept.
    pub rollover: bool,
    /// Most that could be kept.
    pub rollover_limit: Option<Quantity>,
}

/// What was agreed with one customer, against its plans.
#[derive(Debug, Clone)]
pub struct Override {
    /// Row id; kept when the override is replaced, so that its count goes on.
    pub id: Uuid,
    /// None: for the whole customer.
    pub subscription_id: Option<Uuid>,
    /// The feature overridden.
    pub feature_id: Uuid,
    /// On or off; None: not overridden.
    pub enabled: Option<bool>,
    /// None: not overridden.
    pub usage_limit: Option<Quantity>,
    /// No limit at all.
    pub unlimited: bool,
    /// None: not overridden.
    pub value: Option<Value>,
    /// When it ends; None: never.
    pub expires_at: Option<Time>,
}
