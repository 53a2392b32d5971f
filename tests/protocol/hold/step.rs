//! What each step does; in the order of the code that it stands for.

use super::session::Phase;
use super::{Action, Bug, Holds, State, Status};
use crate::meter;

impl Holds {
    /// Does one step; None where it has to wait, or would change nothing.
    pub(super) fn step(&self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Ask(who, amount) => {
                state.sessions[who.place].calls_left -= 1;
                match amount > 0 {
                    true => self.take(state, who.place, amount),
                    false => self.enter_returns(state, who.place, amount)?,
                }
            }
            Action::Reserve(who, amount) => {
                state.sessions[who.place].calls_left -= 1;
                self.reserve(state, who.place, amount)?;
            }
            Action::Settle(who, hold, used) => {
                state.sessions[who.place].calls_left -= 1;
                self.enter_holds(state, who.place)?;
                state.sessions[who.place].phase = Phase::Ending { hold, used };
            }
            Action::Go(who) => self.go(state, who.place)?,
            Action::Commit(who) => Self::commit(state, who.place),
            Action::Abort(who) => {
                let session = &mut state.sessions[who.place];
                session.plain = 0;
                session.changes.clear();
                session.locked.clear();
                session.phase = Phase::Aborted;
            }
            Action::End(who) => self.end(state, who.place),
            Action::Pass => {
                state.early = false;
                state.holds.iter_mut().for_each(|hold| hold.over = true);
            }
        }
        Some(())
    }

    fn go(&self, state: &mut State, place: usize) -> Option<()> {
        match state.sessions[place].phase {
            Phase::Returning { amount } => {
                let held = match self.bug {
                    Some(Bug::ReturnHeld) => 0,
                    _ => state.held(place),
                };
                state.sessions[place].phase = Phase::Counting { amount, held };
            }
            Phase::Counting { amount, held } => self.give_back(state, place, amount, held),
            Phase::Short { amount } => self.lock_over(state, place, amount)?,
            Phase::Expiring { amount, holds } => self.expire(state, place, amount, holds),
            Phase::Again { amount } => self.take(state, place, amount),
            Phase::Ending { hold, used } => self.lock(state, place, hold, used)?,
            Phase::Settling { hold, used } => self.settle(state, place, hold, used),
            _ => return None,
        }
        Some(())
    }

    /// Waits while others give back.
    fn enter_holds(&self, state: &mut State, place: usize) -> Option<()> {
        let mut others = state.sessions.iter().enumerate();
        let apart = others.any(|(other, session)| other != place && session.share);
        if apart && self.bug != Some(Bug::ReturnBesideHolds) {
            return None;
        }
        state.sessions[place].joint = true;
        Some(())
    }

    /// Waits while others change what is held.
    fn enter_returns(&self, state: &mut State, place: usize, amount: i8) -> Option<()> {
        let mut others = state.sessions.iter().enumerate();
        let apart = others.any(|(other, session)| other != place && session.joint);
        if apart && self.bug != Some(Bug::ReturnBesideHolds) {
            return None;
        }
        state.sessions[place].share = true;
        state.sessions[place].phase = Phase::Returning { amount };
        Some(())
    }

    /// Puts an amount on the entry, and on the transaction's list.
    fn apply(&self, state: &mut State, place: usize, amount: i8) {
        if amount != 0 {
            state.slot.apply(amount, self.bug_of_entry());
            state.sessions[place].items.push(amount);
        }
    }

    fn has_room(&self, state: &State, place: usize, amount: i8) -> bool {
        let own = state.sessions[place].own();
        state.slot.spent(own, self.bug_of_entry()) + amount <= self.bounds.limit
    }

    /// The model of the entry knows that bug.
    fn bug_of_entry(&self) -> Option<meter::Bug> {
        (self.bug == Some(Bug::ExpireAtOnce)).then_some(meter::Bug::ReturnAtOnce)
    }

    fn take(&self, state: &mut State, place: usize, amount: i8) {
        let again = matches!(state.sessions[place].phase, Phase::Again { .. });
        state.sessions[place].phase = Phase::Idle;
        if self.has_room(state, place, amount) {
            self.apply(state, place, amount);
            state.sessions[place].plain += amount;
        } else if !again && (0..state.holds.len()).any(|hold| state.is_over(place, hold)) {
            state.sessions[place].phase = Phase::Short { amount };
        }
    }

    fn give_back(&self, state: &mut State, place: usize, amount: i8, held: i8) {
        let session = &mut state.sessions[place];
        session.phase = Phase::Idle;
        if state.slot.certain(session.own(), None) - held + amount >= 0 {
            session.plain += amount;
            self.apply(state, place, amount);
        }
    }

    fn reserve(&self, state: &mut State, place: usize, amount: i8) -> Option<()> {
        let free = |number: &usize| {
            state.status(place, *number) == Status::Absent && !state.is_locked(place, *number)
        };
        let number = (0..state.holds.len()).find(free)?;
        self.enter_holds(state, place)?;
        if self.has_room(state, place, amount) {
            self.apply(state, place, amount);
            state.holds[number].amount = amount;
            state.holds[number].over = false;
            let session = &mut state.sessions[place];
            session.changes.push((number, Status::Open));
            session.locked.push(number);
        }
        Some(())
    }

    /// Locks what is over and nobody else works on.
    fn lock_over(&self, state: &mut State, place: usize, amount: i8) -> Option<()> {
        self.enter_holds(state, place)?;
        let skips = self.bug != Some(Bug::ExpireLocked);
        let mut holds = 0;
        for number in 0..state.holds.len() {
            if state.is_over(place, number) && !(skips && state.is_locked(place, number)) {
                holds |= 1 << number;
                state.sessions[place].locked.push(number);
            }
        }
        state.sessions[place].phase = match holds {
            0 => Phase::Idle,
            _ => Phase::Expiring { amount, holds },
        };
        Some(())
    }

    fn expire(&self, state: &mut State, place: usize, amount: i8, holds: u8) {
        for number in (0..state.holds.len()).filter(|number| holds >> number & 1 == 1) {
            self.apply(state, place, -state.holds[number].amount);
            let ended = (number, Status::Ended(0));
            state.sessions[place].changes.push(ended);
        }
        state.sessions[place].phase = Phase::Again { amount };
    }

    /// Waits for the row's lock, and looks at the row again.
    fn lock(&self, state: &mut State, place: usize, hold: usize, used: i8) -> Option<()> {
        if state.is_locked(place, hold) {
            return None;
        }
        let open = state.status(place, hold) == Status::Open;
        let session = &mut state.sessions[place];
        session.locked.push(hold);
        session.phase = match open || self.bug == Some(Bug::SettleUnchecked) {
            true => Phase::Settling { hold, used },
            false => Phase::Idle,
        };
        Some(())
    }

    fn settle(&self, state: &mut State, place: usize, hold: usize, used: i8) {
        let change = match self.bug {
            Some(Bug::SettleKeepsNothing) => -state.holds[hold].amount,
            _ => used - state.holds[hold].amount,
        };
        let unbounded = self.bug == Some(Bug::SettleUnbounded);
        let fits = change <= 0 || unbounded || self.has_room(state, place, change);
        if fits {
            self.apply(state, place, change);
            let ended = (hold, Status::Ended(used));
            state.sessions[place].changes.push(ended);
        }
        state.sessions[place].phase = Phase::Idle;
    }

    /// From here on every new snapshot sees the rows of the transaction, and their locks are gone.
    fn commit(state: &mut State, place: usize) {
        let session = &mut state.sessions[place];
        state.sum += session.items.iter().sum::<i8>();
        state.plain += std::mem::take(&mut session.plain);
        for (number, status) in session.changes.drain(..) {
            state.holds[number].status = status;
        }
        session.locked.clear();
        session.phase = Phase::Committed;
    }

    fn end(&self, state: &mut State, place: usize) {
        let session = &mut state.sessions[place];
        let committed = session.phase == Phase::Committed;
        if !session.items.is_empty() {
            let item = match committed {
                true => Some(session.items.remove(0)),
                false => session.items.pop(),
            };
            let bug = self.bug_of_entry();
            item.into_iter()
                .for_each(|item| state.slot.end(item, committed, bug));
        }
        if session.items.is_empty() {
            session.joint = false;
            session.share = false;
            session.calls_left = 0;
            session.phase = Phase::Over;
        }
    }
}

impl State {
    /// Whether a hold is open, as the session sees it, and its time is over.
    fn is_over(&self, place: usize, number: usize) -> bool {
        self.holds[number].over && self.status(place, number) == Status::Open
    }
}
