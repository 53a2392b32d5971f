//! What must hold in every state, and what must occur for the search to mean anything.

use super::session::{Call, Known, Phase, Session};
use super::{Entitlement, Kind, State};
use stateright::{Model, Property};

/// No plan grants more than its limit, what was carried included.
pub const NEVER_OVER: &str = "never over the limit";
/// What was used under the old plan when it was carried is all that was ever used under it.
pub const NOTHING_BEHIND: &str = "nothing is counted on a meter that was carried away";
/// An entry that could be evicted says what a load would find.
pub const UNPINNED_IS_TABLES: &str = "an entry without pins says what the tables say";
/// What somebody keeps is what is committed, unless the generation has moved or is about to.
pub const WHAT_STANDS_IS_TRUE: &str = "what stands is true";
/// Who calls after the change has returned is answered by the new plan.
pub const AT_ONCE: &str = "a change counts for every later call";
/// Somebody can always go on.
pub const NO_DEADLOCK: &str = "no deadlock";

/// Everything that the new plan allows is used, some of it carried.
pub const FULL: &str = "carried usage and later takes fill the limit";
/// A take waits for the lock with an entitlement that the change makes stale.
pub const OVERTAKEN: &str = "a take that waits is overtaken by the change";
/// A check answers by the old plan while the change is visible but has not returned.
pub const BETWEEN: &str = "a check falls between commit and callback";

/// All of them.
pub fn all() -> Vec<Property<Entitlement>> {
    vec![
        Property::always(NEVER_OVER, never_over),
        Property::always(NOTHING_BEHIND, nothing_behind),
        Property::always(UNPINNED_IS_TABLES, |_, state: &State| {
            let mut places = state.entries.iter().zip(state.tables);
            places.all(|(entry, sum)| entry.pins > 0 || entry.used == sum)
        }),
        Property::always(WHAT_STANDS_IS_TRUE, what_stands_is_true),
        Property::always(AT_ONCE, |_, state: &State| !state.late),
        Property::always(NO_DEADLOCK, |model: &Entitlement, state: &State| {
            let mut actions = Vec::new();
            model.actions(state, &mut actions);
            is_over(model, state) || !actions.is_empty()
        }),
        Property::sometimes(FULL, |model: &Entitlement, state: &State| {
            let place = model.place(1);
            state.changer.carried != Some(0)
                && state.plan == 1
                && state.tables[place] == model.bounds.limits[1]
        }),
        Property::sometimes(OVERTAKEN, |_, state: &State| {
            let waits = |one: &Session| matches!(one.phase, Phase::Waiting { warm: true });
            state.generation > 0 && state.sessions.iter().any(waits)
        }),
        Property::sometimes(BETWEEN, |_, state: &State| {
            let call = Call::Check;
            let answers = |one: &Session| one.phase == Phase::Resolved { call, plan: 0 };
            is_in_callback(state) && state.sessions.iter().any(answers)
        }),
    ]
}

fn is_in_callback(state: &State) -> bool {
    state.plan == 1 && state.generation == 0
}

fn is_over(model: &Entitlement, state: &State) -> bool {
    let over = |session: &Session| session.phase == Phase::Idle && session.calls_left == 0;
    state.sessions.iter().all(over) && model.changes(state).is_empty() && !state.changer.locked
}

fn open(model: &Entitlement, state: &State, place: usize) -> i8 {
    let plans = state.sessions.iter().filter_map(Session::open);
    plans
        .filter(|plan| model.place(*plan) == place)
        .map(|_| 1)
        .sum()
}

fn never_over(model: &Entitlement, state: &State) -> bool {
    match model.bounds.kind {
        Kind::Switch => (0..2).all(|place| {
            state.tables[place] + open(model, state, place) <= model.bounds.limits[place]
        }),
        // What was granted before an edit stays granted.
        Kind::Edit => {
            let most = model.bounds.limits.into_iter().max().unwrap_or_default();
            state.tables[0] + open(model, state, 0) <= most
        }
    }
}

fn nothing_behind(model: &Entitlement, state: &State) -> bool {
    let Some(carried) = state.changer.carried else {
        return true;
    };
    state.plan == 0 || state.tables[0] + open(model, state, 0) == carried
}

fn what_stands_is_true(_: &Entitlement, state: &State) -> bool {
    let kept = state.sessions.iter().filter_map(|session| session.known);
    let stands = |known: &Known| known.generation == state.generation;
    let mut kept = kept.chain(state.shared).filter(stands);
    is_in_callback(state) || kept.all(|known| known.plan == state.plan)
}
