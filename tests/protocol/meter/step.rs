//! What each step does; in the order of the code that it stands for.

use super::entry::Slot;
use super::session::{Item, Phase, Read};
use super::{Action, Bug, Meter, State};

impl Meter {
    /// Does one step; None where it would change nothing.
    pub(super) fn step(&self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Call(who, amount) => {
                state.sessions[who.place].calls_left -= 1;
                self.call(state, who.place, amount, Read::Nothing);
            }
            Action::Retry(who) => match state.sessions[who.place].phase {
                Phase::Calling { amount } => self.call(state, who.place, amount, Read::Nothing),
                Phase::Loading { amount, read, .. } => self.call(state, who.place, amount, read),
                _ => return None,
            },
            Action::Read(who) => self.read(state, who.place),
            Action::Fill(who) => self.fill(state, who.place),
            Action::Write(who) => self.write(state, who.place),
            Action::Savepoint(who) => {
                let session = &mut state.sessions[who.place];
                session.savepoints_left -= 1;
                session.newest += 1;
                session.savepoints.push(session.newest);
            }
            Action::Release(who) => {
                state.sessions[who.place].savepoints.pop();
            }
            Action::RollbackTo(who, place) => self.rollback_to(state, who.place, place),
            Action::Commit(who) => self.commit(state, who.place),
            Action::Abort(who) => {
                state.sessions[who.place].rows.clear();
                state.sessions[who.place].phase = Phase::Aborted;
                self.leave_when_ended(state, who.place);
            }
            Action::End(who) => self.end(state, who.place),
            Action::Evict => {
                state.evictions_left -= 1;
                state.slot = None;
            }
            Action::Pick => {
                state.folds_left -= 1;
                state.tables.pick(self.bug);
            }
            Action::Fold => state.tables.fold(self.bug),
        }
        Some(())
    }

    /// One pass of `with_entries`: judges a filled entry, or joins or places a waiting one.
    fn call(&self, state: &mut State, number: usize, amount: i8, read: Read) {
        let session = &mut state.sessions[number];
        let early = self.bug == Some(Bug::SnapshotBeforeTicket) && read == Read::Nothing;
        if early && !state.slot.as_ref().is_some_and(Slot::is_filled) {
            session.phase = Phase::Loading {
                amount,
                ticket: None,
                read,
            };
            return;
        }
        let tickets = &mut state.tickets;
        let slot = state.slot.get_or_insert_with(|| {
            *tickets += 1;
            Slot::waiting(*tickets)
        });
        if let Some(ticket) = slot.ticket {
            session.phase = Phase::Loading {
                amount,
                ticket: Some(ticket),
                read,
            };
            return;
        }
        session.phase = Phase::Idle;
        if slot.judge(amount, session.own(), self.bounds.limit, self.bug) {
            session.items.push(Item {
                amount,
                subtransaction: session.subtransaction(),
            });
            session.phase = Phase::Judged { amount };
        }
    }

    /// What others have committed; rows of its own are on an entry that is pinned, never loaded.
    fn read(&self, state: &mut State, number: usize) {
        let tables = &state.tables;
        let phase = &mut state.sessions[number].phase;
        let Phase::Loading { read, .. } = phase else {
            return;
        };
        *read = match (*read, self.bug) {
            (Read::Nothing, Some(Bug::LoadInTwoStatements)) => Read::Half(tables.pending),
            (Read::Half(pending), _) => Read::Sum(pending + tables.folded),
            _ => Read::Sum(tables.sum()),
        };
    }

    fn fill(&self, state: &mut State, number: usize) {
        let phase = &mut state.sessions[number].phase;
        let Phase::Loading {
            amount,
            ticket: Some(ticket),
            read: Read::Sum(sum),
        } = *phase
        else {
            return;
        };
        *phase = Phase::Calling { amount };
        if let Some(slot) = &mut state.slot {
            slot.fill(ticket, sum, self.bug);
        }
    }

    fn write(&self, state: &mut State, number: usize) {
        let session = &mut state.sessions[number];
        session.rows.extend(session.items.last().copied());
        session.phase = Phase::Idle;
        if let (Some(Bug::UnpinEarly), Some(slot)) = (self.bug, &mut state.slot) {
            slot.unpin();
        }
    }

    /// The rows of the subtransaction, and of those inside of it, are gone; then its callback runs.
    fn rollback_to(&self, state: &mut State, number: usize, place: usize) {
        let session = &mut state.sessions[number];
        let least = session.savepoints[place];
        session.savepoints.truncate(place);
        session.rows.retain(|row| row.subtransaction < least);
        session.phase = Phase::Undoing { least };
        if self.bug == Some(Bug::SavepointKept) {
            session.phase = Phase::Idle;
        }
        self.leave_when_ended(state, number);
    }

    fn commit(&self, state: &mut State, number: usize) {
        state.sessions[number].phase = Phase::Committing;
        if self.bug != Some(Bug::CallbackBeforeVisibility) {
            Self::show(state, number);
        }
        self.leave_when_ended(state, number);
    }

    /// From here on every new snapshot sees the rows of the transaction.
    fn show(state: &mut State, number: usize) {
        let session = &mut state.sessions[number];
        let sum: i8 = session.rows.drain(..).map(|row| row.amount).sum();
        session.phase = Phase::Committed;
        state.tables.pending += sum;
        state.acknowledged += sum;
    }

    /// One turn of the loop in `transaction.rs`, with the partition's lock held once.
    fn end(&self, state: &mut State, number: usize) {
        let session = &mut state.sessions[number];
        if session.phase == Phase::Committing && session.items.is_empty() {
            Self::show(state, number);
            return self.leave_when_ended(state, number);
        }
        let committed = matches!(session.phase, Phase::Committed | Phase::Committing)
            || self.bug == Some(Bug::AbortKept);
        let oldest_first = committed && self.bug != Some(Bug::EndNewestFirst);
        let item = if oldest_first && !session.items.is_empty() {
            Some(session.items.remove(0))
        } else {
            session.items.pop()
        };
        if let (Some(item), Some(slot)) = (item, &mut state.slot) {
            slot.end(item.amount, committed, self.bug);
        }
        self.leave_when_ended(state, number);
    }

    /// Goes on once a callback has nothing left to end.
    fn leave_when_ended(&self, state: &mut State, number: usize) {
        let session = &mut state.sessions[number];
        let newest = session.items.last().map(|item| item.subtransaction);
        match session.phase {
            Phase::Undoing { least } => {
                let exact = self.bug == Some(Bug::UndoItselfOnly);
                let is_meant = |one: u8| if exact { one == least } else { one >= least };
                if !newest.is_some_and(is_meant) {
                    session.phase = Phase::Idle;
                }
            }
            Phase::Committed | Phase::Aborted if session.items.is_empty() => {
                session.begin(&self.bounds);
            }
            _ => {}
        }
    }
}
