//! Plans, their billing cycles and what they grant.

use super::pricing::Pricing;
use super::text::words;
use crate::interval::{Interval, Reset, Span};
use crate::money::Currency;
use crate::quantity::Quantity;
use serde_json::{Map, Value};

words! {
    /// Whether a plan is paid again each period.
    BillingType {
        Recurring = "recurring",
        OneTime = "one_time",
    }
}

words! {
    /// Who an allowance belongs to.
    Scope {
        /// One pool; an entity only tags the record.
        Customer = "customer",
        /// Each entity has the limit to itself.
        Entity = "entity",
    }
}

words! {
    /// Where the periods of an allowance begin.
    ResetAnchor {
        /// With the subscription.
        Billing = "billing",
        /// With the calendar of the customer's zone.
        Calendar = "calendar",
    }
}

words! {
    /// What happens above the allowance.
    Overage {
        /// It is denied.
        Block = "block",
        /// It is allowed and billed.
        Charge = "charge",
    }
}

/// Something a customer subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    /// Minor units of the currency, per interval.
    pub price: i64,
    /// None only when nothing of the plan costs money.
    pub currency: Option<Currency>,
    pub interval: Interval,
    pub billing_type: BillingType,
    /// Slug of the group; None: the plan stands alone.
    pub plan_group: Option<String>,
    /// Order among plans, for upgrades and for static values.
    pub rank: Option<i32>,
    pub trial_days: i32,
    pub trial_card_required: bool,
    /// Attached to every new customer.
    pub auto_enable: bool,
    pub is_addon: bool,
    pub provider: Option<String>,
    /// Slug of the plan that follows an expired trial.
    pub on_expire: Option<String>,
    pub metadata: Map<String, Value>,
    /// None: as it is, and active when new.
    pub active: Option<bool>,
    pub cycles: Vec<Cycle>,
    pub features: Vec<PlanFeature>,
}

/// Another price and interval of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    pub key: String,
    pub price: i64,
    pub currency: Option<Currency>,
    pub interval: Interval,
    pub interval_count: i32,
    /// The provider's id of this price.
    pub external_id: Option<String>,
}

/// What a plan grants of one feature or credit system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFeature {
    /// Of a feature or of a credit system.
    pub slug: String,
    pub enabled: bool,
    /// Static features only.
    pub value: Option<Value>,
    /// None: unlimited.
    pub limit: Option<Quantity>,
    /// None: as `limit`.
    pub trial_limit: Option<Quantity>,
    pub scope: Scope,
    pub reset: Reset,
    pub reset_anchor: ResetAnchor,
    /// A paid upgrade to this plan starts a fresh count.
    pub reset_on_enable: bool,
    pub rollover: bool,
    /// Most that is kept over a boundary; None: all.
    pub rollover_limit: Option<Quantity>,
    /// None: rolled-over units never expire.
    pub rollover_expires_after: Option<Span>,
    pub pricing: Pricing,
    pub overage: Overage,
    /// Most units above the allowance; None: any.
    pub overage_limit: Option<Quantity>,
    /// Replaces the credit system's cost for this plan.
    pub credit_cost: Option<Quantity>,
}

impl PlanFeature {
    /// An enabled, unlimited entry with every default applied.
    pub fn new(slug: &str, reset: Reset) -> Self {
        Self {
            slug: slug.to_owned(),
            enabled: true,
            value: None,
            limit: None,
            trial_limit: None,
            scope: Scope::Customer,
            reset,
            reset_anchor: ResetAnchor::Billing,
            reset_on_enable: false,
            rollover: false,
            rollover_limit: None,
            rollover_expires_after: None,
            pricing: Pricing::default(),
            overage: Overage::Block,
            overage_limit: None,
            credit_cost: None,
        }
    }
}
