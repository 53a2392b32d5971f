//! What a payment provider must be told of a change of our own.
//!
//! Asked by `flow/life` after every change, with the rows before and after it. Invariants: what the
//! provider itself told us is never told back, but what follows from it elsewhere is; a date acts on
//! both sides by itself, so only its appointment is told; each wish follows from the rows alone.
//! Deliberately absent: providers, calls and ids of theirs.

use crate::entitlement::facts::{PlanChange, Status, Subscription};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// One thing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tell {
    /// A row of ours takes the provider's subscription over from another.
    TakeOver {
        /// The row that ended.
        from: Uuid,
        /// The row that begins.
        to: Uuid,
        /// The provider changes by itself at the date that it was told.
        appointed: bool,
    },
    /// It stays after all.
    Keep(Uuid),
    /// It does not change at its date after all.
    UndoChange(Uuid),
    /// It rests.
    Pause(Uuid),
    /// It goes on.
    Resume(Uuid),
    /// It changes when its period is over.
    ChangeLater(Uuid),
    /// It ends when its period is over.
    EndLater(Uuid),
    /// It ends.
    EndNow(Uuid),
    /// It is to begin there, paid with a saved method.
    Start(Uuid),
}

impl Tell {
    /// The row that it is about.
    #[must_use]
    pub const fn row(self) -> Uuid {
        match self {
            Self::TakeOver { to: id, .. }
            | Self::Keep(id)
            | Self::UndoChange(id)
            | Self::Pause(id)
            | Self::Resume(id)
            | Self::ChangeLater(id)
            | Self::EndLater(id)
            | Self::EndNow(id)
            | Self::Start(id) => id,
        }
    }
}

/// Subscriptions with what is scheduled for them.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The rows.
    pub rows: &'a BTreeMap<Uuid, Subscription>,
    /// Scheduled changes.
    pub changes: &'a [PlanChange],
}

/// A change of a customer's subscriptions.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// As it was.
    pub before: View<'a>,
    /// As it is.
    pub after: View<'a>,
    /// Rows that are subscriptions at a provider, or about to be.
    pub known: &'a BTreeSet<Uuid>,
    /// Rows that a provider bills, that it does not know, and that a saved method there can pay.
    pub startable: &'a BTreeSet<Uuid>,
    /// Rows that a date ended.
    pub dated: &'a BTreeSet<Uuid>,
    /// Rows that another one of their group has replaced.
    pub replaced: &'a BTreeSet<Uuid>,
    /// Which row goes on with the provider's subscription of another.
    pub moves: &'a BTreeMap<Uuid, Uuid>,
    /// The provider told us so.
    pub mirrored: bool,
}

/// Whether the provider can go on with the same subscription under such terms.
#[must_use]
pub const fn recurs(price: i64, one_time: bool) -> bool {
    price > 0 && !one_time
}

/// All that is to be told, each row's wishes in an order that can be carried out.
#[must_use]
pub fn tell(deed: &Deed) -> Vec<Tell> {
    let mut told = Vec::new();
    for (id, before) in deed.before.rows {
        if let Some(after) = deed.after.rows.get(id).filter(|_| deed.known.contains(id)) {
            of_row(deed, before, after, &mut told);
        }
    }
    let starts = deed.after.rows.values().filter(|row| starts(deed, row));
    told.extend(starts.map(|row| Tell::Start(row.id)));
    told
}

fn of_row(deed: &Deed, before: &Subscription, after: &Subscription, told: &mut Vec<Tell>) {
    if !before.is_live() {
        return;
    }
    if !after.is_live() {
        told.extend(ended(deed, after));
    } else if !deed.mirrored {
        stays(deed, before, after, told);
    }
}

fn ended(deed: &Deed, row: &Subscription) -> Option<Tell> {
    let id = row.id;
    if let Some(to) = deed.moves.get(&id) {
        return Some(Tell::TakeOver {
            from: id,
            to: *to,
            appointed: deed.dated.contains(&id),
        });
    }
    // The date of a cancellation, or of a change to what costs nothing, was told when it was set.
    let by_appointment = deed.dated.contains(&id) && row.status == Status::Canceled;
    let is_echo = deed.mirrored && !deed.replaced.contains(&id);
    (!by_appointment && !is_echo).then_some(Tell::EndNow(id))
}

fn stays(deed: &Deed, before: &Subscription, after: &Subscription, told: &mut Vec<Tell>) {
    let id = after.id;
    let (was, is) = (deed.before.outlook(before), deed.after.outlook(after));
    if was.leaves && !is.leaves {
        told.push(Tell::Keep(id));
    }
    if was.change.is_some() && was.change != is.change {
        told.push(Tell::UndoChange(id));
    }
    match (
        before.status == Status::Paused,
        after.status == Status::Paused,
    ) {
        (false, true) => told.push(Tell::Pause(id)),
        (true, false) => told.push(Tell::Resume(id)),
        _ => {}
    }
    if is.change.is_some() && was.change != is.change {
        told.push(Tell::ChangeLater(id));
    }
    if !was.leaves && is.leaves {
        told.push(Tell::EndLater(id));
    }
}

/// A trial that a card backs begins there at once, any other when it turns into money.
fn starts(deed: &Deed, row: &Subscription) -> bool {
    if !deed.startable.contains(&row.id) || !recurs(row.price, row.one_time) {
        return false;
    }
    let before = deed.before.rows.get(&row.id);
    let in_trial = |row: &Subscription| row.status == Status::Trialing;
    let was_in_trial = before.is_some_and(in_trial);
    match row.status {
        Status::Trialing => !was_in_trial,
        Status::Active => was_in_trial,
        _ => false,
    }
}

/// What awaits a subscription at the end of its period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outlook {
    /// It ends, for good or for a plan that the provider has no part in.
    leaves: bool,
    /// The change to another plan that the provider bills.
    change: Option<Uuid>,
}

impl View<'_> {
    fn outlook(&self, row: &Subscription) -> Outlook {
        let mut changes = self.changes.iter();
        let change = changes.find(|one| one.subscription_id == row.id);
        let billed = change.filter(|one| recurs(one.price, one.one_time));
        Outlook {
            leaves: row.cancel_at.is_some() || (change.is_some() && billed.is_none()),
            change: billed.map(|one| one.id),
        }
    }
}

#[cfg(test)]
#[path = "tell_tests.rs"]
mod tests;
