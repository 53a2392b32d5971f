//! What a customer is entitled to: facts in, sources in draw order out.
//!
//! Called by `flow/`, which loads the facts and the usage of the meters named by the answer.
//! Invariant: pure, and independent of the order of rows. Deliberately absent: usage and deciding
//! (`decision`), and the states of subscriptions (`subscription`).

pub mod allowance;
mod alone;
mod candidate;
mod counted;
pub mod expand;
pub mod facts;
#[cfg(test)]
pub(crate) mod fixture;
mod flag;
mod grant;
mod live;
mod order;
pub mod pack;
mod part;
pub mod pool;
mod renewal;
pub mod resolve;
mod rolling;
pub mod source;
mod succession;
mod term;
#[cfg(test)]
mod tests;

use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

pub use expand::{Histories, expand};
pub use facts::*;
pub use grant::grant_meter;
pub use pool::pool;
pub use renewal::base_plan;
pub use resolve::resolve;
pub use source::{Credit, Ignored, Overage, Pool, Reason, Source, SourceKind};

use crate::period::Time;
use crate::rollover::RolloverPlan;

/// Whether anything grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// Nothing at all grants this customer anything.
    Nothing,
    /// Something grants, but not this feature.
    NotInPlan,
    /// The feature is granted; how much is another question.
    Granted,
}

/// What a customer may do with one feature at a moment, whatever was used.
#[derive(Debug, Clone)]
pub struct Entitlement {
    /// The feature.
    pub feature_id: Uuid,
    /// Its name.
    pub slug: String,
    /// What kind of answer it gives.
    pub feature_type: FeatureType,
    /// Whether anything grants it.
    pub grant: GrantState,
    /// The moment judged; for a late event maybe a later one than asked.
    pub at: Time,
    /// What can be drawn from, in draw order. Boolean and static: what says yes, best first.
    pub sources: Vec<Source>,
    /// Permission to draw beyond.
    pub overage: Option<Overage>,
    /// A plan charges for overage, but a trial forbids it.
    pub overage_blocked: bool,
    /// Some source charges every unit.
    pub usage_based: bool,
    /// Those units are charged now; false in a trial.
    pub billable: bool,
    /// Static: the value.
    pub value: Option<Value>,
    /// How it is paid from credits.
    pub credit: Option<Credit>,
    /// What could have granted it and did not.
    pub ignored: Vec<Ignored>,
    /// Highest-ranked live plan among the sources, else of all.
    pub plan: Option<String>,
    /// State of that plan's subscription.
    pub status: Option<Status>,
    /// That subscription is in its trial.
    pub trial: bool,
    /// When the trial ends.
    pub trial_ends_at: Option<Time>,
    /// Pricing keys of the entry that charges.
    pub pricing: Option<Arc<Value>>,
    /// Next moment at which time alone changes any of this.
    pub valid_until: Option<Time>,
    /// Soonest end of a source's period.
    pub resets_at: Option<Time>,
    /// How often that source starts over.
    pub reset_interval: Option<String>,
}

impl Entitlement {
    /// The answer where nothing is known to grant.
    pub(crate) fn nothing(feature_id: Uuid, at: Time) -> Self {
        Self {
            feature_id,
            slug: String::new(),
            feature_type: FeatureType::Boolean,
            grant: GrantState::Nothing,
            at,
            sources: Vec::new(),
            overage: None,
            overage_blocked: false,
            usage_based: false,
            billable: false,
            value: None,
            credit: None,
            ignored: Vec::new(),
            plan: None,
            status: None,
            trial: false,
            trial_ends_at: None,
            pricing: None,
            valid_until: None,
            resets_at: None,
            reset_interval: None,
        }
    }

    /// The rollovers whose history `expand` needs; empty for most features.
    pub fn rollovers(&self) -> impl Iterator<Item = &RolloverPlan> {
        let templates = self
            .sources
            .iter()
            .filter_map(|source| source.rollover.as_ref());
        let replaced = self
            .sources
            .iter()
            .flat_map(|source| source.replaced.iter());
        templates.chain(replaced)
    }

    /// Soonest among the sources that start over; grants have a period that never ends.
    fn set_resets(&mut self) {
        if self.feature_type != FeatureType::Metered {
            return;
        }
        let soonest = self
            .sources
            .iter()
            .filter(|source| source.is_allowance())
            .min_by_key(|source| (source.period.end.is_none(), source.period.end));
        self.resets_at = soonest.and_then(|source| source.period.end);
        self.reset_interval = soonest.map(|source| source.meter.cadence.to_string());
    }
}
