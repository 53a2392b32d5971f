//! Every way to get holds wrong is found, by the property that it breaks.

use owostack_protocol::hold::property::*;
use owostack_protocol::hold::{Bounds, Bug, Holds};
use owostack_protocol::search;

/// Small, so that what is found is short; each bug widens what it needs.
const BOUNDS: Bounds = Bounds {
    sessions: 2,
    calls: 1,
    amounts: &[1],
    reserves: &[],
    settles: &[0],
    limit: 1,
    used: 0,
    open: &[1],
    holds: 1,
};

fn finds(bug: Bug, bounds: Bounds, property: &'static str) {
    let right = Holds { bounds, bug: None };
    search::all(&format!("without {bug:?}"), right).holds(property);
    let name = format!("{bug:?} breaks \"{property}\"");
    let bug = Some(bug);
    search::until(&name, Holds { bounds, bug }, property).shows(property);
}

#[test]
fn finds_a_settle_that_does_not_look_again() {
    finds(Bug::SettleUnchecked, BOUNDS, ENDED_ONCE);
}

#[test]
fn finds_an_end_of_time_beside_a_settle() {
    finds(Bug::ExpireLocked, BOUNDS, ENDED_ONCE);
}

#[test]
fn finds_a_settle_beyond_the_limit() {
    let bounds = Bounds {
        settles: &[2],
        ..BOUNDS
    };
    finds(Bug::SettleUnbounded, bounds, NEVER_OVER);
}

#[test]
fn finds_a_settle_that_gives_back_what_was_used() {
    let bounds = Bounds {
        settles: &[1],
        ..BOUNDS
    };
    finds(Bug::SettleKeepsNothing, bounds, ENDED_ONCE);
}

#[test]
fn finds_room_of_a_hold_whose_end_is_not_committed() {
    finds(Bug::ExpireAtOnce, BOUNDS, NEVER_OVER);
}

#[test]
fn finds_a_return_of_what_another_holds() {
    let bounds = Bounds {
        amounts: &[-1],
        ..BOUNDS
    };
    finds(Bug::ReturnHeld, bounds, HELD_IS_THERE);
}

#[test]
fn finds_a_return_beside_a_new_hold() {
    let bounds = Bounds {
        amounts: &[-1],
        reserves: &[1],
        open: &[],
        ..BOUNDS
    };
    finds(Bug::ReturnBesideHolds, bounds, HELD_IS_THERE);
}
