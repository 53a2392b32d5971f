//! The protocol of a change of plan as it is: no interleaving breaks a property.

use owostack_protocol::entitlement::property::*;
use owostack_protocol::entitlement::{Bounds, Entitlement, Kind};
use owostack_protocol::search::{self, Found};
use std::sync::LazyLock;

/// A switch beside three sessions.
const SWITCH: Bounds = Bounds {
    kind: Kind::Switch,
    sessions: 3,
    calls: 2,
    limits: [2, 3],
};

/// A switch beside sessions that learn, use and learn anew.
const LONG_SWITCH: Bounds = Bounds {
    sessions: 2,
    calls: 3,
    limits: [2, 2],
    ..SWITCH
};

/// A lower limit by an edit of the catalog.
const EDIT: Bounds = Bounds {
    kind: Kind::Edit,
    limits: [3, 2],
    ..SWITCH
};

static SEARCHES: LazyLock<[Found; 3]> = LazyLock::new(|| {
    let search = |name, bounds| search::all(name, Entitlement { bounds, bug: None });
    [
        search("switch of plan, three sessions", SWITCH),
        search("switch of plan, three calls", LONG_SWITCH),
        search("edit of the catalog", EDIT),
    ]
});

fn holds(property: &str) {
    SEARCHES.iter().for_each(|found| found.holds(property));
}

#[test]
fn never_grants_over_the_limit() {
    holds(NEVER_OVER);
}

#[test]
fn counts_nothing_on_a_meter_that_was_carried_away() {
    holds(NOTHING_BEHIND);
}

#[test]
fn an_entry_without_pins_equals_the_tables() {
    holds(UNPINNED_IS_TABLES);
}

#[test]
fn keeps_nothing_that_is_not_true() {
    holds(WHAT_STANDS_IS_TRUE);
}

#[test]
fn never_answers_by_the_old_plan_after_the_commit() {
    holds(AT_ONCE);
}

#[test]
fn never_deadlocks() {
    holds(NO_DEADLOCK);
}

#[test]
fn the_bounds_are_wide_enough_to_mean_something() {
    for property in [FULL, OVERTAKEN, BETWEEN] {
        SEARCHES.iter().for_each(|found| found.shows(property));
    }
}
