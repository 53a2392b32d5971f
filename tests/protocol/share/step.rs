//! Who may do which step, and what it does; in the order of the code that it stands for.

use super::session::{Reading, Sharing, Wanting};
use super::{Action, Bug, Share, State};
use crate::name::Who;

impl Share {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// The next step of a sharer.
    pub(super) fn sharer_may(&self, state: &State, who: Who) -> Option<Action> {
        let sharer = &state.sharers[who.place];
        Some(match sharer.phase {
            Sharing::Idle if sharer.left == 0 => return None,
            Sharing::Idle if self.has(Bug::LookBeforeAnnouncing) => Action::Look(who),
            Sharing::Idle | Sharing::Looked { .. } => Action::Announce(who),
            Sharing::Announced => Action::Look(who),
            Sharing::Free if self.has(Bug::WithdrawBeforeSharing) => Action::Withdraw(who),
            Sharing::Free | Sharing::Hidden => Action::Share(who),
            Sharing::Refused if self.has(Bug::QueueAnnounced) && state.is_locked() => return None,
            Sharing::Refused if self.has(Bug::QueueAnnounced) => Action::Queue(who),
            Sharing::Refused | Sharing::Shown => Action::Withdraw(who),
            Sharing::Queued if state.is_locked() => return None,
            Sharing::Queued => Action::Queue(who),
            Sharing::Inside if self.has(Bug::LeaveBeforeEnd) && sharer.board.shared => {
                Action::Leave(who)
            }
            Sharing::Inside => Action::End(who),
            Sharing::Over => Action::Leave(who),
        })
    }

    /// The next steps of a wanter.
    pub(super) fn wanter_may(&self, state: &State, who: Who, actions: &mut Vec<Action>) {
        let late = self.has(Bug::WantAfterReading);
        let wanter = &state.wanters[who.place];
        match wanter.phase {
            Wanting::Idle if late && !self.may_lock(state) => {}
            Wanting::Idle if late => actions.push(Action::Lock(who)),
            Wanting::Idle => actions.push(Action::Want(who)),
            Wanting::Wanted if self.may_lock(state) => actions.push(Action::Lock(who)),
            Wanting::Wanted => {}
            Wanting::Reading => self.reader_may(state, who, actions),
            Wanting::Read => actions.push(Action::Want(who)),
            Wanting::Alone if self.has(Bug::LetInBeforeEnd) && !wanter.careless => {
                actions.push(Action::LetIn(who));
            }
            Wanting::Alone => actions.push(Action::Finish(who)),
            Wanting::Finished if wanter.careless => actions.push(Action::Unlock(who)),
            Wanting::Finished => actions.push(Action::LetIn(who)),
            Wanting::LetIn => actions.push(Action::Unlock(who)),
            Wanting::Done => {}
        }
    }

    fn may_lock(&self, state: &State) -> bool {
        !state.is_locked() && !state.sharers.iter().any(|sharer| sharer.in_table)
    }

    /// Boards are read in any order: in one order is a special case.
    fn reader_may(&self, state: &State, who: Who, actions: &mut Vec<Action>) {
        if state.boards().all(|board| board.read == Reading::Done) {
            actions.push(Action::Begin(who));
        }
        for (place, sharer) in state.sharers.iter().enumerate() {
            let whose = Who {
                place,
                name: sharer.name,
            };
            let impatient = self.has(Bug::IgnoreAnnouncements);
            match sharer.board.read {
                Reading::Unread if sharer.board.announced && !impatient => {}
                Reading::Unread => actions.push(Action::Pass(who, whose)),
                Reading::Passed if self.has(Bug::OwnerAfterShare) => {
                    actions.push(Action::ReadShare(who, whose));
                }
                Reading::Passed | Reading::Somebody => actions.push(Action::ReadOwner(who, whose)),
                Reading::Owner(_) => actions.push(Action::ReadShare(who, whose)),
                Reading::Waiting(owner) if sharer.transaction == owner => {}
                Reading::Waiting(_) => actions.push(Action::Outlast(who, whose)),
                Reading::Done => {}
            }
        }
    }

