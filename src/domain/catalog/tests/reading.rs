//! What a document means: defaults, spellings, normalisation, the example that users load.

use super::super::*;
use super::{read, with_entry, with_plans};
use crate::interval::{Interval, Reset};
use crate::quantity::Quantity;
use serde_json::json;

fn entry_of(document: serde_json::Value) -> PlanFeature {
    read(&document).0.plans[0].features[0].clone()
}

#[test]
fn loads_the_example_of_the_sdk() {
    let text = include_str!("../../../../examples/owostack-sync.json");
    let (catalog, warnings) = read(&serde_json::from_str(text).unwrap());
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(catalog.features.len(), 6);
    assert_eq!(catalog.features[2].feature_type, FeatureType::Entity);
    assert_eq!(catalog.plan_groups, vec![PlanGroup::implied("main")]);
    let [free, pro, scale, addon] = catalog.plans.as_slice() else {
        panic!("four plans");
    };
    assert!(free.auto_enable && !free.features[1].enabled);
    assert_eq!(free.features[2].reset, Reset::Every(Interval::Never));
    assert_eq!(pro.features[0].trial_limit, Some(Quantity::from_int(1000)));
    assert_eq!(pro.features[0].overage, Overage::Charge);
    assert_eq!(
        pro.features[0].pricing.block_price(),
        Quantity::from_int(500)
    );
    assert_eq!(scale.features[0].pricing.tiers.len(), 3);
    assert!(addon.is_addon && addon.plan_group.is_none());
    let again = compare(&catalog, &catalog);
    assert!(again.is_empty());
    assert_eq!(again.plans.unchanged.len(), 4);
}

#[test]
fn applies_every_default() {
    let catalog = read(&with_plans(json!([
        {"slug": "free", "features": [{"slug": "calls"}, {"slug": "seats"}, {"slug": "credits"}]}
    ])))
    .0;
    let plan = &catalog.plans[0];
    assert_eq!(
        (plan.name.as_str(), plan.price, plan.currency),
        ("free", 0, None)
    );
    assert_eq!(plan.interval, Interval::Monthly);
    assert_eq!(plan.billing_type, BillingType::Recurring);
    assert_eq!(
        (&plan.plan_group, plan.rank, plan.trial_days),
        (&None, None, 0)
    );
    assert!(!plan.trial_card_required && !plan.auto_enable && !plan.is_addon);
    assert_eq!(plan.provider, None);
    let monthly = Reset::Every(Interval::Monthly);
    assert_eq!(plan.features[0], PlanFeature::new("calls", monthly));
    let never = Reset::Every(Interval::Never);
    assert_eq!(plan.features[1], PlanFeature::new("seats", never));
    assert_eq!(plan.features[2], PlanFeature::new("credits", monthly));
    assert_eq!(catalog.features[0].feature_type, FeatureType::Metered);
    assert_eq!(catalog.features[0].free_at, FreeAt::Immediate);
    assert_eq!(catalog.features[0].name, "calls");
}

#[test]
fn reads_both_spellings_of_a_key() {
    let camel = json!({
        "defaultProvider": "stripe",
        "plans": [{"slug": "pro", "price": 10, "currency": "eur", "trialDays": 7, "billingCycles": [
            {"key": "year", "price": 100, "interval": "annually", "intervalCount": 2}]}]
    });
    let snake = json!({
        "default_provider": "stripe",
        "plans": [{"slug": "pro", "price": 10, "currency": "EUR", "trial_days": 7, "billing_cycles": [
            {"key": "year", "price": 1e2, "interval": "Yearly", "interval_count": 2}]}]
    });
    let (catalog, warnings) = read(&camel);
    assert!(warnings.is_empty());
    assert_eq!(read(&snake).0, catalog);
    assert_eq!(catalog.plans[0].provider.as_deref(), Some("stripe"));
    let cycle = &catalog.plans[0].cycles[0];
    assert_eq!(cycle.currency, catalog.plans[0].currency);
    assert_eq!(
        (cycle.interval, cycle.interval_count),
        (Interval::Yearly, 2)
    );
}

#[test]
fn null_means_absent() {
    let document = json!({"plans": [{"slug": "pro", "name": null, "price": null, "currency": null,
        "planGroup": null, "trialDays": null, "metadata": null, "features": null, "rank": null}],
        "features": null, "defaultProvider": null});
    assert_eq!(
        read(&document).0,
        read(&json!({"plans": [{"slug": "pro"}]})).0
    );
}

#[test]
fn warns_of_unknown_keys_with_their_path() {
    let document = json!({"version": 1, "features": [{"slug": "calls", "colour": "red"}],
        "plans": [{"slug": "pro", "features": [{"slug": "calls", "limt": 5}],
            "metadata": {"anything": {"goes": [1]}}}]});
    assert_eq!(
        read(&document).1,
        [
            "version: unknown key, ignored",
            "features[0].colour: unknown key, ignored",
            "plans[0].features[0].limt: unknown key, ignored",
        ]
    );
}

#[test]
fn usage_based_has_no_limit_and_charges() {
    let (catalog, warnings) = read(&with_entry(
        json!({"slug": "calls", "usageModel": "usage_based",
        "pricePerUnit": 0.25, "limit": 10, "overage": "block"}),
    ));
    let entry = &catalog.plans[0].features[0];
    assert_eq!((entry.limit, entry.overage), (None, Overage::Charge));
    assert_eq!(
        entry.pricing.block_price(),
        Quantity::parse("0.25").unwrap()
    );
    assert_eq!(warnings.len(), 2);
}

