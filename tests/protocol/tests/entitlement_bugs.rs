//! Every way to get the protocol of a change wrong is found, by the property that it breaks.

use owostack_protocol::entitlement::property::*;
use owostack_protocol::entitlement::{Bounds, Bug, Entitlement, Kind};
use owostack_protocol::search;

/// Small, so that what is found is short.
const SWITCH: Bounds = Bounds {
    kind: Kind::Switch,
    sessions: 2,
    calls: 2,
    limits: [1, 1],
};

const EDIT: Bounds = Bounds {
    kind: Kind::Edit,
    ..SWITCH
};

fn finds(bug: Bug, bounds: Bounds, property: &'static str) {
    let right = Entitlement { bounds, bug: None };
    search::all(&format!("without {bug:?}"), right).holds(property);
    let name = format!("{bug:?} breaks \"{property}\"");
    let bug = Some(bug);
    search::until(&name, Entitlement { bounds, bug }, property).shows(property);
}

#[test]
fn finds_a_generation_read_after_the_snapshot() {
    finds(Bug::GenerationAfterSnapshot, EDIT, AT_ONCE);
    finds(Bug::GenerationAfterSnapshot, SWITCH, WHAT_STANDS_IS_TRUE);
}

#[test]
fn finds_a_generation_that_moves_before_visibility() {
    finds(Bug::BumpBeforeVisibility, EDIT, AT_ONCE);
}

#[test]
fn finds_an_uncommitted_change_that_is_kept() {
    finds(Bug::KeepOwnChange, EDIT, WHAT_STANDS_IS_TRUE);
}

#[test]
fn finds_a_take_that_does_not_look_again_after_the_lock() {
    finds(Bug::NoSecondLook, SWITCH, NOTHING_BEHIND);
}

#[test]
fn finds_a_take_that_decides_by_the_time_before_it_waited() {
    finds(Bug::ClockOfTheCall, SWITCH, NOTHING_BEHIND);
}

#[test]
fn finds_a_take_without_lock() {
    finds(Bug::TakeWithoutLock, SWITCH, NOTHING_BEHIND);
}

#[test]
fn finds_a_switch_that_shares_the_lock() {
    finds(Bug::SwitchShares, SWITCH, NOTHING_BEHIND);
}

#[test]
fn finds_a_count_read_before_the_lock() {
    finds(Bug::CarryBeforeLock, SWITCH, NOTHING_BEHIND);
}

#[test]
fn finds_a_carried_row_that_is_not_on_the_entry() {
    finds(Bug::CarryWithoutEntry, SWITCH, NEVER_OVER);
}

#[test]
fn finds_a_lock_that_goes_before_the_callback() {
    finds(Bug::UnlockBeforeCallback, SWITCH, NOTHING_BEHIND);
}

#[test]
fn finds_two_takes_that_wait_for_each_other() {
    finds(Bug::UpgradeLock, SWITCH, NO_DEADLOCK);
}