    /// Does one step.
    pub(super) fn step(&self, state: &mut State, action: Action) {
        match action {
            Action::Announce(who)
            | Action::Look(who)
            | Action::Share(who)
            | Action::Withdraw(who)
            | Action::Queue(who)
            | Action::End(who)
            | Action::Leave(who) => self.share(state, action, who),
            Action::Want(who)
            | Action::Lock(who)
            | Action::Begin(who)
            | Action::Finish(who)
            | Action::LetIn(who)
            | Action::Unlock(who) => self.want(state, action, who),
            Action::Pass(_, whose)
            | Action::ReadOwner(_, whose)
            | Action::ReadShare(_, whose)
            | Action::Outlast(_, whose) => Self::read(state, action, whose),
        }
    }

    fn share(&self, state: &mut State, action: Action, who: Who) {
        let free = state.wanted == 0;
        let sharer = &mut state.sharers[who.place];
        let board = &mut sharer.board;
        let verdict = |free| {
            if free {
                Sharing::Free
            } else {
                Sharing::Refused
            }
        };
        sharer.phase = match (action, sharer.phase) {
            (Action::Announce(_), phase) => {
                board.owner = sharer.transaction;
                board.announced = true;
                match phase {
                    Sharing::Looked { free } => verdict(free),
                    _ => Sharing::Announced,
                }
            }
            (Action::Look(_), Sharing::Idle) => Sharing::Looked { free },
            (Action::Look(_), _) => verdict(free),
            (Action::Share(_), phase) => {
                board.shared = true;
                if phase == Sharing::Hidden {
                    Sharing::Inside
                } else {
                    Sharing::Shown
                }
            }
            (Action::Withdraw(_), phase) => {
                board.announced = false;
                match phase {
                    Sharing::Free => Sharing::Hidden,
                    Sharing::Shown => Sharing::Inside,
                    _ => Sharing::Queued,
                }
            }
            (Action::Queue(_), _) => {
                board.announced = false;
                sharer.in_table = true;
                Sharing::Inside
            }
            (Action::End(_), _) => Sharing::Over,
            // Only with a bug.
            (Action::Leave(_), Sharing::Inside) => {
                board.shared = false;
                Sharing::Inside
            }
            _ => {
                board.shared = false;
                sharer.in_table = false;
                sharer.transaction += 1;
                sharer.left -= 1;
                Sharing::Idle
            }
        };
    }

    fn want(&self, state: &mut State, action: Action, who: Who) {
        let wanter = &mut state.wanters[who.place];
        wanter.phase = match (action, wanter.phase) {
            (Action::Want(_), phase) => {
                state.wanted += 1;
                if phase == Wanting::Read {
                    Wanting::Alone
                } else {
                    Wanting::Wanted
                }
            }
            (Action::Lock(_), _) => Wanting::Reading,
            (Action::Begin(_), _) => {
                for sharer in &mut state.sharers {
                    sharer.board.read = Reading::Unread;
                }
                if self.has(Bug::WantAfterReading) {
                    Wanting::Read
                } else {
                    Wanting::Alone
                }
            }
            (Action::Finish(_), _) => Wanting::Finished,
            (Action::LetIn(_), phase) => {
                state.wanted -= 1;
                wanter.careless = phase == Wanting::Alone;
                if wanter.careless {
                    Wanting::Alone
                } else {
                    Wanting::LetIn
                }
            }
            _ => Wanting::Done,
        };
    }

    fn read(state: &mut State, action: Action, whose: Who) {
        let board = &mut state.sharers[whose.place].board;
        board.read = match (action, board.read) {
            (Action::Pass(..), _) => Reading::Passed,
            (Action::ReadOwner(..), Reading::Somebody) => Reading::Waiting(board.owner),
            (Action::ReadOwner(..), _) => Reading::Owner(board.owner),
            // The second look at the owner falls between no steps of its own: owner and share of one
            // board change in different transactions, and only without a share.
            (Action::ReadShare(..), Reading::Owner(owner)) => {
                if board.shared && board.owner == owner {
                    Reading::Waiting(owner)
                } else {
                    Reading::Done
                }
            }
            (Action::ReadShare(..), _) if board.shared => Reading::Somebody,
            _ => Reading::Done,
        };
    }
}
