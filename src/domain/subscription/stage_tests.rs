//! Stages of a subscription, and which of them a moment belongs to.

use super::*;
use crate::subscription::fixture::{attach, facts, plan, time};

#[test]
fn a_move_is_noted_of_what_has_counted_outside_a_trial() {
    let pro = plan(10, 500);
    let mut facts = facts(std::slice::from_ref(&pro));
    attach(&mut facts, 200, &pro, None, time("2026-03-01"));
    let before = facts.subscriptions[0].clone();
    let now = time("2026-03-20");
    let moved = |before: &Subscription, anchor: &str, count: i32| {
        let mut row = before.clone();
        row.anchor_at = time(anchor);
        row.count_number = count;
        row.note_move(before, now);
        row.anchor_moved_at
    };
    assert_eq!(moved(&before, "2026-03-01", 1), None);
    assert_eq!(moved(&before, "2026-03-04", 1), Some(now));
    assert_eq!(moved(&before, "2026-03-01", 2), Some(now));
    let mut tried = before.clone();
    tried.status = Status::Trialing;
    assert_eq!(moved(&tried, "2026-03-04", 2), None);
    let mut waits = before;
    waits.count_number = 0;
    assert_eq!(moved(&waits, "2026-03-04", 1), None);
}

/// A row that was moved on each of those days.
fn moved_on(days: &[&str]) -> Subscription {
    let pro = plan(10, 500);
    let mut facts = facts(std::slice::from_ref(&pro));
    attach(&mut facts, 200, &pro, None, time("2026-03-01"));
    let mut row = facts.subscriptions.remove(0);
    for day in days {
        let before = row.clone();
        row.anchor_at += chrono::TimeDelta::hours(1);
        row.note_move(&before, time(day));
        if *day == "2026-03-10" {
            row.note_renewal();
        }
    }
    row
}

#[test]
fn each_moment_belongs_to_one_stage() {
    let row = moved_on(&["2026-03-10", "2026-03-20", "2026-03-20"]);
    let anchor = |at| row.stage_at(time(at)).anchor_at;
    assert_eq!(anchor("2026-02-01"), time("2026-03-01T00:00:00Z"));
    assert_eq!(anchor("2026-03-09"), time("2026-03-01T00:00:00Z"));
    assert_eq!(anchor("2026-03-10"), time("2026-03-01T01:00:00Z"));
    // Of two moves in one moment the last is in force.
    assert_eq!(anchor("2026-03-20"), time("2026-03-01T03:00:00Z"));
    let ends: Vec<_> = row.stages().map(|stage| stage.ended_at).collect();
    let end = |day| Some(time(day));
    assert_eq!(
        ends,
        [
            None,
            end("2026-03-20"),
            end("2026-03-20"),
            end("2026-03-10")
        ]
    );
}

#[test]
fn stages_come_back_from_what_is_stored() {
    let row = moved_on(&["2026-03-10", "2026-03-20", "2026-03-20"]);
    let mut read = row.clone();
    read.earlier = None;
    assert!(read.is_cut_off());
    read.set_starts(row.starts());
    assert_eq!(read, row);
}

#[test]
fn what_was_before_the_oldest_kept_stage_is_not_taken_for_its_own_start() {
    let days = vec!["2026-03-10"; STAGES_MAX + 2];
    let row = moved_on(&days);
    assert_eq!(row.stages().count(), STAGES_MAX + 1);
    assert!(row.stages().last().unwrap().is_cut_off());
    assert_eq!(moved_on(&["2026-03-10"]).stages().count(), 2);
}
