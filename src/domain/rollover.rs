//! Rollover: what is left of earlier periods, as a function of what was used in them.
//!
//! Called by `entitlement::expand` with the usage of a plan's meter. Invariants: only the rest of a
//! plan's allowance rolls over, oldest is drawn, trimmed and expired first, and asking often or
//! rarely gives the same answer; idle stretches are computed, never walked through. Deliberately
//! absent: any stored balance, and the clock.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

mod chain;
mod inherit;
mod lap;

pub use chain::{Chain, Run, Share};
pub use inherit::Inherited;

use crate::interval::Span;
use crate::meter_key::MeterKey;
use crate::period::{Schedule, Time};
use crate::quantity::Quantity;
use chain::{difference, sum};

/// What one plan allowance rolls over, and what must be loaded to know how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloverPlan {
    /// Meter of the plan's allowance; a bucket's meter is this with an origin.
    pub meter: MeterKey,
    /// Its id: used amounts per period are needed from `first` on.
    pub meter_id: Uuid,
    /// Its periods.
    pub schedule: Schedule,
    /// The period that runs.
    pub number: i64,
    /// The first period whose rest may roll over.
    pub first: i64,
    /// What each past period gave; ascending, without overlap. At the end of a period that none
    /// covers, everything lapses.
    pub terms: Vec<RolloverTerm>,
    /// How long after the end of its period a rest is kept now; None: for ever.
    pub expires_after: Option<Span>,
    /// The plan lets rests be drawn. Else this only says what a late event leaves to later plans that
    /// do.
    pub gives: bool,
    /// How often the meter had been counted on before in the period that it inherits in.
    pub lap: i64,
    /// It was counted on once more, in the period that runs here.
    pub resumed: bool,
    /// What the meter whose place this one took had left; None: nothing, or there was none.
    pub inherited: Option<Box<Inherited>>,
    /// A late event only: the rollover of the last meter that inherits from this one.
    pub heir: Option<Box<RolloverPlan>>,
}

/// What was used of meters with rollover, by the id of the plan's meter.
pub type Histories = BTreeMap<Uuid, RolloverHistory>;

/// The rules of a stretch of periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RolloverTerm {
    /// First period under these rules.
    pub first: i64,
    /// Last period under these rules.
    pub last: i64,
    /// The allowance of each; None: nothing is added (unlimited).
    pub limit: Option<Quantity>,
    /// Most that may be kept at the end of each; None: no bound.
    pub cap: Option<Quantity>,
    /// How long what is left at the end of each is kept after the period that it comes from; None:
    /// for ever.
    pub expires_after: Option<Span>,
}

/// What was used of one plan meter and its buckets, as far as anything was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolloverHistory {
    /// Used of the plan's meter, by period.
    pub used: BTreeMap<i64, Quantity>,
    /// Used of the buckets, by (period drawn in, origin drawn from as it was recorded).
    pub draws: BTreeMap<(i64, i64), Quantity>,
}

impl RolloverPlan {
    /// When the rest of a period expires.
    #[must_use]
    pub fn expires_at(&self, origin: i64) -> Option<Time> {
        self.expires_after_span(origin, self.expires_after?)
    }

    fn expires_after_span(&self, origin: i64, span: Span) -> Option<Time> {
        span.after(self.ends_at(origin)?, self.schedule.zone)
    }

    /// What is left at the start of period `number`. A missing history is one without usage.
    #[must_use]
    pub fn chain(&self, histories: &Histories, number: i64) -> Chain {
        let unused = RolloverHistory::default();
        let history = histories.get(&self.meter_id).unwrap_or(&unused);
        let touched = history.touched();
        let (mut chain, mut next) = self.beginning(histories);
        for term in &self.terms {
            let last = term.last.min(number.saturating_sub(1));
            let first = term.first.max(next);
            if first > last {
                continue;
            }
            if first > next {
                self.lapse(&mut chain, history, next);
            }
            next = first;
            for at in touched.range(first..=last).copied() {
                self.idle(&mut chain, term, next, at.saturating_sub(1));
                self.busy(&mut chain, term, history, at);
                next = at.saturating_add(1);
            }
            self.idle(&mut chain, term, next, last);
            next = last.saturating_add(1);
        }
        if next < number {
            self.lapse(&mut chain, history, next);
        }
        chain
    }

    /// How much more may be drawn in period `number` without taking from later draws: from the
    /// bucket of `origin`, or, without one, from the allowance itself. `None`: no bound.
    ///
    /// Draws of `extra` are assumed as well. Drawing more never leaves more, so the bound is found
    /// by doubling and halving.
    #[must_use]
    pub fn headroom(
        &self,
        histories: &Histories,
        extra: &[Extra],
        number: i64,
        origin: Option<i64>,
    ) -> Option<Quantity> {
        let (top, end) = self.horizon(histories, number)?;
        let before = top.chain(histories, end).shortfall;
        let covered = |amount: Quantity| {
            let more = Extra {
                meter_id: self.meter_id,
                number,
                origin,
                amount,
            };
            let with = with(histories, extra.iter().chain([&more]));
            top.chain(&with, end).shortfall <= before
        };
        if covered(Quantity::LIMIT) {
            return None;
        }
        // From one unit on: amounts are small beside what a quantity can hold.
        let (mut fits, mut fails) = (0_i128, Quantity::from_int(1).raw());
        while fails < Quantity::LIMIT.raw() && covered(Quantity::from_raw(fails)) {
            fits = fails;
            fails = fails.saturating_mul(2).min(Quantity::LIMIT.raw());
        }
        while fails - fits > 1 {
            let middle = fits.midpoint(fails);
            if covered(Quantity::from_raw(middle)) {
                fits = middle;
            } else {
                fails = middle;
            }
        }
        Some(Quantity::from_raw(fits))
    }

