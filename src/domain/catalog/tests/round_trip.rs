//! The way there and back: what is printed means the same.

use super::super::*;
use super::strategy::catalog;
use proptest::prelude::*;
use serde_json::json;

proptest! {
    #[test]
    fn what_is_printed_means_the_same(catalog in catalog()) {
        let document = print(&catalog);
        let (again, _) = parse(&document, &Known::default()).unwrap();
        prop_assert_eq!(&again, &catalog);
        prop_assert_eq!(print(&again), document);
    }

    #[test]
    fn a_catalog_over_itself_changes_nothing(catalog in catalog()) {
        let (again, warnings) = parse(&print(&catalog), &Known::of(&catalog)).unwrap();
        prop_assert!(compare(&catalog, &again).is_empty());
        prop_assert!(warnings.iter().all(|warning| warning.contains("autoEnable")), "{:?}", warnings);
    }
}

#[test]
fn defaults_are_left_out() {
    let document = json!({
        "features": [{"slug": "calls", "type": "metered", "name": "calls"}],
        "plans": [{"slug": "pro", "name": "pro", "price": 0, "interval": "monthly",
            "features": [{"slug": "calls", "enabled": true}]}],
    });
    let (catalog, _) = parse(&document, &Known::default()).unwrap();
    assert_eq!(print(&catalog), document);
}
