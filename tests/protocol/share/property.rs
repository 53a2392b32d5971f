//! What must hold in every state, and what must occur for the search to mean anything.

use super::session::{Reading, Sharing, Wanting};
use super::{Share, State};
use stateright::{Model, Property};

/// Who has the stripe alone is alone.
pub const ALONE: &str = "nobody shares what somebody has alone";
/// Somebody can always go on.
pub const NO_DEADLOCK: &str = "no deadlock";

/// A wanter waits for a transaction that it found on a board.
pub const WAITS: &str = "a wanter waits for a transaction";
/// A wanter waits until an announcement is decided.
pub const PATIENT: &str = "a wanter waits for an announcement";
/// Two share on their boards at once.
pub const TOGETHER: &str = "two share at once";
/// A sharer queues in the lock table.
pub const QUEUES: &str = "a sharer queues";

/// All of them.
pub fn all() -> Vec<Property<Share>> {
    vec![
        Property::always(ALONE, |_, state: &State| {
            let alone = |phase| phase == Wanting::Alone;
            let inside = |phase| phase == Sharing::Inside;
            let alone = state.wanters.iter().filter(|one| alone(one.phase)).count();
            let inside = state.sharers.iter().any(|one| inside(one.phase));
            alone == 0 || (alone == 1 && !inside)
        }),
        Property::always(NO_DEADLOCK, |model: &Share, state: &State| {
            let mut actions = Vec::new();
            model.actions(state, &mut actions);
            is_over(state) || !actions.is_empty()
        }),
        Property::sometimes(WAITS, |_, state: &State| {
            state
                .sharers
                .iter()
                .any(|one| one.board.read == Reading::Waiting(one.transaction))
        }),
        Property::sometimes(PATIENT, |_, state: &State| {
            let reads = |phase| phase == Wanting::Reading;
            let unread = |read| read == Reading::Unread;
            state.wanters.iter().any(|one| reads(one.phase))
                && state.boards().any(|one| one.announced && unread(one.read))
        }),
        Property::sometimes(TOGETHER, |_, state: &State| {
            state.boards().filter(|board| board.shared).count() > 1
        }),
        Property::sometimes(QUEUES, |_, state: &State| {
            state.sharers.iter().any(|sharer| sharer.in_table)
        }),
    ]
}

fn is_over(state: &State) -> bool {
    let idle = |phase| phase == Sharing::Idle;
    let done = |phase| phase == Wanting::Done;
    let sharers = state.sharers.iter().all(|one| idle(one.phase));
    sharers && state.wanters.iter().all(|one| done(one.phase))
}
