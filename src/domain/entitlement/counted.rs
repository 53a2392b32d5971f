//! Resolution of metered and entity features: which sources apply.
//!
//! Called by `resolve`. Invariant: allowances of several subscriptions add up; a customer override
//! stands for the sum of the parts without an override of their own; grants and the default need no
//! subscription. Deliberately absent: the order of drawing.

use super::candidate::Candidate;
use super::facts::{FeatureType, GrantClosing, Override};
use super::part::{Case, Part};
use super::source::{Ignored, Reason, Source};

/// What a feature can be drawn from, not yet in order.
#[derive(Default)]
pub(crate) struct Found<'a> {
    pub candidates: Vec<Candidate<'a>>,
    pub ignored: Vec<Ignored>,
    /// Some live plan, or the customer's override, switches the feature off.
    off: bool,
    /// Some subscription override decides its part.
    decided: bool,
    /// Parts that the customer's override stands for.
    replaced: Vec<(usize, Part<'a>)>,
    /// An override switches on what nothing else describes.
    bare: Option<&'a Override>,
}

impl<'a> Case<'a> {
    /// Everything the feature can be drawn from.
    pub fn found(&self) -> Found<'a> {
        let mut found = Found {
            ignored: self.ignored(),
            ..Found::default()
        };
        let of_customer = self.override_of(None).filter(|held| is_about_counts(held));
        let parts = self.parts();
        for (place, part) in parts.iter().enumerate() {
            let own = part.own.filter(|held| is_about_counts(held));
            self.judge(&mut found, place, part, own, of_customer);
        }
        let named = parts.iter().any(Part::is_named);
        self.apply_customer_override(&mut found, of_customer, named);
        self.apply_default(&mut found, of_customer, named);
        if self.feature.feature_type == FeatureType::Metered {
            self.apply_grants(&mut found, of_customer);
        }
        found
    }

    /// One subscription's part, under its own override or the customer's.
    fn judge(
        &self,
        found: &mut Found<'a>,
        place: usize,
        part: &Part<'a>,
        own: Option<&'a Override>,
        of_customer: Option<&'a Override>,
    ) {
        let Some(held) = own.or(of_customer) else {
            self.judge_plan(found, place, part, false);
            return;
        };
        found.decided |= own.is_some();
        if held.enabled == Some(false) {
            self.leave_out(found, part, Reason::OverriddenOff);
        } else if sets_limit(held) {
            self.leave_out(found, part, Reason::Overridden);
            if own.is_some() {
                let mut candidate = self.override_source(held, &[(place, *part)], None);
                candidate.live = Some(part.live);
                found.candidates.push(candidate);
            } else {
                found.replaced.push((place, *part));
            }
        } else {
            if !part.is_named() {
                found.bare = found.bare.or(own);
            }
            self.judge_plan(found, place, part, true);
        }
    }

    /// What the plan itself says; `forced` by an override that switches the feature on.
    fn judge_plan(&self, found: &mut Found<'a>, place: usize, part: &Part<'a>, forced: bool) {
        if part.entry.is_some_and(|entry| !entry.enabled) && !forced {
            found.off = true;
            self.leave_out(found, part, Reason::Off);
            return;
        }
        for entry in [part.entry, part.credits].into_iter().flatten() {
            found
                .candidates
                .extend(self.plan_sources(part, place, entry));
        }
    }

    fn leave_out(&self, found: &mut Found<'a>, part: &Part<'a>, reason: Reason) {
        for entry in [part.entry, part.credits].into_iter().flatten() {
            let ignored = self.ignored_entry(part.live, entry, reason);
            found.ignored.push(ignored);
        }
    }

    fn apply_customer_override(
        &self,
        found: &mut Found<'a>,
        of_customer: Option<&'a Override>,
        named: bool,
    ) {
        let Some(held) = of_customer else {
            return;
        };
        let stands_for_any = found.replaced.iter().any(|(_, part)| part.is_named());
        if held.enabled == Some(false) {
            found.off = true;
        } else if !sets_limit(held) {
            found.bare = found.bare.or(Some(held).filter(|_| !named));
        } else if found.decided && !stands_for_any {
            let ignored = self.ignored_override(held, Reason::Outranked);
            found.ignored.push(ignored);
        } else {
            let default = self.default_limit().filter(|_| !named);
            let live = found.replaced.first().map(|(_, part)| part.live);
            let mut candidate = self.override_source(held, &found.replaced, default);
            candidate.live = candidate.live.or(live);
            found.candidates.push(candidate);
        }
    }

    /// The default, where no plan and no override says anything.
    fn apply_default(&self, found: &mut Found<'a>, of_customer: Option<&'a Override>, named: bool) {
        let default = self.default_limit();
        let overridden =
            of_customer.is_some_and(|held| held.enabled == Some(false) || sets_limit(held));
        let reason = if named {
            Some(Reason::Outranked)
        } else if overridden || (found.decided && found.bare.is_none()) {
            Some(Reason::Overridden)
        } else {
            None
        };
        match (default, reason, found.bare) {
            (Some(limit), Some(reason), _) => {
                let source = self.default_source(limit);
                found.ignored.push(ignored_source(&source, reason));
            }
            (Some(limit), None, _) => {
                let source = self.default_source(limit);
                found.candidates.push(without_plan(source));
            }
            // Switched on by hand, described by nothing: no limit, as an entry without one.
            (None, None, Some(held)) => {
                let candidate = self.override_source(held, &[], None);
                found.candidates.push(candidate);
            }
            (None, _, _) => {}
        }
    }

    /// Credits that were bought or given, unless the feature is switched off.
    fn apply_grants(&self, found: &mut Found<'a>, of_customer: Option<&'a Override>) {
        let by_hand = of_customer.is_some_and(|held| held.enabled == Some(false));
        let off = by_hand || (found.off && found.candidates.is_empty());
        for grant in &self.facts.grants {
            let Some(system) = self.facts.credit_systems.get(&grant.credit_system_id) else {
                continue;
            };
            if !system.costs.contains_key(&self.feature.id) {
                continue;
            }
            let source = self.grant_source(grant);
            let drawn_from = self
                .credit
                .as_ref()
                .is_some_and(|credit| credit.system_id == system.id);
            let reason = if grant.closed == Some(GrantClosing::Voided) {
                Some(Reason::Voided)
            } else if !grant.gives(self.at()) {
                Some(Reason::Expired)
            } else if off && by_hand {
                Some(Reason::OverriddenOff)
            } else if off {
                Some(Reason::Off)
            } else if !drawn_from {
                Some(Reason::OtherSystem)
            } else {
                None
            };
            match reason {
                Some(reason) => found.ignored.push(ignored_source(&source, reason)),
                None => found.candidates.push(without_plan(source)),
            }
        }
    }
}

/// True when an override says anything about a counted feature.
fn is_about_counts(held: &Override) -> bool {
    held.enabled.is_some() || sets_limit(held)
}

fn sets_limit(held: &Override) -> bool {
    held.unlimited || held.usage_limit.is_some()
}

fn without_plan<'a>(source: Source) -> Candidate<'a> {
    Candidate {
        source,
        live: None,
        entry: None,
        place: usize::MAX,
    }
}

fn ignored_source(source: &Source, reason: Reason) -> Ignored {
    Ignored {
        kind: source.kind,
        source_id: source.source_id,
        scope: source.scope,
        subject: source.subject,
        limit: source.limit,
        reason,
        changes_at: None,
        since: Some(source.created_at),
        until: source.expires_at,
    }
}
