//! Every way to get the boards wrong is found, by the property that it breaks.

use owostack_protocol::search;
use owostack_protocol::share::property::*;
use owostack_protocol::share::{Bounds, Bug, Share};

/// Small, so that what is found is short.
const BOUNDS: Bounds = Bounds {
    sharers: 1,
    transactions: 2,
    wanters: 1,
};

fn finds(bug: Bug, property: &'static str) {
    let right = Share {
        bounds: BOUNDS,
        bug: None,
    };
    search::all(&format!("without {bug:?}"), right).holds(property);
    let name = format!("{bug:?} breaks \"{property}\"");
    let wrong = Share {
        bounds: BOUNDS,
        bug: Some(bug),
    };
    search::until(&name, wrong, property).shows(property);
}

#[test]
fn finds_a_look_before_the_announcement() {
    finds(Bug::LookBeforeAnnouncing, ALONE);
}

#[test]
fn finds_an_announcement_that_goes_before_the_share_shows() {
    finds(Bug::WithdrawBeforeSharing, ALONE);
}

#[test]
fn finds_a_sharer_that_queues_with_its_announcement_up() {
    finds(Bug::QueueAnnounced, NO_DEADLOCK);
}

#[test]
fn finds_a_share_that_goes_before_what_it_protects() {
    finds(Bug::LeaveBeforeEnd, ALONE);
}

#[test]
fn finds_a_want_after_the_boards_were_read() {
    finds(Bug::WantAfterReading, ALONE);
}

#[test]
fn finds_a_wanter_without_patience() {
    finds(Bug::IgnoreAnnouncements, ALONE);
}

#[test]
fn finds_an_owner_of_another_transaction() {
    finds(Bug::OwnerAfterShare, NO_DEADLOCK);
}

#[test]
fn finds_a_want_that_goes_before_the_change() {
    finds(Bug::LetInBeforeEnd, ALONE);
}
