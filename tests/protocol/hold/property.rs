//! What must hold in every state, and what must occur for the search to mean anything.

use super::session::{Phase, Session};
use super::{Holds, State, Status};
use crate::meter::{Own, Slot};
use stateright::Property;

/// Whichever of the open transactions commit, no more is used than the limit allows.
pub const NEVER_OVER: &str = "never over the limit";
/// Whichever of the open transactions commit, what is held is used: nobody else gave it back.
pub const HELD_IS_THERE: &str = "what is held is counted";
/// A hold counts what it holds as long as it is open and what was used of it from then on, once.
pub const ENDED_ONCE: &str = "each hold is counted and ended once";
/// An entry is the sum of the tables and of what transactions have open.
pub const ENTRY_IS_SUM: &str = "an entry says what tables and open transactions say";
/// A check never sees usage that no order of the transactions has. Of a transaction that is visible and
/// whose callback still runs it sees nothing yet, also where its hold has been ended by then: so it is
/// asked while no callback runs.
pub const READERS: &str = "checks see usage between zero and the limit";

/// Who settles a hold waits for another who ends it.
pub const SETTLE_WAITS: &str = "two end one hold";
/// A take finds room because it ended a hold.
pub const ROOM_IS_MADE: &str = "a take ends a hold and finds room";
/// More was used than was held.
pub const BEYOND: &str = "a hold is settled beyond what it held";
/// A return is open while something is held.
pub const RETURN_BESIDE_HOLD: &str = "a return is open while something is held";

/// All of them.
pub fn all() -> Vec<Property<Holds>> {
    vec![
        Property::always(NEVER_OVER, |model: &Holds, state: &State| {
            outcomes(state).all(|(sum, _)| sum <= model.bounds.limit)
        }),
        Property::always(HELD_IS_THERE, |_, state: &State| {
            outcomes(state).all(|(sum, held)| sum >= held)
        }),
        Property::always(ENDED_ONCE, ended_once),
        Property::always(ENTRY_IS_SUM, entry_is_sum),
        Property::always(READERS, |model: &Holds, state: &State| {
            let ends = |one: &Session| one.phase == Phase::Committed;
            if state.sessions.iter().any(ends) {
                return true;
            }
            let idle = state.sessions.iter().filter(|one| one.phase == Phase::Idle);
            let mut owns = idle.map(Session::own).chain([Own::default()]);
            owns.all(|own| (0..=model.bounds.limit).contains(&state.slot.visible(own)))
        }),
        Property::sometimes(SETTLE_WAITS, |_, state: &State| {
            state.sessions.iter().enumerate().any(|(place, session)| {
                matches!(session.phase, Phase::Ending { hold, .. } if state.is_locked(place, hold))
            })
        }),
        Property::sometimes(ROOM_IS_MADE, |model: &Holds, state: &State| {
            state.sessions.iter().any(|session| {
                matches!(session.phase, Phase::Again { amount }
                    if state.slot.spent(session.own(), None) + amount <= model.bounds.limit)
            })
        }),
        Property::sometimes(BEYOND, |_, state: &State| {
            let beyond = |hold: &super::Hold| matches!(hold.status, Status::Ended(used) if used > hold.amount);
            state.holds.iter().any(beyond)
        }),
        Property::sometimes(RETURN_BESIDE_HOLD, |_, state: &State| {
            let open = |hold: &super::Hold| hold.status == Status::Open;
            let returns = |one: &Session| one.share && one.plain < 0 && one.may_commit();
            state.holds.iter().any(open) && state.sessions.iter().any(returns)
        }),
    ]
}

/// What is used and what is held of it, for every choice of transactions that commit.
fn outcomes(state: &State) -> impl Iterator<Item = (i8, i8)> {
    let open: Vec<&Session> = state
        .sessions
        .iter()
        .filter(|one| one.may_commit())
        .collect();
    (0..1_u8 << open.len()).map(move |choice| {
        let chosen = open.iter().enumerate();
        let chosen = chosen.filter(|(place, _)| choice >> place & 1 == 1);
        let mut sum = state.sum;
        let mut statuses: Vec<Status> = state.holds.iter().map(|hold| hold.status).collect();
        for (_, session) in chosen {
            sum += session.items.iter().sum::<i8>();
            for (number, status) in &session.changes {
                statuses[*number] = *status;
            }
        }
        let holds = state.holds.iter().zip(statuses);
        let held = holds.filter(|(_, status)| *status == Status::Open);
        (sum, held.map(|(hold, _)| hold.amount).sum())
    })
}

fn ended_once(_: &Holds, state: &State) -> bool {
    let counted = state.holds.iter().map(|hold| match hold.status {
        Status::Absent => 0,
        Status::Open => hold.amount,
        Status::Ended(used) => used,
    });
    state.sum == state.plain + counted.sum::<i8>()
}

fn entry_is_sum(_: &Holds, state: &State) -> bool {
    let mut expected = Slot {
        used: state.sum,
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
    state.slot == expected
}
