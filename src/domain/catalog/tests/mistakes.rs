//! What is refused, with its path; all of it at once, and never by a panic.

use super::super::*;
use super::{problems, problems_over, read, with_entry, with_plans};
use serde_json::{Value, json};

/// Documents with one mistake each, and where it is.
fn mistakes() -> Vec<(Value, &'static str)> {
    let long = "x".repeat(256);
    let large = json!({"blob": "x".repeat(16 * 1024)});
    vec![
        (json!([]), "catalog"),
        (json!("text"), "catalog"),
        (json!(null), "catalog"),
        (json!({"features": {}}), "features"),
        (json!({"features": [7]}), "features[0]"),
        (json!({"features": [{}]}), "features[0].slug"),
        (json!({"features": [{"slug": ""}]}), "features[0].slug"),
        (json!({"features": [{"slug": "  "}]}), "features[0].slug"),
        (json!({"features": [{"slug": 5}]}), "features[0].slug"),
        (json!({"features": [{"slug": long}]}), "features[0].slug"),
        (json!({"features": [{"slug": "a\0b"}]}), "features[0].slug"),
        (
            json!({"features": [{"slug": "a", "type": "gauge"}]}),
            "features[0].type",
        ),
        (
            json!({"features": [{"slug": "a", "meterType": "x"}]}),
            "features[0].meterType",
        ),
        (
            json!({"features": [{"slug": "a", "type": "entity", "meter_type": "consumable"}]}),
            "features[0].meter_type",
        ),
        (
            json!({"features": [{"slug": "a", "default": "many"}]}),
            "features[0].default",
        ),
        (
            json!({"features": [{"slug": "a", "default": -1}]}),
            "features[0].default",
        ),
        (
            json!({"features": [{"slug": "a", "type": "boolean", "default": 1}]}),
            "features[0].default",
        ),
        (
            json!({"features": [{"slug": "a", "freeAt": "later"}]}),
            "features[0].freeAt",
        ),
        (
            json!({"features": [{"slug": "a"}, {"slug": "a"}]}),
            "features[1].slug",
        ),
        (
            json!({"features": [{"slug": "a", "freeAt": "immediate", "free_at": "immediate"}]}),
            "features[0].freeAt",
        ),
        (
            json!({"creditSystems": [{"slug": "c", "features": [{"feature": "x", "creditCost": 1}]}]}),
            "creditSystems[0].features[0].feature",
        ),
        (
            json!({"features": [{"slug": "a"}], "creditSystems": [{"slug": "a"}]}),
            "creditSystems[0].slug",
        ),
        (
            json!({"features": [{"slug": "a"}], "creditSystems": [{"slug": "c", "features": [{"feature": "a"}]}]}),
            "creditSystems[0].features[0].creditCost",
        ),
        (
            json!({"features": [{"slug": "a", "type": "boolean"}], "creditSystems": [{"slug": "c", "features": [{"feature": "a", "creditCost": 1}]}]}),
            "creditSystems[0].features[0].feature",
        ),
        (
            json!({"creditPacks": [{"slug": "p", "credits": 5, "price": 0, "creditSystem": "none"}]}),
            "creditPacks[0].creditSystem",
        ),
        (
            json!({"creditSystems": [{"slug": "c"}], "creditPacks": [{"slug": "p", "credits": 0, "price": 0, "creditSystem": "c"}]}),
            "creditPacks[0].credits",
        ),
        (
            json!({"creditSystems": [{"slug": "c"}], "creditPacks": [{"slug": "p", "credits": 1, "price": 5, "creditSystem": "c"}]}),
            "creditPacks[0].currency",
        ),
        (
            json!({"creditSystems": [{"slug": "c"}], "creditPacks": [{"slug": "p", "credits": 1, "price": 0, "creditSystem": "c", "expiresAfter": "-1 day"}]}),
            "creditPacks[0].expiresAfter",
        ),
        (
            json!({"planGroups": [{"slug": "g", "exclusive": "yes"}]}),
            "planGroups[0].exclusive",
        ),
        (
            json!({"planGroups": [{"slug": "g", "features": ["x"]}]}),
            "planGroups[0].features[0]",
        ),
        (
            json!({"planGroups": [{"slug": "g", "features": [1]}]}),
            "planGroups[0].features[0]",
        ),
        (
            json!({"plans": [{"slug": "p", "price": -1}]}),
            "plans[0].price",
        ),
        (
            json!({"plans": [{"slug": "p", "price": 0.5}]}),
            "plans[0].price",
        ),
        (
            json!({"plans": [{"slug": "p", "price": 1e19}]}),
            "plans[0].price",
        ),
        (
            json!({"plans": [{"slug": "p", "price": "5"}]}),
            "plans[0].price",
        ),
        (
            json!({"plans": [{"slug": "p", "price": 5}]}),
            "plans[0].currency",
        ),
        (
            json!({"plans": [{"slug": "p", "price": 5, "currency": "XYZ"}]}),
            "plans[0].currency",
        ),
        (
            json!({"plans": [{"slug": "p", "interval": "fortnightly"}]}),
            "plans[0].interval",
        ),
        (
            json!({"plans": [{"slug": "p", "interval": "billing_period"}]}),
            "plans[0].interval",
        ),
        (
            json!({"plans": [{"slug": "p", "billingType": "barter"}]}),
            "plans[0].billingType",
        ),
        (
            json!({"plans": [{"slug": "p", "trialDays": -1}]}),
            "plans[0].trialDays",
        ),
        (
            json!({"plans": [{"slug": "p", "trialDays": 1.5}]}),
            "plans[0].trialDays",
        ),
        (
            json!({"plans": [{"slug": "p", "rank": 3_000_000_000_u64}]}),
            "plans[0].rank",
        ),
        (
            json!({"plans": [{"slug": "p", "autoEnable": 1}]}),
            "plans[0].autoEnable",
        ),
        (
            json!({"plans": [{"slug": "p", "onExpire": "q"}]}),
            "plans[0].onExpire",
        ),
        (
            json!({"plans": [{"slug": "p", "on_expire": "p"}]}),
            "plans[0].on_expire",
        ),
        (
            json!({"plans": [{"slug": "p", "metadata": []}]}),
            "plans[0].metadata",
        ),
        (
            json!({"plans": [{"slug": "p", "metadata": large}]}),
            "plans[0].metadata",
        ),
        (
            json!({"plans": [{"slug": "p", "name": "x".repeat(1001)}]}),
            "plans[0].name",
        ),
        (
            json!({"plans": [{"slug": "p"}, {"slug": "p"}]}),
            "plans[1].slug",
        ),
        (
            json!({"plans": [{"slug": "p", "billingCycles": [{"key": "k", "price": 0}]}]}),
            "plans[0].billingCycles[0].interval",
        ),
        (
            json!({"plans": [{"slug": "p", "billingCycles": [{"key": "k", "price": 1, "interval": "yearly"}]}]}),
            "plans[0].billingCycles[0].currency",
        ),
        (
            json!({"plans": [{"slug": "p", "billing_cycles": [{"key": "k", "price": 0, "interval": "yearly", "interval_count": 0}]}]}),
            "plans[0].billing_cycles[0].interval_count",
        ),
        (
            json!({"plans": [{"slug": "p", "billingCycles": [{"key": "k", "price": 0, "interval": "year"}, {"key": "k", "price": 0, "interval": "day"}]}]}),
            "plans[0].billingCycles[1].key",
        ),
    ]
}

