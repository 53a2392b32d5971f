//! Every way to get the protocol of a meter wrong is found, by the property that it breaks.

use owostack_protocol::meter::property::*;
use owostack_protocol::meter::{Bounds, Bug, Meter};
use owostack_protocol::search;

/// Small, so that what is found is short; each bug widens what it needs.
const BOUNDS: Bounds = Bounds {
    sessions: 2,
    transactions: 1,
    calls: 1,
    amounts: &[1, -1],
    savepoints: 0,
    evictions: 1,
    folds: 0,
    limit: 1,
    used: 0,
};

const WITH_SAVEPOINT: Bounds = Bounds {
    calls: 2,
    savepoints: 1,
    ..BOUNDS
};

fn finds(bug: Bug, bounds: Bounds, property: &'static str) {
    let right = Meter { bounds, bug: None };
    search::all(&format!("without {bug:?}"), right).holds(property);
    let name = format!("{bug:?} breaks \"{property}\"");
    let bug = Some(bug);
    search::until(&name, Meter { bounds, bug }, property).shows(property);
}

#[test]
fn finds_a_pin_that_goes_with_the_statement() {
    finds(Bug::UnpinEarly, BOUNDS, NEVER_OVER);
}

#[test]
fn finds_a_callback_before_visibility() {
    finds(Bug::CallbackBeforeVisibility, BOUNDS, NEVER_OVER);
}

#[test]
fn finds_a_commit_that_ends_the_newest_first() {
    let bounds = Bounds { calls: 2, ..BOUNDS };
    finds(Bug::EndNewestFirst, bounds, READERS);
}

#[test]
fn finds_a_load_without_ticket() {
    let bounds = Bounds {
        sessions: 3,
        evictions: 2,
        ..BOUNDS
    };
    finds(Bug::LoadWithoutTicket, bounds, NEVER_OVER);
}

#[test]
fn finds_a_snapshot_before_the_ticket() {
    let bounds = Bounds {
        sessions: 3,
        ..BOUNDS
    };
    finds(Bug::SnapshotBeforeTicket, bounds, NEVER_OVER);
}

#[test]
fn finds_a_load_in_two_statements() {
    let bounds = Bounds {
        folds: 1,
        used: 1,
        ..BOUNDS
    };
    finds(Bug::LoadInTwoStatements, bounds, UNPINNED_IS_TABLES);
}

#[test]
fn finds_a_return_without_lower_bound() {
    finds(Bug::ReturnWithoutBound, BOUNDS, NEVER_BELOW_ZERO);
}

#[test]
fn finds_a_return_of_what_others_may_roll_back() {
    finds(Bug::ReturnOfOpenTakes, BOUNDS, NEVER_BELOW_ZERO);
}

#[test]
fn finds_two_returns_of_the_same_usage() {
    let bounds = Bounds { used: 1, ..BOUNDS };
    finds(Bug::ReturnBesideReturns, bounds, NEVER_BELOW_ZERO);
}

#[test]
fn finds_a_return_that_makes_room_before_its_commit() {
    let bounds = Bounds { used: 1, ..BOUNDS };
    finds(Bug::ReturnAtOnce, bounds, NEVER_OVER);
}

#[test]
fn finds_a_take_of_what_others_may_not_give_back() {
    let bounds = Bounds { used: 1, ..BOUNDS };
    finds(Bug::TakeSpendsReturns, bounds, NEVER_OVER);
}

#[test]
fn finds_a_fold_counted_twice() {
    let bounds = Bounds { folds: 1, ..BOUNDS };
    finds(Bug::FoldInTwoSteps, bounds, NOTHING_LOST);
    finds(Bug::FoldInTwoSteps, bounds, UNPINNED_IS_TABLES);
}

#[test]
fn finds_the_eviction_of_a_pinned_entry() {
    finds(Bug::EvictPinned, BOUNDS, NEVER_OVER);
}

#[test]
fn finds_a_savepoint_that_gives_nothing_back() {
    finds(Bug::SavepointKept, WITH_SAVEPOINT, UNPINNED_IS_TABLES);
    let bounds = Bounds {
        used: 1,
        ..WITH_SAVEPOINT
    };
    // A return that was rolled back, too.
    finds(Bug::SavepointKept, bounds, NEVER_OVER);
}

#[test]
fn finds_a_savepoint_that_forgets_those_inside_of_it() {
    let bounds = Bounds {
        savepoints: 2,
        ..WITH_SAVEPOINT
    };
    finds(Bug::UndoItselfOnly, bounds, UNPINNED_IS_TABLES);
}

#[test]
fn finds_an_abort_that_counts() {
    finds(Bug::AbortKept, BOUNDS, UNPINNED_IS_TABLES);
}