#[test]
fn prepaid_is_blocked_above_what_was_bought() {
    let entry = entry_of(with_entry(json!({"slug": "calls", "usageModel": "prepaid",
        "limit": 10, "overage": "charge"})));
    assert_eq!(
        (entry.limit, entry.overage),
        (Some(Quantity::from_int(10)), Overage::Block)
    );
}

#[test]
fn reads_spans_as_text_or_days() {
    let of = |value: serde_json::Value| {
        let entry =
            json!({"slug": "calls", "limit": 5, "rollover": true, "rolloverExpiresAfter": value});
        entry_of(with_entry(entry)).rollover_expires_after
    };
    assert_eq!(of(json!(30)), of(json!("30 days")));
    assert!(of(json!("P1M")).is_some());
    assert_eq!(of(json!(null)), None);
}

#[test]
fn a_reset_of_entities_is_ignored() {
    let (catalog, warnings) = read(&with_entry(
        json!({"slug": "seats", "limit": 3, "reset": "monthly"}),
    ));
    assert_eq!(
        catalog.plans[0].features[0].reset,
        Reset::Every(Interval::Never)
    );
    assert_eq!(
        warnings,
        ["plans[0].features[0].reset: the number of entities never resets, ignored"]
    );
}

#[test]
fn static_features_take_any_value() {
    let entry = entry_of(with_entry(
        json!({"slug": "region", "value": {"zones": ["eu"]}}),
    ));
    assert_eq!(entry.value, Some(json!({"zones": ["eu"]})));
}

#[test]
fn what_the_sdk_says_of_booleans_is_harmless() {
    let (catalog, warnings) = read(&with_entry(
        json!({"slug": "sso", "enabled": false, "limit": null,
        "overage": "block", "usageModel": "included", "creditCost": 0, "reset": "monthly"}),
    ));
    assert!(!catalog.plans[0].features[0].enabled);
    assert_eq!(warnings.len(), 2);
}

#[test]
fn entity_features_by_meter_type() {
    let document = json!({"features": [
        {"slug": "a", "meterType": "non_consumable"},
        {"slug": "b", "type": "metered", "meter_type": "consumable"},
        {"slug": "c", "type": "entity", "meterType": "non_consumable"},
    ]});
    let types: Vec<&str> = read(&document)
        .0
        .features
        .iter()
        .map(|feature| feature.feature_type.as_str())
        .collect();
    assert_eq!(types, ["entity", "metered", "entity"]);
}

#[test]
fn pricing_keys_stand_alone() {
    let pricing = parse_pricing(
        &json!({"rating_model": "volume", "usage_model": "usage_based",
        "tiers": [{"up_to": 10, "unit_price": 3}, {"unitPrice": 1, "flatFee": 50}]}),
    );
    let tiers = pricing.unwrap().tiers;
    assert_eq!(tiers[0].up_to, Some(Quantity::from_int(10)));
    assert_eq!(tiers[1].flat_fee, Quantity::from_int(50));
    assert_eq!(parse_pricing(&json!({})), Ok(Pricing::default()));
    assert!(parse_pricing(&json!([])).is_err());
    assert!(parse_pricing(&json!({"billingUnits": 0})).is_err());
}

#[test]
fn references_reach_what_is_known_already() {
    let (stored, _) = read(&with_plans(json!([{"slug": "free", "planGroup": "main"}])));
    let known = Known::of(&stored);
    let document = json!({"plans": [{"slug": "pro", "planGroup": "main", "onExpire": "free",
        "features": [{"slug": "calls"}, {"slug": "credits", "limit": 5}]}]});
    let (wanted, warnings) = parse(&document, &known).unwrap();
    assert!(warnings.is_empty());
    assert!(
        wanted.plan_groups.is_empty(),
        "a known group is not named by the document"
    );
    let difference = compare(&stored, &wanted);
    assert_eq!(difference.plans.created, ["pro"]);
    assert_eq!(difference.plan_groups.unchanged, ["main"]);
    assert!(difference.features.unchanged.is_empty());
}

#[test]
fn the_order_of_entries_changes_nothing() {
    let one =
        json!([{"slug": "pro", "features": [{"slug": "calls", "limit": 1}, {"slug": "sso"}]}]);
    let other =
        json!([{"slug": "pro", "features": [{"slug": "sso"}, {"slug": "calls", "limit": 1.0}]}]);
    let (stored, _) = read(&with_plans(one));
    assert!(compare(&stored, &read(&with_plans(other)).0).is_empty());
    let less = json!([{"slug": "pro", "features": [{"slug": "sso"}]}]);
    let difference = compare(&stored, &read(&with_plans(less)).0);
    assert_eq!(difference.plans.updated, ["pro"]);
    assert_eq!(difference.to_json(&[])["plans"]["updated"], json!(["pro"]));
}

#[test]
fn activity_is_left_alone_unless_said() {
    let with =
        |active: serde_json::Value| read(&json!({"plans": [{"slug": "p", "active": active}]})).0;
    let stored = with(json!(false));
    assert!(compare(&stored, &with(json!(null))).is_empty());
    assert!(!compare(&stored, &with(json!(true))).is_empty());
    assert!(compare(&with(json!(null)), &with(json!(true))).is_empty());
}

#[test]
fn a_price_of_zero_needs_no_currency_whatever_usage_costs() {
    let (catalog, warnings) = read(&with_plans(
        json!([{"slug": "free", "features": [{"slug": "calls", "limit": 5, "overage": "charge", "overagePrice": 3}]}]),
    ));
    assert_eq!(catalog.plans[0].currency, None);
    assert!(catalog.plans[0].features[0].pricing.costs_money());
    assert_eq!(
        warnings,
        ["plans[0].currency: usage has a price, which needs one to be billed"]
    );
}