/// Plan entries with one mistake each, and where it is.
fn wrong_entries() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"slug": "nothing"}), "slug"),
        (json!({"slug": "calls", "enabled": "yes"}), "enabled"),
        (json!({"slug": "calls", "limit": -5}), "limit"),
        (json!({"slug": "calls", "limit": "many"}), "limit"),
        (json!({"slug": "calls", "limit": 0.000_000_000_1}), "limit"),
        (json!({"slug": "calls", "limit": 1e20}), "limit"),
        (json!({"slug": "calls", "reset": "sometimes"}), "reset"),
        (
            json!({"slug": "calls", "resetAnchor": "moon"}),
            "resetAnchor",
        ),
        (json!({"slug": "calls", "scope": "team"}), "scope"),
        (json!({"slug": "calls", "value": 5}), "value"),
        (json!({"slug": "calls", "billingUnits": 0}), "billingUnits"),
        (json!({"slug": "calls", "overage": "free"}), "overage"),
        (
            json!({"slug": "calls", "rolloverExpiresAfter": 0}),
            "rolloverExpiresAfter",
        ),
        (
            json!({"slug": "calls", "rolloverExpiresAfter": true}),
            "rolloverExpiresAfter",
        ),
        (json!({"slug": "calls", "ratingModel": "volume"}), "tiers"),
        (json!({"slug": "calls", "tiers": [{"upTo": null}]}), "tiers"),
        (
            json!({"slug": "calls", "ratingModel": "graduated", "tiers": [{"upTo": null}, {"upTo": 5}]}),
            "tiers[0].upTo",
        ),
        (
            json!({"slug": "calls", "ratingModel": "graduated", "tiers": [{"upTo": 5}, {"upTo": 5}]}),
            "tiers[1].upTo",
        ),
        (
            json!({"slug": "calls", "ratingModel": "graduated", "tiers": [{"upTo": 0}]}),
            "tiers[0].upTo",
        ),
        (json!({"slug": "seats", "rollover": true}), "rollover"),
        (json!({"slug": "seats", "scope": "entity"}), "scope"),
        (json!({"slug": "seats", "creditCost": 2}), "creditCost"),
        (json!({"slug": "sso", "limit": 5}), "limit"),
        (json!({"slug": "sso", "value": false}), "value"),
        (json!({"slug": "sso", "overage": "charge"}), "overage"),
        (json!({"slug": "region", "pricePerUnit": 5}), "pricePerUnit"),
        (json!({"slug": "credits", "creditCost": 5}), "creditCost"),
    ]
}

