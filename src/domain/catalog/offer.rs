//! Features, credit systems, credit packs and plan groups: what plans are made of.

use super::text::words;
use crate::interval::Span;
use crate::money::Currency;
use crate::quantity::Quantity;
use serde_json::{Map, Value};

words! {
    /// How a feature is judged.
    FeatureType {
        /// Counted against an allowance.
        Metered = "metered",
        /// On or off.
        Boolean = "boolean",
        /// A number of named things, such as seats.
        Entity = "entity",
        /// A value to look up.
        Static = "static",
    }
}

words! {
    /// When a removed entity gives its slot back.
    FreeAt {
        /// With the removal.
        Immediate = "immediate",
        /// At the end of the running billing period.
        PeriodEnd = "period_end",
    }
}

/// Something that can be allowed, counted or given a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    pub slug: String,
    pub feature_type: FeatureType,
    pub name: String,
    /// What one unit is called.
    pub unit: Option<String>,
    /// What a customer has without any plan: an allowance, true, a count or a value.
    pub default_value: Option<Value>,
    pub free_at: FreeAt,
}

/// A pool of credits that several metered features spend from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditSystem {
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub features: Vec<CreditCost>,
}

/// What one unit of a feature costs in a credit system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditCost {
    /// Slug of the metered feature.
    pub feature: String,
    /// Credits per unit; zero is legal.
    pub credit_cost: Quantity,
}

/// Credits that can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditPack {
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub credits: Quantity,
    /// Minor units of the currency.
    pub price: i64,
    /// None only when the price is zero.
    pub currency: Option<Currency>,
    /// Slug of the system that the credits belong to.
    pub credit_system: String,
    pub provider: Option<String>,
    /// None: never.
    pub expires_after: Option<Span>,
    pub metadata: Map<String, Value>,
    /// None: as it is, and active when new.
    pub active: Option<bool>,
}

/// Plans that belong together; when exclusive, a customer has one base plan of it at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanGroup {
    pub slug: String,
    pub name: String,
    pub exclusive: bool,
    /// Slugs of the features that the group is about.
    pub features: Vec<String>,
}

impl PlanGroup {
    /// The group that a plan names without anybody having declared it.
    pub fn implied(slug: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            exclusive: true,
            features: Vec::new(),
        }
    }
}
