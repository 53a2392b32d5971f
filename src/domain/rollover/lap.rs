//! Who drew what of a rest, where a meter is left and taken up again within a period.
//!
//! Asked by the chain and by `entitlement::expand`. A rest that was inherited while the period ran is drawn
//! from under an origin that says the how manieth time the meter is counted on in it: its *lap*. So that
//! draws before the meter was left come before what happened elsewhere, and those after it after that.
//! Invariants: in every other period the lap is zero, and nothing is spelled; each draw is counted by one
//! run. Deliberately absent: amounts of the allowance itself, which are carried.

use super::{RolloverHistory, RolloverPlan};
use crate::quantity::Quantity;

/// How far the origins of laps are apart: no period has a number like that.
const APART: i64 = 1 << 40;

/// Part of what was drawn in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The period whose rest it was, as the run counts it.
    pub origin: i64,
    /// The same as it is recorded.
    pub recorded: i64,
    /// How much.
    pub amount: Quantity,
}

impl RolloverPlan {
    /// What this run drew in a period, oldest origin first.
    pub(crate) fn draws_in<'a>(
        &self,
        history: &'a RolloverHistory,
        number: i64,
    ) -> impl Iterator<Item = Draw> + use<'a> {
        let (lap, resumed) = (self.lap_in(number), self.resumed);
        history
            .draws_in(number)
            .filter_map(move |(recorded, amount)| {
                let of = recorded
                    .saturating_add(APART / 2)
                    .div_euclid(APART)
                    .saturating_neg();
                // Where many laps are forgotten the last run counts what is left of them.
                (of == lap || (of > lap && !resumed)).then_some(Draw {
                    origin: recorded.saturating_add(of.saturating_mul(APART)),
                    recorded,
                    amount,
                })
            })
    }

    /// The origin under which a draw in the running period is recorded.
    #[must_use]
    pub(crate) fn recorded(&self, origin: i64) -> i64 {
        origin.saturating_sub(self.lap_in(self.number).saturating_mul(APART))
    }

    /// Whether the other belongs to the same run on the same meter.
    #[must_use]
    pub(crate) fn is_run_of(&self, other: &Self) -> bool {
        let began = |plan: &Self| {
            let from = plan.inherited.as_ref();
            from.map(|from| (plan.lap, from.number, from.at, from.plan.meter_id))
        };
        self.meter_id == other.meter_id && began(self) == began(other)
    }

    /// The lap of this run in a period.
    pub(super) fn lap_in(&self, number: i64) -> i64 {
        match &self.inherited {
            Some(inherited) if inherited.number == number => self.lap,
            _ => 0,
        }
    }
}