#[test]
fn names_each_mistake_by_its_path() {
    for (document, path) in mistakes() {
        let found = problems(&document);
        assert_eq!(found.len(), 1, "{document}: {found:?}");
        assert!(
            found[0].starts_with(&format!("{path}: ")),
            "{document}: {found:?}"
        );
    }
    for (entry, key) in wrong_entries() {
        let found = problems(&with_entry(entry.clone()));
        let path = format!("plans[0].features[0].{key}: ");
        assert_eq!(found.len(), 1, "{entry}: {found:?}");
        assert!(found[0].starts_with(&path), "{entry}: {found:?}");
    }
}

#[test]
fn collects_every_mistake() {
    let document = with_plans(json!([
        {"slug": "a", "price": 5, "features": [{"slug": "calls", "limit": -1}]},
        {"slug": "b", "trialDays": "x"},
    ]));
    let found = parse(&document, &Known::default()).unwrap_err();
    let (message, detail) = summary(&found);
    assert_eq!(message, "catalog has 3 errors");
    assert_eq!(detail.lines().count(), 3);
    assert!(detail.contains("plans[0].features[0].limit: must not be negative, as -1 is"));
    assert_eq!(summary(&found[..1]).0, "catalog has 1 error");
}

#[test]
fn one_plan_of_an_exclusive_group_enables_itself() {
    let plans = |exclusive: bool, second: Value| {
        json!({"planGroups": [{"slug": "g", "exclusive": exclusive}], "plans": [
            {"slug": "a", "planGroup": "g", "autoEnable": true}, second]})
    };
    let second = json!({"slug": "b", "planGroup": "g", "autoEnable": true});
    assert!(problems(&plans(true, second.clone()))[0].starts_with("plans: "));
    read(&plans(false, second));
    read(&plans(
        true,
        json!({"slug": "b", "planGroup": "g", "autoEnable": true, "isAddon": true}),
    ));
    read(&plans(
        true,
        json!({"slug": "b", "planGroup": "g", "autoEnable": true, "active": false}),
    ));
    read(&json!({"plans": [{"slug": "a", "autoEnable": true}, {"slug": "b", "autoEnable": true}]}));

    let known = Known::of(&read(&plans(true, json!({"slug": "b"}))).0);
    let another = json!({"plans": [{"slug": "c", "planGroup": "g", "autoEnable": true}]});
    assert_eq!(problems_over(&another, &known).len(), 1);
    let moved = json!({"plans": [{"slug": "a", "planGroup": "g"},
        {"slug": "c", "planGroup": "g", "autoEnable": true}]});
    assert!(parse(&moved, &known).is_ok());
}

#[test]
fn what_is_known_keeps_its_type_and_its_slug() {
    let known = Known::of(&read(&with_plans(json!([]))).0);
    let over = |document: Value| problems_over(&document, &known);
    assert!(
        over(json!({"features": [{"slug": "calls", "type": "boolean"}]}))[0]
            .starts_with("features[0].type: is metered and cannot become boolean")
    );
    assert!(over(json!({"features": [{"slug": "credits"}]}))[0].starts_with("features[0].slug"));
    assert!(
        over(json!({"creditSystems": [{"slug": "calls"}]}))[0].starts_with("creditSystems[0].slug")
    );
}

#[test]
fn documents_and_reports_are_bounded() {
    let many: Vec<Value> = (0..2_001)
        .map(|at| json!({"slug": format!("f{at}")}))
        .collect();
    assert_eq!(problems(&json!({"features": many})).len(), 1);
    let wrong: Vec<Value> = (0..500).map(|_| json!({"slug": 1})).collect();
    let found = parse(&json!({"features": wrong}), &Known::default()).unwrap_err();
    let (message, detail) = summary(&found);
    assert_eq!(message, "catalog has 500 errors");
    assert_eq!(detail.lines().count(), 101);
    let huge = json!({"name": "x".repeat(5_000_000)});
    assert_eq!(
        problems(&huge),
        ["catalog: must not be larger than 4194304 bytes"]
    );
}

#[test]
fn measures_json_as_postgres_prints_it() {
    let value = json!({"a": [1, 2.50, true, null], "b": {"c": "é\n\u{1}\""}});
    assert_eq!(
        json_length(&value),
        r#"{"a": [1, 2.5, true, null], "b": {"c": "é\n\u0001\""}}"#.len()
    );
    assert_eq!(json_length(&json!([])), 2);
}
