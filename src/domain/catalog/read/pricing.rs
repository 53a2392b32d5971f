//! Reads the pricing keys of a plan feature.

use super::super::limits::TIERS;
use super::super::{Pricing, RatingModel, Tier, UsageModel};
use super::object::Object;
use crate::quantity::Quantity;

const TIER_KEYS: [&str; 3] = ["upTo", "unitPrice", "flatFee"];

/// Usage model, rating model, prices and tiers.
pub(super) fn pricing(object: &Object<'_>) -> Pricing {
    let default = Pricing::default();
    let billing_units = object.quantity("billingUnits");
    if billing_units.is_some_and(|units| units.is_zero()) {
        object.problem("billingUnits", "must be above zero");
    }
    let rating_model = object
        .word("ratingModel", RatingModel::WORDS, RatingModel::parse)
        .unwrap_or(default.rating_model);
    Pricing {
        usage_model: object
            .word("usageModel", UsageModel::WORDS, UsageModel::parse)
            .unwrap_or(default.usage_model),
        rating_model,
        price_per_unit: object
            .quantity("pricePerUnit")
            .unwrap_or(default.price_per_unit),
        billing_units: billing_units.unwrap_or(default.billing_units),
        tiers: tiers(object, rating_model),
        overage_price: object.quantity("overagePrice"),
    }
}

fn tiers(object: &Object<'_>, rating_model: RatingModel) -> Vec<Tier> {
    let items = object.list("tiers", TIERS);
    let graded = rating_model != RatingModel::Package;
    if graded
        && object
            .get("tiers")
            .is_none_or(|tiers| tiers.as_array().is_some_and(Vec::is_empty))
    {
        object.problem(
            "tiers",
            format!("are required by ratingModel {}", rating_model.as_str()),
        );
    }
    if !graded && !items.is_empty() {
        object.problem("tiers", "need ratingModel graduated or volume");
    }
    let last = items.len().saturating_sub(1);
    let mut floor = Quantity::ZERO;
    let mut tiers = Vec::with_capacity(items.len());
    for (at, (path, value)) in items.into_iter().enumerate() {
        let Some(tier) = Object::open(value, path, &TIER_KEYS, object.notes) else {
            continue;
        };
        let up_to = tier.quantity("upTo");
        match up_to {
            Some(bound) if bound <= floor => {
                tier.problem(
                    "upTo",
                    format!("must be above {floor}, where the tier begins"),
                );
            }
            Some(bound) => floor = bound,
            None if tier.get("upTo").is_none() && at != last => {
                tier.problem("upTo", "only the last tier may have no bound");
            }
            None => {}
        }
        tiers.push(Tier {
            up_to,
            unit_price: tier.quantity("unitPrice").unwrap_or(Quantity::ZERO),
            flat_fee: tier.quantity("flatFee").unwrap_or(Quantity::ZERO),
        });
    }
    tiers
}
