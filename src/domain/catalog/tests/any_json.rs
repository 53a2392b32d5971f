//! Whatever JSON comes, reading it ends with a catalog or with problems.

use super::super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// JSON with the words of a catalog in odd places.
fn any_json() -> impl Strategy<Value = Value> {
    let word = proptest::sample::select(vec![
        "features",
        "plans",
        "slug",
        "price",
        "currency",
        "tiers",
        "upTo",
        "up_to",
        "limit",
        "USD",
        "creditSystems",
        "creditPacks",
        "planGroups",
        "planGroup",
        "billingCycles",
        "entity",
        "reset",
        "interval",
        "metered",
        "monthly",
        "calls",
        "usageModel",
        "usage_based",
        "rolloverExpiresAfter",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let key = prop_oneof![4 => word.clone().prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(document in any_json()) {
        let _ = parse(&document, &Known::default());
        let _ = parse_pricing(&document);
        let _ = parse(&json!({"plans": [document.clone()], "features": document}), &Known::default());
    }
}
