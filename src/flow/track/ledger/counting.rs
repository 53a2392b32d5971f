//! Drawing and giving back on behalf of a ledger, and what is kept until it closes.

use super::Ledger;
use crate::backend::spi::Snapshot;
use crate::db::pending::PlainEvent;
use crate::error::{Error, Result};
use crate::flow::carry;
use crate::flow::hold;
use crate::flow::track::effect;
use crate::flow::track::judgement::{self, Judged};
use crate::flow::warm::record::Taken;
use crate::meter::shared::Change;
use crate::meter::{self, Posting, Used};
use owostack_domain::draw::{Own, WithHeld};
use owostack_domain::entitlement::{Entitlement, Source};
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;
use std::cell::RefCell;
use std::collections::HashMap;
use uuid::Uuid;

impl Ledger<'_> {
    /// Judges one value and draws or gives back in one step.
    pub(super) fn decide(
        &mut self,
        customer_id: Uuid,
        entitlement: &Entitlement,
        value: Quantity,
        at_most: bool,
    ) -> Result<Judged> {
        let places = judgement::places(entitlement);
        if !value.is_negative() {
            let judge = |used: &Used| judgement::judge(entitlement, used, value);
            return self.take(customer_id, &places, judge);
        }
        let shares = entitlement.sources.iter().any(Source::in_credits);
        let carried = self.was_carried(customer_id, entitlement);
        if shares || carried {
            meter::enter_serial(customer_id);
        }
        meter::enter_returns(customer_id);
        let held = hold::held(customer_id)?;
        if shares || carried {
            self.flush()?;
        }
        let own = match shares {
            true => Some(self.own(customer_id, entitlement.feature_id, &places)?),
            false => None,
        };
        let most = match carried {
            true => self.most(customer_id, entitlement, &held)?,
            false => Used::new(),
        };
        let (held, own, most) = (&held, own.as_ref(), &most);
        let certain = RefCell::new(Used::new());
        let judge = |used: &Used| {
            certain.replace(used.clone());
            let used = WithHeld {
                used,
                held,
                own,
                most,
            };
            judgement::judge(entitlement, &used, value)
        };
        let hopes = |used: &Used| {
            let own = own.map(|own| with_open(own, &certain.borrow(), used));
            let most = &most_with_open(most, &certain.borrow(), used);
            let used = WithHeld {
                used,
                held,
                own: own.as_ref(),
                most,
            };
            judgement::judge(entitlement, &used, value).is_ok()
        };
        match self.give_back(customer_id, &places, judge, hopes) {
            Err(refused) if at_most && !refused.is_retry() => {
                let judge = |used: &Used| {
                    let used = WithHeld {
                        used,
                        held,
                        own,
                        most,
                    };
                    Ok(judgement::judge_at_most(entitlement, &used, value))
                };
                self.give_back(customer_id, &places, judge, |_| true)
            }
            outcome => outcome,
        }
    }

    /// Whether a switch carried units of the entitlement's running periods.
    fn was_carried(&self, customer_id: Uuid, entitlement: &Entitlement) -> bool {
        let standing = self.standings.get(&(customer_id, entitlement.feature_id));
        standing.is_some_and(|standing| {
            let mut sources = entitlement.sources.iter();
            sources.any(|source| carry::is_shared(standing.facts(), source))
        })
    }

    /// Most that can be given back where a switch carried units.
    fn most(&self, customer_id: Uuid, entitlement: &Entitlement, held: &Used) -> Result<Used> {
        let standing = self.standings.get(&(customer_id, entitlement.feature_id));
        let standing = standing.ok_or_else(|| Error::internal("a standing that was loaded"))?;
        carry::most(&self.snapshot, standing.facts(), entitlement, held)
    }

    /// What the feature itself drew of pools of credits.
    fn own(
        &self,
        customer_id: Uuid,
        feature_id: Uuid,
        places: &[MeterPeriod],
    ) -> Result<HashMap<MeterPeriod, Own>> {
        meter::own(&self.snapshot, customer_id, feature_id, places)
    }

    /// Judges and draws in one step; what is drawn must be pushed.
    ///
    /// # Errors
    /// As [`Counter::take`].
    pub fn take<T>(
        &mut self,
        customer_id: Uuid,
        places: &[MeterPeriod],
        judge: impl Fn(&Used) -> Result<(T, Vec<Change>)>,
    ) -> Result<T> {
        let snapshot = &self.snapshot;
        self.counter.take(snapshot, customer_id, places, judge)
    }

    /// Judges and gives back in one step; what is given back must be pushed. What always can be given
    /// back has no need of `hopes`.
    ///
    /// # Errors
    /// As [`Counter::give_back`].
    pub fn give_back<T>(
        &mut self,
        customer_id: Uuid,
        places: &[MeterPeriod],
        judge: impl Fn(&Used) -> Result<(T, Vec<Change>)>,
        hopes: impl Fn(&Used) -> bool,
    ) -> Result<T> {
        let snapshot = &self.snapshot;
        self.counter
            .give_back(snapshot, customer_id, places, judge, hopes)
    }

    /// Ends holds of the customer whose time is over; true when there were some (protocol 19).
    ///
    /// # Errors
    /// As the statements.
    pub fn make_room(&mut self, customer_id: Uuid) -> Result<bool> {
        let any = hold::expire(customer_id, self.context.now)?;
        if any {
            self.flush()?;
        }
        Ok(any)
    }

    /// Keeps rows that [`Ledger::close`] writes.
    pub fn push(&mut self, postings: Vec<Posting>) {
        self.postings.extend(postings);
    }

    /// Keeps the limits that were crossed, to be told by [`Ledger::close`].
    pub fn cross(&mut self, customer_id: Uuid, entitlement: &Entitlement, judged: &Judged) {
        self.crossings
            .extend(effect::crossings(customer_id, entitlement, judged));
    }

    /// Writes what was drawn so far and forgets what was loaded before.
    ///
    /// # Errors
    /// As the statements.
    pub fn flush(&mut self) -> Result<()> {
        self.record()?;
        self.counter.forget();
        self.snapshot = Snapshot::latest()?;
        Ok(())
    }

    /// Writes the rows of what was drawn so far.
    pub(super) fn record(&mut self) -> Result<()> {
        if !self.postings.is_empty() {
            meter::record(&self.postings)?;
            self.postings.clear();
        }
        if self.taken.is_empty() {
            return Ok(());
        }
        let rows: Option<Vec<PlainEvent>> = self.taken.iter().map(Taken::row).collect();
        if !rows.is_some_and(|rows| meter::record_prepared(&rows)) {
            let now = self.context.now;
            let rows = self.taken.iter().map(|taken| taken.pending(now, None));
            meter::record_rows(&rows.collect::<Result<Vec<_>>>()?)?;
        }
        self.taken.clear();
        Ok(())
    }
}

/// Most that could be given back if all that others have open were drawn.
fn most_with_open(most: &Used, certain: &Used, hopeful: &Used) -> Used {
    let value = |used: &Used, place| used.get(place).copied().unwrap_or_default();
    let widened = most.iter().map(|(place, most)| {
        let open = value(hopeful, place).saturating_sub_to_zero(value(certain, place));
        (*place, most.checked_add(open).unwrap_or(Quantity::LIMIT))
    });
    widened.collect()
}

/// What a feature drew of its pools if it drew all that others have open: whose that is, no entry says.
fn with_open(
    own: &HashMap<MeterPeriod, Own>,
    certain: &Used,
    hopeful: &Used,
) -> HashMap<MeterPeriod, Own> {
    let value = |used: &Used, place| used.get(place).copied().unwrap_or_default();
    let widened = hopeful.keys().map(|place| {
        let own = own.get(place).copied().unwrap_or_default();
        let open = value(hopeful, place).saturating_sub_to_zero(value(certain, place));
        let widened = Own {
            amount: own.amount.checked_add(open).unwrap_or(Quantity::LIMIT),
            units: Quantity::LIMIT,
            carried: own.carried,
        };
        (*place, if open.is_positive() { widened } else { own })
    });
    widened.collect()
}
