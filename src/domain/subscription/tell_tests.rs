//! What a provider is told, case by case.

use super::*;
use crate::entitlement::facts::Facts;
use crate::subscription::advance::advance;
use crate::subscription::fixture::{attach, facts, id, plan, schedule, time};

/// A customer's subscriptions, and what happens to them.
struct Story {
    before: Facts,
    after: Facts,
    known: BTreeSet<Uuid>,
    startable: BTreeSet<Uuid>,
    dated: BTreeSet<Uuid>,
    replaced: BTreeSet<Uuid>,
    moves: BTreeMap<Uuid, Uuid>,
    mirrored: bool,
}

const ROW: Uuid = Uuid::from_u128(10);

impl Story {
    /// A monthly subscription that costs something, known to the provider.
    fn begin() -> Self {
        let (paid, other, free) = (plan(1, 1_000), plan(2, 500), plan(3, 0));
        let mut facts = facts(&[paid.clone(), other, free]);
        attach(&mut facts, 10, &paid, None, time("2025-01-01"));
        Self::of(facts)
    }

    fn of(facts: Facts) -> Self {
        Self {
            before: facts.clone(),
            after: facts,
            known: BTreeSet::from([ROW]),
            startable: BTreeSet::new(),
            dated: BTreeSet::new(),
            replaced: BTreeSet::new(),
            moves: BTreeMap::new(),
            mirrored: false,
        }
    }

    fn row(&mut self) -> &mut Subscription {
        let mut rows = self.after.subscriptions.iter_mut();
        rows.find(|row| row.id == ROW).unwrap()
    }

    /// The change so far is the past.
    fn settle(mut self) -> Self {
        self.before = self.after.clone();
        self
    }

    fn pass(&mut self, until: &str) {
        let was_live: Vec<Uuid> = live(&self.after);
        advance(&mut self.after, time(until));
        let left = live(&self.after);
        self.dated = was_live
            .into_iter()
            .filter(|id| !left.contains(id))
            .collect();
    }

