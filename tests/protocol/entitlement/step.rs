//! What each step does; in the order of the code that it stands for.

use super::session::{Call, Known, Phase};
use super::{Action, Bug, Entitlement, State};

impl Entitlement {
    /// Does one step; None where it does not belong.
    pub(super) fn step(&self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Begin(who, call) => self.begin(state, who.place, call),
            Action::Enter(who) => {
                let session = &mut state.sessions[who.place];
                let Phase::Waiting { warm } = session.phase else {
                    return None;
                };
                session.locked = self.bug != Some(Bug::TakeWithoutLock);
                session.phase = Phase::Locked { warm };
            }
            Action::Look(who) => self.look(state, who.place),
            Action::Stamp(who) => Self::stamp(state, who.place)?,
            Action::Resolve(who) => Self::resolve(state, who.place)?,
            Action::Answer(who) => self.answer(state, who.place)?,
            Action::Write(who) => {
                let plan = state.sessions[who.place].open()?;
                state.sessions[who.place].phase = Phase::Written { plan };
            }
            Action::Commit(who) => {
                let plan = state.sessions[who.place].open()?;
                state.tables[self.place(plan)] += 1;
                let committed = true;
                state.sessions[who.place].phase = Phase::Ending { plan, committed };
            }
            Action::Abort(who) => {
                let plan = state.sessions[who.place].open()?;
                let committed = false;
                state.sessions[who.place].phase = Phase::Ending { plan, committed };
            }
            Action::End(who) => {
                let Phase::Ending { plan, committed } = state.sessions[who.place].phase else {
                    return None;
                };
                let entry = &mut state.entries[self.place(plan)];
                entry.pins -= 1;
                entry.used -= i8::from(!committed);
                state.sessions[who.place].phase = Phase::Leaving;
            }
            Action::Leave(who) => {
                state.sessions[who.place].locked = false;
                state.sessions[who.place].phase = Phase::Idle;
            }
            Action::Change(change) => self.do_change(state, change),
        }
        Some(())
    }

    fn begin(&self, state: &mut State, number: usize, call: Call) {
        let (generation, after) = (state.generation, state.returned);
        let shared = state.shared;
        let early = self.bug == Some(Bug::ClockOfTheCall) && state.changer.carried.is_none();
        let session = &mut state.sessions[number];
        session.calls_left -= 1;
        session.after = after;
        session.early = early;
        let stands = |one: &Known| one.generation == generation;
        let known = session.known.filter(stands).or(shared.filter(stands));
        session.known = known.or(session.known);
        session.phase = match (call, known) {
            (Call::Take, known) => Phase::Waiting {
                warm: known.is_some(),
            },
            (Call::Check, Some(Known { plan, .. })) => Phase::Resolved { call, plan },
            (Call::Check, None) => Phase::Unresolved { call },
        };
    }

    fn look(&self, state: &mut State, number: usize) {
        let generation = state.generation;
        let session = &mut state.sessions[number];
        let warm = session.phase == Phase::Locked { warm: true };
        let stands =
            |known: &Known| known.generation == generation || self.bug == Some(Bug::NoSecondLook);
        let call = Call::Take;
        session.phase = match session.known.filter(stands) {
            Some(Known { plan, .. }) if warm => Phase::Resolved { call, plan },
            _ => Phase::Unresolved { call },
        };
    }

    fn stamp(state: &mut State, number: usize) -> Option<()> {
        let generation = state.generation;
        let session = &mut state.sessions[number];
        session.phase = match session.phase {
            Phase::Unresolved { call } => Phase::Stamped { call, generation },
            Phase::Seen { call, plan } => {
                session.known = Some(Known { generation, plan });
                state.shared = session.known;
                Phase::Resolved { call, plan }
            }
            _ => return None,
        };
        Some(())
    }

    fn resolve(state: &mut State, number: usize) -> Option<()> {
        let session = &mut state.sessions[number];
        // At the moment of an early call the old plan was the one that granted.
        let plan = if session.early { 0 } else { state.plan };
        session.phase = match session.phase {
            Phase::Unresolved { call } => Phase::Seen { call, plan },
            Phase::Stamped { call, generation } => {
                session.known = Some(Known { generation, plan });
                state.shared = session.known;
                Phase::Resolved { call, plan }
            }
            _ => return None,
        };
        Some(())
    }

    fn answer(&self, state: &mut State, number: usize) -> Option<()> {
        let session = &mut state.sessions[number];
        let Phase::Resolved { call, plan } = session.phase else {
            return None;
        };
        state.late |= session.after && plan == 0;
        session.phase = match call {
            Call::Check => Phase::Idle,
            Call::Take => {
                let entry = &mut state.entries[self.place(plan)];
                if entry.used < self.bounds.limits[plan] {
                    entry.used += 1;
                    entry.pins += 1;
                    Phase::Judged { plan }
                } else {
                    Phase::Leaving
                }
            }
        };
        Some(())
    }
}
