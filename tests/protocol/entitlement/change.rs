//! The transaction that changes the plan.

use super::session::Known;
use super::{Bug, Entitlement, Kind, State};

/// A step of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Gets the customer's lock alone.
    Lock,
    /// Takes the latest snapshot and reads what there is to carry.
    Read,
    /// Counts what is carried on the entry of the new meter, pinned.
    Force,
    /// Writes the row of the plan and the carried one, which notes the customer.
    Write,
    /// Only with a bug: a call of the same transaction keeps what it resolved.
    Keep,
    Commit,
    Abort,
    /// The callback that ends takes.
    End,
    /// The callback that moves the generation.
    Bump,
    Unlock,
    /// COMMIT comes back to who sent it.
    Return,
}

/// The session that changes the plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Changer {
    /// How many steps of its program it has done.
    pub done: usize,
    pub aborted: bool,
    pub locked: bool,
    /// What it has read to carry.
    pub carried: Option<i8>,
    pub forced: bool,
}

impl Entitlement {
    /// The steps of the change, in their order.
    fn program(&self, aborted: bool) -> Vec<Change> {
        use Change::{Bump, Commit, End, Force, Keep, Lock, Read, Return, Unlock, Write};
        let bug = self.bug;
        match (self.bounds.kind, aborted) {
            (Kind::Edit, true) => vec![],
            (Kind::Switch, true) => vec![End, Unlock],
            (Kind::Edit, false) if bug == Some(Bug::BumpBeforeVisibility) => {
                vec![Write, Bump, Commit, Return]
            }
            (Kind::Edit, false) if bug == Some(Bug::KeepOwnChange) => {
                vec![Write, Keep, Commit, Bump, Return]
            }
            (Kind::Edit, false) => vec![Write, Commit, Bump, Return],
            (Kind::Switch, false) if bug == Some(Bug::CarryBeforeLock) => {
                vec![Read, Lock, Force, Write, Commit, End, Bump, Unlock, Return]
            }
            (Kind::Switch, false) if bug == Some(Bug::UnlockBeforeCallback) => {
                vec![Lock, Read, Force, Write, Commit, Unlock, End, Bump, Return]
            }
            // Callbacks run newest registration first, and locks go after them.
            (Kind::Switch, false) => {
                vec![Lock, Read, Force, Write, Commit, End, Bump, Unlock, Return]
            }
        }
    }

    /// What the change may do next.
    pub(super) fn changes(&self, state: &State) -> Vec<Change> {
        let changer = &state.changer;
        let next = self.program(changer.aborted).get(changer.done).copied();
        let shares = self.bug == Some(Bug::SwitchShares);
        let alone = shares || !state.sessions.iter().any(|one| one.locked);
        let mut changes: Vec<Change> = next
            .filter(|next| *next != Change::Lock || alone)
            .into_iter()
            .collect();
        if state.plan == 0 && !changer.aborted && changer.done > 0 {
            changes.push(Change::Abort);
        }
        changes
    }

    /// Does one step of the change.
    pub(super) fn do_change(&self, state: &mut State, change: Change) {
        let switches = self.bounds.kind == Kind::Switch;
        let counts = self.bug != Some(Bug::CarryWithoutEntry);
        let changer = &mut state.changer;
        let carried = changer.carried.unwrap_or_default();
        changer.done += 1;
        match change {
            Change::Lock => changer.locked = self.bug != Some(Bug::SwitchShares),
            Change::Read => changer.carried = Some(state.tables[0]),
            Change::Force => {
                changer.forced = counts;
                if counts {
                    state.entries[1].used += carried;
                    state.entries[1].pins += 1;
                }
            }
            Change::Write => {}
            Change::Keep => {
                let generation = state.generation;
                state.shared = Some(Known {
                    generation,
                    plan: 1,
                });
            }
            Change::Commit => {
                state.plan = 1;
                if switches {
                    state.tables[1] += carried;
                }
            }
            Change::Abort => {
                changer.aborted = true;
                changer.done = 0;
            }
            Change::End => {
                if changer.forced {
                    state.entries[1].pins -= 1;
                    state.entries[1].used -= if changer.aborted { carried } else { 0 };
                }
            }
            Change::Bump => state.generation += 1,
            Change::Unlock => changer.locked = false,
            Change::Return => state.returned = true,
        }
    }
}
