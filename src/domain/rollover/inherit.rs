//! Rollover across a switch that moves the meter (another interval, another anchor, a fresh count), and
//! across an edit of the catalog that does.
//!
//! Called by `RolloverPlan`. Invariants: what had rolled over and was not drawn before the switch can
//! be drawn after it, once, and expires no later for it; the period that the switch cuts short leaves
//! nothing, because its usage counts against the new allowance, unless a provider's renewal ended it. Nothing is stored at a switch: what a
//! meter inherits is computed from the meter before it, so late events and holds that end show.
//! Deliberately absent: which subscriptions follow each other (`entitlement::rolling`).

use uuid::Uuid;

use super::chain::Chain;
use super::{Histories, RolloverPlan};
use crate::period::Time;

/// What an earlier meter left to the one that took its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inherited {
    /// Rollover of the earlier meter; its `number` is the period that the switch cut short, or that
    /// would have followed.
    pub plan: RolloverPlan,
    /// A switch cut that period short, maybe in its first moment; else it never began, or a renewal ended
    /// the one before it.
    pub cut: bool,
    /// When that was.
    pub at: Time,
    /// First period of the meter that inherits.
    pub number: i64,
}

impl Inherited {
    /// What is left at the switch, its origins as the meter that inherits counts them.
    fn chain(&self, histories: &Histories) -> Chain {
        let mut chain = self.plan.chain(histories, self.plan.number);
        // A period that had not begun was not drawn in, whatever the meter counts since it was taken up
        // again.
        let cut = histories.get(&self.plan.meter_id).filter(|_| self.cut);
        if let Some(history) = cut {
            self.plan.draw(&mut chain, history, self.plan.number);
        }
        // What the earlier plan had let lapse by then does not come back.
        if let Some(span) = self.plan.expires_after {
            self.plan.expire(&mut chain, span, self.at);
        }
        chain.shift(self.number.saturating_sub(self.plan.number));
        chain
    }

    /// How often a meter had been counted on in a period before the run on it that begins within that
    /// period. Each such run counts what it drew itself.
    pub(crate) fn take_up(&mut self, meter_id: Uuid, number: i64) -> i64 {
        let mut before = self.plan.inherited.as_mut();
        while let Some(one) = before {
            if one.cut && one.plan.meter_id == meter_id && one.plan.number == number {
                one.plan.resumed = true;
                return one.plan.lap_in(number).saturating_add(1);
            }
            before = one.plan.inherited.as_mut();
        }
        0
    }

    /// The number that the earlier meter has for an origin of the meter that inherits.
    const fn earlier(&self, origin: i64) -> i64 {
        origin.saturating_sub(self.number.saturating_sub(self.plan.number))
    }
}

impl RolloverPlan {
    /// What the first period begins with, and its number.
    pub(super) fn beginning(&self, histories: &Histories) -> (Chain, i64) {
        match &self.inherited {
            Some(inherited) => (inherited.chain(histories), inherited.number),
            None => (Chain::default(), self.first),
        }
    }

    /// The end of the period that a rest comes from, whichever meter it was on.
    pub(super) fn ends_at(&self, origin: i64) -> Option<Time> {
        match &self.inherited {
            Some(before) if origin < before.number => before.plan.ends_at(before.earlier(origin)),
            _ => self.schedule.period(origin).end,
        }
    }

    /// Every meter whose usage matters, this one's first.
    #[must_use]
    pub fn meters(&self) -> Vec<Uuid> {
        let mut meters = vec![self.meter_id];
        let before = self.inherited.iter().map(|before| &before.plan);
        for plan in before.chain(self.heir.as_deref()) {
            meters.extend(plan.meters());
        }
        meters
    }

    /// Whether rests of that meter may be among those of this one.
    #[must_use]
    pub fn inherits_from(&self, meter_id: Uuid) -> bool {
        self.inherited.as_ref().is_some_and(|before| {
            before.plan.meter_id == meter_id || before.plan.inherits_from(meter_id)
        })
    }

    /// The last meter that draws on what is left here, and a period after all of its draws; none where
    /// nothing was drawn after `number`.
    pub(super) fn horizon(&self, histories: &Histories, number: i64) -> Option<(&Self, i64)> {
        let after = |plan: &Self| {
            let last = histories.get(&plan.meter_id)?.last_touched()?;
            Some(last.saturating_add(1))
        };
        match self.heir.as_deref() {
            None => Some((
                self,
                after(self).filter(|end| end.saturating_sub(1) > number)?,
            )),
            Some(heir) => {
                let first = heir.inherited.as_ref().map_or(heir.first, |one| one.number);
                // The period asked about may be one in which the meter was taken up again.
                let asked = (heir.meter_id == self.meter_id).then(|| number.saturating_add(1));
                let ends = [Some(first), asked, after(heir)];
                Some((heir, ends.into_iter().flatten().max()?))
            }
        }
    }
}
