//! Shares on boards as they are: no interleaving breaks a property.

use owostack_protocol::search::{self, Found};
use owostack_protocol::share::property::*;
use owostack_protocol::share::{Bounds, Share};
use std::sync::LazyLock;

/// Sharers beside one who wants the stripe alone.
const MANY: Bounds = Bounds {
    sharers: 3,
    transactions: 2,
    wanters: 1,
};

/// Two who want it alone, one after the other.
const TWICE: Bounds = Bounds {
    sharers: 2,
    transactions: 3,
    wanters: 2,
};

static SEARCHES: LazyLock<[Found; 2]> = LazyLock::new(|| {
    let search = |name, bounds| search::all(name, Share { bounds, bug: None });
    [
        search("three share, one wants alone", MANY),
        search("two share, two want alone", TWICE),
    ]
});

fn holds(property: &str) {
    SEARCHES.iter().for_each(|found| found.holds(property));
}

#[test]
fn who_is_alone_is_alone() {
    holds(ALONE);
}

#[test]
fn nobody_waits_in_vain() {
    holds(NO_DEADLOCK);
}

#[test]
fn the_bounds_are_wide_enough_to_mean_something() {
    for property in [WAITS, PATIENT, TOGETHER, QUEUES] {
        SEARCHES.iter().for_each(|found| found.shows(property));
    }
}
