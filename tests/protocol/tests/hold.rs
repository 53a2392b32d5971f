//! Holds as they are: no interleaving breaks a property.

use owostack_protocol::hold::property::*;
use owostack_protocol::hold::{Bounds, Holds};
use owostack_protocol::search::{self, Found};
use std::sync::LazyLock;

/// Three transactions, one hold that is open and one that may come.
const THREE: Bounds = Bounds {
    sessions: 3,
    calls: 1,
    amounts: &[1, 2, -1],
    reserves: &[1],
    settles: &[0, 1, 3],
    limit: 3,
    used: 1,
    open: &[2],
    holds: 2,
};

/// The same with more to do for each.
const LONG: Bounds = Bounds {
    calls: 2,
    amounts: &[1, -1],
    settles: &[0, 3],
    ..THREE
};

/// Two transactions of several calls, and two holds that are open.
const SEVERAL: Bounds = Bounds {
    sessions: 2,
    calls: 3,
    amounts: &[1, -1],
    limit: 4,
    open: &[1, 2],
    holds: 3,
    ..THREE
};

struct Searches {
    three: Found,
    long: Found,
    several: Found,
}

static SEARCHES: LazyLock<Searches> = LazyLock::new(|| {
    let search = |name, bounds| search::all(name, Holds { bounds, bug: None });
    Searches {
        three: search("holds, three transactions", THREE),
        long: search("holds, three long transactions", LONG),
        several: search("holds, several calls", SEVERAL),
    }
});

fn holds(property: &str) {
    SEARCHES.three.holds(property);
    SEARCHES.long.holds(property);
    SEARCHES.several.holds(property);
}

#[test]
fn never_grants_over_the_limit() {
    holds(NEVER_OVER);
}

#[test]
fn nobody_gives_back_what_another_holds() {
    holds(HELD_IS_THERE);
}

#[test]
fn each_hold_ends_once() {
    holds(ENDED_ONCE);
}

#[test]
fn an_entry_is_the_sum_of_what_is_committed_and_open() {
    holds(ENTRY_IS_SUM);
}

#[test]
fn checks_see_usage_within_bounds() {
    holds(READERS);
}

#[test]
fn the_bounds_are_wide_enough_to_mean_something() {
    for property in [SETTLE_WAITS, ROOM_IS_MADE, BEYOND, RETURN_BESIDE_HOLD] {
        SEARCHES.three.shows(property);
        SEARCHES.several.shows(property);
    }
}
