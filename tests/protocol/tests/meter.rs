//! The protocol of one meter as it is: no interleaving breaks a property.

use owostack_protocol::meter::property::*;
use owostack_protocol::meter::{Bounds, Meter};
use owostack_protocol::search::{self, Found};
use std::sync::LazyLock;

/// Transactions of one call each: loads, evictions and folds in every order.
const SINGLE: Bounds = Bounds {
    sessions: 3,
    transactions: 1,
    calls: 1,
    amounts: &[1, -1],
    savepoints: 0,
    evictions: 3,
    folds: 2,
    limit: 2,
    used: 1,
};

/// Transactions that take and return more than once.
const SEVERAL: Bounds = Bounds {
    calls: 2,
    amounts: &[1, 2, -1],
    evictions: 2,
    folds: 1,
    limit: 3,
    ..SINGLE
};

/// A savepoint in each of three transactions.
const SAVEPOINT: Bounds = Bounds {
    calls: 2,
    savepoints: 1,
    evictions: 1,
    folds: 0,
    ..SINGLE
};

/// Savepoints within savepoints.
const NESTED: Bounds = Bounds {
    sessions: 2,
    calls: 3,
    savepoints: 2,
    evictions: 0,
    folds: 0,
    ..SINGLE
};

/// Each session goes on after its first transaction.
const REPEATED: Bounds = Bounds {
    sessions: 2,
    transactions: 2,
    calls: 2,
    savepoints: 1,
    evictions: 2,
    folds: 1,
    ..SINGLE
};

struct Searches {
    single: Found,
    several: Found,
    savepoint: Found,
    nested: Found,
    repeated: Found,
}

static SEARCHES: LazyLock<Searches> = LazyLock::new(|| {
    let search = |name, bounds| search::all(name, Meter { bounds, bug: None });
    Searches {
        single: search("meter, single calls", SINGLE),
        several: search("meter, several calls", SEVERAL),
        savepoint: search("meter, a savepoint", SAVEPOINT),
        nested: search("meter, nested savepoints", NESTED),
        repeated: search("meter, one transaction after the other", REPEATED),
    }
});

fn holds(property: &str) {
    let all = &*SEARCHES;
    for found in [
        &all.single,
        &all.several,
        &all.savepoint,
        &all.nested,
        &all.repeated,
    ] {
        found.holds(property);
    }
}

#[test]
fn never_grants_over_the_limit() {
    holds(NEVER_OVER);
}

#[test]
fn never_gives_back_below_zero() {
    holds(NEVER_BELOW_ZERO);
}

#[test]
fn an_entry_without_pins_equals_the_tables() {
    holds(UNPINNED_IS_TABLES);
}

#[test]
fn an_entry_is_the_sum_of_what_is_committed_and_open() {
    holds(ENTRY_IS_SUM);
}

#[test]
fn nothing_is_lost_and_nothing_doubled() {
    holds(NOTHING_LOST);
}

#[test]
fn nothing_stays_open() {
    holds(NOTHING_LEFT);
}

#[test]
fn checks_see_usage_within_bounds() {
    holds(READERS);
}

#[test]
fn never_deadlocks() {
    holds(NO_DEADLOCK);
}

#[test]
fn the_bounds_are_wide_enough_to_mean_something() {
    for property in [FULL, RETURN_BESIDE_TAKE, SLOW_LOADER, FOLD_BESIDE_LOAD] {
        SEARCHES.single.shows(property);
        SEARCHES.several.shows(property);
        SEARCHES.repeated.shows(property);
    }
    SEARCHES.nested.shows(NESTED_UNDO);
}
