//! What must hold in every state, and what must occur for the search to mean anything.

use super::entry::{Own, Slot};
use super::session::{Phase, Read, Session};
use super::{Meter, State};
use stateright::{Model, Property};

/// Whatever of the open transactions commits, no more is used than the limit allows.
pub const NEVER_OVER: &str = "never over the limit";
/// Whatever of the open transactions commits, nobody gives back what is not used.
pub const NEVER_BELOW_ZERO: &str = "never below zero";
/// An entry that could be evicted says what a load would find.
pub const UNPINNED_IS_TABLES: &str = "an entry without pins says what the tables say";
/// An entry is the sum of the tables and of what transactions have open.
pub const ENTRY_IS_SUM: &str = "an entry says what tables and open transactions say";
/// What was committed is in the tables, once.
pub const NOTHING_LOST: &str = "nothing is lost and nothing counted twice";
/// When everybody has ended, nothing is left open.
pub const NOTHING_LEFT: &str = "nothing is left open in the end";
/// A check never sees usage that no order of the transactions has.
pub const READERS: &str = "checks see usage between zero and the limit";
/// Somebody can always go on.
pub const NO_DEADLOCK: &str = "no deadlock";

/// The limit is reached.
pub const FULL: &str = "the limit is reached";
/// Somebody's return is committed while another's take is open.
pub const RETURN_BESIDE_TAKE: &str = "a return is open beside the take of another";
/// A load comes back to an entry that waits for another one.
pub const SLOW_LOADER: &str = "a slow load meets another ticket";
/// The fold moves rows while a load is on its way.
pub const FOLD_BESIDE_LOAD: &str = "a fold is open while a load has read";
/// A savepoint is rolled back after one inside of it was released.
pub const NESTED_UNDO: &str = "a released savepoint is rolled back";

/// All of them.
pub fn all() -> Vec<Property<Meter>> {
    vec![
        Property::always(NEVER_OVER, never_over),
        Property::always(NEVER_BELOW_ZERO, never_below_zero),
        Property::always(UNPINNED_IS_TABLES, unpinned_is_tables),
        Property::always(ENTRY_IS_SUM, entry_is_sum),
        Property::always(NOTHING_LOST, |_, state: &State| {
            state.tables.sum() == state.acknowledged
        }),
        Property::always(NOTHING_LEFT, nothing_left),
        Property::always(READERS, readers),
        Property::always(NO_DEADLOCK, |model: &Meter, state: &State| {
            let mut actions = Vec::new();
            model.actions(state, &mut actions);
            is_over(state) || !actions.is_empty()
        }),
        Property::sometimes(FULL, |model: &Meter, state: &State| {
            is_over(state) && state.tables.sum() == model.bounds.limit
        }),
        Property::sometimes(RETURN_BESIDE_TAKE, return_beside_take),
        Property::sometimes(SLOW_LOADER, slow_loader),
        Property::sometimes(FOLD_BESIDE_LOAD, |_, state: &State| {
            state.tables.moving.is_some_and(|moving| moving != 0)
                && state.sessions.iter().any(has_read)
        }),
        Property::sometimes(NESTED_UNDO, |_, state: &State| {
            state.sessions.iter().any(|session| {
                let newest = session.items.last();
                matches!(session.phase, Phase::Undoing { least }
                    if newest.is_some_and(|item| item.subtransaction > least))
            })
        }),
    ]
}

fn filled(state: &State) -> Option<&Slot> {
    state.slot.as_ref().filter(|slot| slot.is_filled())
}

fn is_over(state: &State) -> bool {
    let over = |session: &Session| session.phase == Phase::Over;
    state.sessions.iter().all(over)
}

fn has_read(session: &Session) -> bool {
    matches!(
        session.phase,
        Phase::Loading {
            read: Read::Sum(_),
            ..
        }
    )
}

fn outcomes(state: &State) -> impl Iterator<Item = Vec<i8>> {
    let sessions = state.sessions.iter().filter(|one| one.may_commit());
    sessions.map(Session::outcomes)
}

fn never_over(model: &Meter, state: &State) -> bool {
    let most: i8 = outcomes(state)
        .filter_map(|sums| sums.into_iter().max())
        .sum();
    state.tables.sum() + most <= model.bounds.limit
}

fn never_below_zero(_: &Meter, state: &State) -> bool {
    let least: i8 = outcomes(state)
        .filter_map(|sums| sums.into_iter().min())
        .sum();
    state.tables.sum() + least >= 0
}

fn unpinned_is_tables(_: &Meter, state: &State) -> bool {
    filled(state).is_none_or(|slot| {
        slot.pins > 0 || (slot.used == state.tables.sum() && (slot.open, slot.back) == (0, 0))
    })
}

fn entry_is_sum(_: &Meter, state: &State) -> bool {
    let Some(slot) = filled(state) else {
        return true;
    };
    let mut expected = Slot {
        used: state.tables.sum(),
        ..Slot::default()
    };
    for session in &state.sessions {
        let own = session.own();
        expected.open += own.open;
        expected.back += own.back;
        expected.pins += session.items.len() as u8;
        // What is visible to others, but not ended: its takes are in the tables, its returns too.
        expected.used += match session.phase {
            Phase::Committed => own.back,
            _ => own.open,
        };
    }
    *slot == expected
}

fn nothing_left(_: &Meter, state: &State) -> bool {
    let clean =
        |slot: &Slot| (slot.used, slot.open, slot.back, slot.pins) == (state.tables.sum(), 0, 0, 0);
    !is_over(state) || filled(state).is_none_or(clean)
}

fn readers(model: &Meter, state: &State) -> bool {
    let Some(slot) = filled(state) else {
        return true;
    };
    let idle = |session: &&Session| session.phase == Phase::Idle;
    let owns = state.sessions.iter().filter(idle).map(Session::own);
    owns.chain([Own::default()])
        .all(|own| (0..=model.bounds.limit).contains(&slot.visible(own)))
}

fn return_beside_take(_: &Meter, state: &State) -> bool {
    let owns: Vec<Own> = state.sessions.iter().map(Session::own).collect();
    let returns = owns.iter().any(|own| own.back > 0 && own.open == 0);
    returns && owns.iter().any(|own| own.open > 0 && own.back == 0)
}

fn slow_loader(_: &Meter, state: &State) -> bool {
    let waited = state.slot.as_ref().and_then(|slot| slot.ticket);
    let is_slow = |session: &Session| {
        matches!(session.phase, Phase::Loading { ticket: Some(ticket), .. }
            if waited.is_some_and(|waited| waited != ticket))
    };
    state
        .sessions
        .iter()
        .any(|one| has_read(one) && is_slow(one))
}
