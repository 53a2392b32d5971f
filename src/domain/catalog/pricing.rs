//! The price of usage, as a plan feature states it.
//!
//! Prices are minor units per unit and may be fractional; turning them into money is rating's work.

use super::text::words;
use crate::quantity::Quantity;

words! {
    /// What usage is paid for.
    UsageModel {
        /// Usage above the allowance, when overage is charged.
        Included = "included",
        /// All usage.
        UsageBased = "usage_based",
        /// Usage bought beforehand: as included, and blocked above it.
        Prepaid = "prepaid",
    }
}

words! {
    /// How a quantity becomes an amount.
    RatingModel {
        /// Each started block of billing units at one price.
        Package = "package",
        /// Each unit at the price of the tier it falls into.
        Graduated = "graduated",
        /// All units at the price of the tier reached.
        Volume = "volume",
    }
}

/// A price that holds up to a cumulative, inclusive bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// None: no bound, last tier only.
    pub up_to: Option<Quantity>,
    pub unit_price: Quantity,
    /// Charged once when the tier is entered.
    pub flat_fee: Quantity,
}

/// The pricing keys of a plan feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pricing {
    pub usage_model: UsageModel,
    pub rating_model: RatingModel,
    /// Per billing unit.
    pub price_per_unit: Quantity,
    /// Units in one block; above zero.
    pub billing_units: Quantity,
    /// Ascending; empty exactly when the model is `package`.
    pub tiers: Vec<Tier>,
    /// Per billing unit above the allowance; None: `price_per_unit`.
    pub overage_price: Option<Quantity>,
}

impl Pricing {
    /// Price of one block of billing units that is billed under the usage model.
    pub fn block_price(&self) -> Quantity {
        match self.usage_model {
            UsageModel::UsageBased => self.price_per_unit,
            UsageModel::Included | UsageModel::Prepaid => {
                self.overage_price.unwrap_or(self.price_per_unit)
            }
        }
    }

    /// True when some quantity would cost money, so that a currency is needed.
    pub fn costs_money(&self) -> bool {
        self.price_per_unit.is_positive()
            || self.overage_price.is_some_and(Quantity::is_positive)
            || self
                .tiers
                .iter()
                .any(|tier| tier.unit_price.is_positive() || tier.flat_fee.is_positive())
    }
}

impl Default for Pricing {
    fn default() -> Self {
        Self {
            usage_model: UsageModel::Included,
            rating_model: RatingModel::Package,
            price_per_unit: Quantity::ZERO,
            billing_units: Quantity::ONE,
            tiers: Vec::new(),
            overage_price: None,
        }
    }
}
