//! The parts of a feature's value: what each live subscription says, under which override.
//!
//! Called by the resolution of every feature type. Invariant: subscription override before customer
//! override before plan; of several rows that say the same, the choice does not depend on their
//! order. Deliberately absent: meters and limits.

use uuid::Uuid;

use super::facts::{Facts, Feature, FeatureType, Override, PlanFeature, Scope, Subject};
use super::live::{Live, Standing};
use super::source::{Credit, Ignored, Reason, SourceKind};
use crate::period::Time;

/// The question, with everything that was found out on the way.
pub(crate) struct Case<'a> {
    pub facts: &'a Facts,
    pub feature: &'a Feature,
    pub entity: Option<&'a str>,
    pub standing: &'a Standing<'a>,
    /// How the feature is paid from credits, if the customer has any source of them.
    pub credit: Option<Credit>,
    /// True when some credit system prices the feature at all.
    pub priced: bool,
}

/// What one live subscription says.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub live: &'a Live<'a>,
    /// The plan's entry for the feature itself, on or off.
    pub entry: Option<&'a PlanFeature>,
    /// The plan's entry for the credit system, if on.
    pub credits: Option<&'a PlanFeature>,
    /// The override of this subscription.
    pub own: Option<&'a Override>,
}

impl Part<'_> {
    /// True when the plan, rather than an override, says anything.
    pub fn is_named(&self) -> bool {
        self.entry.is_some() || self.credits.is_some()
    }
}

impl<'a> Case<'a> {
    pub fn at(&self) -> Time {
        self.standing.at
    }

    /// True where the answer is a number.
    pub fn is_counted(&self) -> bool {
        matches!(
            self.feature.feature_type,
            FeatureType::Metered | FeatureType::Entity
        )
    }

    /// Base plans first, each by rank: the order in which meters are chosen.
    pub fn parts(&self) -> Vec<Part<'a>> {
        let mut lives: Vec<&'a Live<'a>> = self.standing.live.iter().collect();
        lives.sort_by_key(|live| live.plan.is_addon);
        lives.into_iter().map(|live| self.part(live)).collect()
    }

    fn part(&self, live: &'a Live<'a>) -> Part<'a> {
        let entry = entry_of(self.facts, live.plan.id, Subject::Feature(self.feature.id))
            .filter(|entry| !self.only_prices(entry));
        let credits = self
            .credit
            .as_ref()
            .and_then(|credit| {
                entry_of(
                    self.facts,
                    live.plan.id,
                    Subject::CreditSystem(credit.system_id),
                )
            })
            .filter(|entry| entry.enabled);
        Part {
            live,
            entry,
            credits,
            own: self.override_of(Some(live.subscription.id)),
        }
    }

    /// A cost without a limit is no allowance: it only changes what a unit costs.
    pub fn only_prices(&self, entry: &PlanFeature) -> bool {
        self.priced
            && entry.enabled
            && entry.credit_cost.is_some()
            && entry.limit.is_none()
            && !entry.usage_based
    }

    /// The override in force for a subscription, or for the customer as a whole.
    pub fn override_of(&self, subscription_id: Option<Uuid>) -> Option<&'a Override> {
        self.facts
            .overrides
            .iter()
            .filter(|held| held.feature_id == self.feature.id)
            .filter(|held| held.subscription_id == subscription_id)
            .filter(|held| in_force(held, self.at()) && says_anything(held))
            .max_by_key(|held| held.id)
    }

    /// What plans that do not grant now, and overrides that ended, would have said.
    pub fn ignored(&self) -> Vec<Ignored> {
        let mut ignored = Vec::new();
        for idle in &self.standing.idle {
            let own = Some(Subject::Feature(self.feature.id));
            let credits = self
                .credit
                .as_ref()
                .map(|credit| Subject::CreditSystem(credit.system_id));
            for subject in [own, credits].into_iter().flatten() {
                let Some(entry) = entry_of(self.facts, idle.subscription.plan_id, subject) else {
                    continue;
                };
                let addon = self
                    .facts
                    .plans
                    .get(&idle.subscription.plan_id)
                    .is_some_and(|plan| plan.is_addon);
                ignored.push(Ignored {
                    kind: plan_kind(addon),
                    source_id: idle.subscription.id,
                    scope: entry.scope,
                    subject,
                    limit: entry.limit,
                    reason: idle.reason,
                    changes_at: (idle.reason == Reason::NotStarted)
                        .then_some(idle.subscription.started_at),
                    since: Some(idle.subscription.started_at),
                    until: idle.subscription.ended_at,
                });
            }
        }
        for held in &self.facts.overrides {
            if held.feature_id == self.feature.id && !in_force(held, self.at()) {
                ignored.push(self.ignored_override(held, Reason::Expired));
            }
        }
        ignored
    }

    /// An override that does not act.
    pub fn ignored_override(&self, held: &Override, reason: Reason) -> Ignored {
        Ignored {
            kind: SourceKind::Override,
            source_id: held.id,
            scope: Scope::Customer,
            subject: Subject::Feature(self.feature.id),
            limit: held.usage_limit,
            reason,
            changes_at: None,
            since: None,
            until: held.expires_at,
        }
    }

    /// A plan's entry that does not act.
    pub fn ignored_entry(&self, live: &Live<'_>, entry: &PlanFeature, reason: Reason) -> Ignored {
        Ignored {
            kind: plan_kind(live.plan.is_addon),
            source_id: live.subscription.id,
            scope: entry.scope,
            subject: entry.subject,
            limit: entry.limit,
            reason,
            changes_at: None,
            since: Some(live.subscription.started_at),
            until: live.subscription.ended_at,
        }
    }
}

/// Base plan or add-on.
pub(crate) const fn plan_kind(addon: bool) -> SourceKind {
    if addon {
        SourceKind::Addon
    } else {
        SourceKind::Plan
    }
}

/// What a plan says about a subject.
pub(crate) fn entry_of(facts: &Facts, plan_id: Uuid, subject: Subject) -> Option<&PlanFeature> {
    facts
        .plan_features
        .iter()
        .filter(|entry| entry.plan_id == plan_id && entry.subject == subject)
        .min_by_key(|entry| entry.id)
}

/// True as long as the override has not ended.
pub(crate) fn in_force(held: &Override, at: Time) -> bool {
    held.expires_at.is_none_or(|end| at < end)
}

fn says_anything(held: &Override) -> bool {
    held.enabled.is_some() || held.usage_limit.is_some() || held.unlimited || held.value.is_some()
}
