//! A look without the lock: what is believed is never torn, and each rule left out is missed.

use owostack_protocol::glance::*;
use owostack_protocol::search;

fn finds(bug: Bug) {
    let name = format!("{bug:?} breaks \"{SOME_MOMENT}\"");
    let model = Glance { bug: Some(bug) };
    search::until(&name, model, SOME_MOMENT).shows(SOME_MOMENT);
}

#[test]
fn believes_only_what_was_true_at_some_moment() {
    let found = search::all("glance", Glance { bug: None });
    found.holds(SOME_MOMENT);
    found.shows(BELIEVED);
    found.shows(REFUSED);
}

#[test]
fn finds_a_version_that_is_not_read_again() {
    finds(Bug::NoSecondLook);
}

#[test]
fn finds_an_odd_version_that_is_believed() {
    finds(Bug::OddBelieved);
}

#[test]
fn finds_a_version_that_moves_once() {
    finds(Bug::MoveOnce);
}

#[test]
fn finds_a_version_that_is_even_too_early() {
    finds(Bug::EvenTooEarly);
}

#[test]
fn finds_a_slot_that_has_become_another_meters() {
    finds(Bug::NoKey);
}