    fn told(&self) -> Vec<Tell> {
        let rows = |facts: &Facts| {
            let rows = facts.subscriptions.iter();
            rows.map(|row| (row.id, row.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (rows(&self.before), rows(&self.after));
        tell(&Deed {
            before: View {
                rows: &before,
                changes: &self.before.plan_changes,
            },
            after: View {
                rows: &after,
                changes: &self.after.plan_changes,
            },
            known: &self.known,
            startable: &self.startable,
            dated: &self.dated,
            replaced: &self.replaced,
            moves: &self.moves,
            mirrored: self.mirrored,
        })
    }

    fn schedules(mut self, change: u128, to: u128, price: i64) -> Self {
        self.after.plan_changes.clear();
        schedule(
            &mut self.after,
            change,
            10,
            &plan(to, price),
            time("2025-02-01"),
        );
        self
    }
}

fn live(facts: &Facts) -> Vec<Uuid> {
    let rows = facts.subscriptions.iter().filter(|row| row.is_live());
    rows.map(|row| row.id).collect()
}

#[test]
fn nothing_new_is_not_told() {
    assert_eq!(Story::begin().told(), []);
}

#[test]
fn a_cancellation_is_told_when_it_is_set_and_not_again_at_its_date() {
    let mut story = Story::begin();
    story.row().cancel_at = Some(time("2025-02-01"));
    assert_eq!(story.told(), [Tell::EndLater(ROW)]);
    let mut story = story.settle();
    story.pass("2025-02-01");
    assert!(live(&story.after).is_empty());
    assert_eq!(story.told(), []);
}

#[test]
fn who_stays_is_told() {
    let mut story = Story::begin();
    story.row().cancel_at = Some(time("2025-02-01"));
    let mut story = story.settle();
    story.row().cancel_at = None;
    assert_eq!(story.told(), [Tell::Keep(ROW)]);
}

#[test]
fn an_end_at_once_is_told() {
    let mut story = Story::begin();
    story.row().status = Status::Canceled;
    assert_eq!(story.told(), [Tell::EndNow(ROW)]);
}

#[test]
fn what_the_provider_does_not_know_is_not_told() {
    let mut story = Story::begin();
    story.known.clear();
    story.row().status = Status::Canceled;
    assert_eq!(story.told(), []);
}

#[test]
fn a_trial_that_ends_unpaid_ends_there_too() {
    let mut story = Story::begin();
    story.row().status = Status::Expired;
    story.dated.insert(ROW);
    assert_eq!(story.told(), [Tell::EndNow(ROW)]);
}

#[test]
fn rest_and_its_end_are_told() {
    let mut story = Story::begin();
    story.row().status = Status::Paused;
    assert_eq!(story.told(), [Tell::Pause(ROW)]);
    let mut story = story.settle();
    story.row().status = Status::Active;
    assert_eq!(story.told(), [Tell::Resume(ROW)]);
}

#[test]
fn a_change_is_told_when_it_is_set_taken_back_and_replaced() {
    let story = Story::begin().schedules(20, 2, 500);
    assert_eq!(story.told(), [Tell::ChangeLater(ROW)]);
    let other = story.settle().schedules(21, 2, 700);
    assert_eq!(
        other.told(),
        [Tell::UndoChange(ROW), Tell::ChangeLater(ROW)]
    );
    let mut none = other.settle();
    none.after.plan_changes.clear();
    assert_eq!(none.told(), [Tell::UndoChange(ROW)]);
}

#[test]
fn a_change_that_came_to_its_date_takes_over_what_the_provider_changed() {
    let mut story = Story::begin().schedules(20, 2, 500).settle();
    story.pass("2025-02-01");
    let to = crate::ids::derived(id(20), "subscription");
    story.moves.insert(ROW, to);
    let expected = Tell::TakeOver {
        from: ROW,
        to,
        appointed: true,
    };
    assert_eq!(story.told(), [expected]);
}

#[test]
fn a_change_to_what_costs_nothing_is_an_end_there() {
    let story = Story::begin().schedules(20, 3, 0);
    assert_eq!(story.told(), [Tell::EndLater(ROW)]);
    let mut due = story.settle();
    due.pass("2025-02-01");
    assert_eq!(due.told(), []);
    let mut back = Story::begin().schedules(20, 3, 0).settle();
    back.after.plan_changes.clear();
    assert_eq!(back.told(), [Tell::Keep(ROW)]);
}

#[test]
fn who_chooses_a_free_plan_instead_of_another_one_leaves_there() {
    let story = Story::begin().schedules(20, 2, 500).settle();
    let story = story.schedules(21, 3, 0);
    assert_eq!(story.told(), [Tell::UndoChange(ROW), Tell::EndLater(ROW)]);
}

#[test]
fn a_switch_at_once_goes_on_there_or_ends() {
    let mut story = Story::begin();
    story.row().status = Status::Canceled;
    story.moves.insert(ROW, id(11));
    let expected = Tell::TakeOver {
        from: ROW,
        to: id(11),
        appointed: false,
    };
    assert_eq!(story.told(), [expected]);
    story.moves.clear();
    story.replaced.insert(ROW);
    assert_eq!(story.told(), [Tell::EndNow(ROW)]);
}

#[test]
fn what_the_provider_said_is_not_told_back_but_what_follows_is() {
    let mut story = Story::begin();
    story.mirrored = true;
    story.row().cancel_at = Some(time("2025-02-01"));
    assert_eq!(story.told(), []);
    story.row().status = Status::Canceled;
    assert_eq!(story.told(), []);
    // A page was paid, and what it began took the place of this one.
    story.replaced.insert(ROW);
    assert_eq!(story.told(), [Tell::EndNow(ROW)]);
}

#[test]
fn a_trial_begins_there_when_a_card_backs_it_else_with_its_first_payment() {
    let trial = plan(4, 1_000);
    let mut facts = facts(std::slice::from_ref(&trial));
    facts.has_payment_method = true;
    let end = time("2025-01-15");
    let mut story = Story::of(facts);
    story.known.clear();
    story.startable.insert(ROW);
    attach(&mut story.after, 10, &trial, Some(end), time("2025-01-01"));
    assert_eq!(story.told(), [Tell::Start(ROW)]);

    story.startable.clear();
    assert_eq!(story.told(), []);
    let mut story = story.settle();
    story.startable.insert(ROW);
    assert_eq!(story.told(), []);
    story.pass("2025-01-15");
    assert_eq!(story.told(), [Tell::Start(ROW)]);
}

#[test]
fn what_costs_nothing_and_what_a_page_began_is_not_begun_there() {
    for (price, trial) in [(0, Some(time("2025-01-15"))), (1_000, None)] {
        let offered = plan(4, price);
        let mut story = Story::of(facts(std::slice::from_ref(&offered)));
        story.known.clear();
        story.startable.insert(ROW);
        attach(&mut story.after, 10, &offered, trial, time("2025-01-01"));
        assert_eq!(story.told(), []);
    }
}