    /// Periods in which nothing was used: each adds its whole allowance.
    fn idle(&self, chain: &mut Chain, term: &RolloverTerm, first: i64, last: i64) {
        if first > last {
            return;
        }
        chain.push(first, last, term.limit.unwrap_or(Quantity::ZERO));
        self.settle(chain, term, last.saturating_add(1));
    }

    /// A period in which something was used or drawn.
    fn busy(&self, chain: &mut Chain, term: &RolloverTerm, history: &RolloverHistory, at: i64) {
        self.draw(chain, history, at);
        if let Some(limit) = term.limit {
            let used = history.used.get(&at).copied().unwrap_or_default();
            chain.push(at, at, limit.saturating_sub_to_zero(used));
        }
        self.settle(chain, term, at.saturating_add(1));
    }

    /// A period under no rules: what there was could still be drawn in it, and nothing outlives it.
    fn lapse(&self, chain: &mut Chain, history: &RolloverHistory, at: i64) {
        self.draw(chain, history, at);
        chain.clear();
    }

    /// What was drawn in a period, and what of it there was not.
    fn draw(&self, chain: &mut Chain, history: &RolloverHistory, at: i64) {
        for draw in self.draws_in(history, at) {
            let missing = chain.take(draw.origin, draw.amount);
            chain.shortfall = sum(chain.shortfall, missing);
        }
    }

    /// The boundary into period `number`: what expired goes, then the oldest beyond the cap.
    ///
    /// Both only ever take from the old end, so once after many boundaries equals once at each.
    fn settle(&self, chain: &mut Chain, term: &RolloverTerm, number: i64) {
        if let (Some(span), Some(start)) = (term.expires_after, self.schedule.period(number).start)
        {
            self.expire(chain, span, start);
        }
        if let Some(cap) = term.cap {
            chain.trim(cap);
        }
    }

    fn expire(&self, chain: &mut Chain, span: Span, at: Time) {
        let expired = |origin: i64| {
            let end = self.expires_after_span(origin, span);
            end.is_some_and(|end| end <= at)
        };
        while let Some(run) = chain.runs.pop_front() {
            if !expired(run.first) {
                chain.runs.push_front(run);
                return;
            }
            chain.total = difference(chain.total, run.total());
            if expired(run.last) {
                continue;
            }
            // Ends rise with the origin: halve until the last expired and first kept meet.
            let (mut gone, mut kept) = (run.first, run.last);
            while kept.saturating_sub(gone) > 1 {
                let middle = gone.midpoint(kept);
                if expired(middle) {
                    gone = middle;
                } else {
                    kept = middle;
                }
            }
            let rest = Run { first: kept, ..run };
            chain.total = sum(chain.total, rest.total());
            chain.runs.push_front(rest);
            return;
        }
    }
}

/// A draw that is being considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extra {
    /// The plan's meter.
    pub meter_id: Uuid,
    /// The period it would count in.
    pub number: i64,
    /// The bucket, as it is recorded, or the allowance itself.
    pub origin: Option<i64>,
    /// How much.
    pub amount: Quantity,
}

/// The histories with some draws more.
fn with<'a>(histories: &Histories, extra: impl Iterator<Item = &'a Extra>) -> Histories {
    let mut histories = histories.clone();
    for more in extra {
        let history = histories.entry(more.meter_id).or_default();
        let place = match more.origin {
            Some(origin) => history.draws.entry((more.number, origin)).or_default(),
            None => history.used.entry(more.number).or_default(),
        };
        *place = sum(*place, more.amount);
    }
    histories
}

impl RolloverHistory {
    /// Periods in which anything was used or drawn.
    fn touched(&self) -> BTreeSet<i64> {
        let drawn = self.draws.keys().map(|(number, _)| *number);
        self.used.keys().copied().chain(drawn).collect()
    }

    /// Draws of a period by origin as it was recorded, whoever drew.
    pub(crate) fn draws_in(&self, number: i64) -> impl Iterator<Item = (i64, Quantity)> + '_ {
        self.draws
            .range((number, i64::MIN)..=(number, i64::MAX))
            .map(|((_, origin), amount)| (*origin, *amount))
    }

    /// The last period in which anything was used or drawn.
    pub(crate) fn last_touched(&self) -> Option<i64> {
        self.touched().last().copied()
    }
}

#[cfg(test)]
mod tests;
