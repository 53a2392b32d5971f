//! Rows of the tables: judged and normalised as documents are.

use super::super::*;
use super::strategy::catalog;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn row(table: Table, columns: Value) -> Result<Map<String, Value>, Vec<String>> {
    let Value::Object(columns) = columns else {
        panic!("columns are an object")
    };
    match read_row(table, &columns) {
        Ok(row) => Ok(row.columns()),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn normalises_words() {
    let plan = row(
        Table::Plan,
        json!({"id": "7", "slug": "pro", "name": null, "price_amount": 5, "currency": "usd",
            "billing_interval": "year", "on_expire": "free", "created_at": "2027-01-01"}),
    )
    .unwrap();
    assert_eq!(plan["currency"], "USD");
    assert_eq!(plan["billing_interval"], "yearly");
    assert_eq!(plan["name"], "pro");
    let entry = |columns| row(Table::PlanFeature, columns).unwrap();
    let billed = entry(
        json!({"slug": "calls", "feature_type": "metered", "usage_model": "usage_based",
        "limit_amount": 5, "overage": "block", "reset_interval": "Month"}),
    );
    assert_eq!(
        (&billed["limit_amount"], &billed["overage"]),
        (&json!(null), &json!("charge"))
    );
    assert_eq!(billed["reset_interval"], "monthly");
    let seats =
        entry(json!({"slug": "seats", "feature_type": "entity", "reset_interval": "monthly"}));
    assert_eq!(seats["reset_interval"], "never");
    let tiers = entry(
        json!({"slug": "credits", "feature_type": null, "rating_model": "volume",
        "tiers": [{"up_to": null, "unit_price": 1}]}),
    );
    assert_eq!(
        tiers["tiers"],
        json!([{"upTo": null, "unitPrice": 1, "flatFee": 0}])
    );
}

#[test]
fn names_mistakes_by_their_column() {
    let wrong = |table, columns, start: &str| {
        let problems = row(table, columns).unwrap_err();
        assert!(problems[0].starts_with(start), "{problems:?}");
    };
    wrong(
        Table::Plan,
        json!({"slug": "p", "price_amount": -5}),
        "price_amount: ",
    );
    wrong(
        Table::Plan,
        json!({"slug": "p", "price_amount": 5}),
        "currency: is required",
    );
    wrong(
        Table::Plan,
        json!({"slug": "p", "on_expire": "p"}),
        "on_expire: ",
    );
    wrong(
        Table::PlanCycle,
        json!({"key": "k", "price_amount": 0}),
        "billing_interval: is required",
    );
    wrong(
        Table::Feature,
        json!({"slug": "f", "default_value": "x"}),
        "default_value: ",
    );
    wrong(Table::CreditSystem, json!({"slug": ""}), "slug: ");
    wrong(Table::PlanGroup, json!({"slug": null}), "slug: is required");
    let switch = json!({"slug": "sso", "feature_type": "boolean", "limit_amount": 5});
    wrong(
        Table::PlanFeature,
        switch,
        "limit_amount: has no meaning for a boolean feature",
    );
    let tiers = json!({"slug": "c", "feature_type": "metered", "rating_model": "volume",
        "tiers": [{"upTo": 0}]});
    wrong(Table::PlanFeature, tiers, "tiers[0].upTo: ");
}

proptest! {
    #[test]
    fn a_row_reads_as_it_was_written(catalog in catalog()) {
        let types: std::collections::BTreeMap<&str, &str> = catalog
            .features
            .iter()
            .map(|feature| (feature.slug.as_str(), feature.feature_type.as_str()))
            .collect();
        let mut rows: Vec<(Table, Row)> = Vec::new();
        rows.extend(catalog.features.iter().cloned().map(|row| (Table::Feature, Row::Feature(row))));
        rows.extend(catalog.credit_packs.iter().cloned().map(|row| (Table::CreditPack, Row::CreditPack(row))));
        for plan in &catalog.plans {
            rows.extend(plan.cycles.iter().cloned().map(|row| (Table::PlanCycle, Row::PlanCycle(row))));
            rows.extend(plan.features.iter().cloned().map(|row| (Table::PlanFeature, Row::PlanFeature(row))));
            let bare = Plan { cycles: Vec::new(), features: Vec::new(), ..plan.clone() };
            rows.push((Table::Plan, Row::Plan(bare)));
        }
        for (table, row) in rows {
            let mut columns = row.columns();
            if let Row::PlanFeature(entry) = &row {
                columns.insert("feature_type".to_owned(), json!(types.get(entry.slug.as_str())));
            }
            prop_assert_eq!(read_row(table, &columns).unwrap(), row);
        }
    }
}
