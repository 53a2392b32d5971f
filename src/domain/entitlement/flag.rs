//! Resolution of boolean and static features.
//!
//! Called by `resolve`. Invariant: a boolean is on if any part says so, a static takes the value of
//! the highest-ranked part that has one; an override decides its part. Deliberately absent:
//! meters, for nothing is counted.

use serde_json::Value;

use super::candidate::Candidate;
use super::counted::Found;
use super::facts::{FeatureType, Override, PlanFeature};
use super::part::{Case, Part};
use super::source::Reason;

/// The answer of a feature that is not counted.
pub(crate) struct Flag<'a> {
    pub found: Found<'a>,
    pub value: Option<Value>,
}

/// What one part says.
enum Say {
    Off(Reason),
    On(Option<Value>),
}

impl<'a> Case<'a> {
    /// On or off, or the value, with everything that says so.
    pub fn flag(&self) -> Flag<'a> {
        let mut flag = Flag {
            found: Found::default(),
            value: None,
        };
        flag.found.ignored = self.ignored();
        let of_customer = self.override_of(None).filter(|held| self.decides(held));
        let parts = self.parts_by_rank();
        // A subscription's override outranks everything that has none.
        for (place, part) in parts.iter().enumerate() {
            if let Some(held) = part.own.filter(|held| self.decides(held)) {
                self.judge_flag(&mut flag, place, part, Some(held));
            }
        }
        let decided = !flag.found.candidates.is_empty()
            || parts
                .iter()
                .any(|part| part.own.is_some_and(|held| self.decides(held)));
        let open: Vec<_> = parts
            .iter()
            .enumerate()
            .filter(|(_, part)| !part.own.is_some_and(|held| self.decides(held)))
            .collect();
        let named = parts.iter().any(|part| part.entry.is_some());
        let open_named = open.iter().any(|(_, part)| part.entry.is_some());
        match of_customer {
            Some(held) if !decided || open_named => {
                self.apply_to_open(&mut flag, &open, held);
            }
            Some(held) => {
                let ignored = self.ignored_override(held, Reason::Outranked);
                flag.found.ignored.push(ignored);
            }
            None => {
                for (place, part) in &open {
                    self.judge_flag(&mut flag, *place, part, None);
                }
            }
        }
        if !named && !decided && of_customer.is_none() {
            self.default_flag(&mut flag);
        }
        flag
    }

    fn parts_by_rank(&self) -> Vec<Part<'a>> {
        let mut parts = self.parts();
        let rank = |part: &Part<'_>| {
            let id = part.live.subscription.id;
            let lives = &self.standing.live;
            lives.iter().position(|live| live.subscription.id == id)
        };
        parts.sort_by_key(rank);
        parts
    }

    /// True when an override says anything about this kind of feature.
    fn decides(&self, held: &Override) -> bool {
        let valued = match self.feature.feature_type {
            FeatureType::Boolean => held.value.as_ref().is_some_and(Value::is_boolean),
            _ => held.value.is_some(),
        };
        held.enabled.is_some() || valued
    }

    /// One part, under an override or by its plan.
    fn judge_flag(
        &self,
        flag: &mut Flag<'a>,
        place: usize,
        part: &Part<'a>,
        held: Option<&Override>,
    ) {
        let say = match (held, part.entry) {
            (Some(held), entry) => self.override_says(held, entry),
            (None, Some(entry)) => self.plan_says(entry),
            (None, None) => return,
        };
        match (say, part.entry) {
            (Say::On(value), entry) => {
                let mut candidate = match (held, entry) {
                    (None, Some(entry)) => {
                        let Some(candidate) = self.plan_sources(part, place, entry).pop() else {
                            return;
                        };
                        candidate
                    }
                    (Some(held), _) => self.override_source(held, &[(place, *part)], None),
                    (None, None) => return,
                };
                candidate.live = Some(part.live);
                flag.take(candidate, value);
            }
            (Say::Off(reason), Some(entry)) => {
                let ignored = self.ignored_entry(part.live, entry, reason);
                flag.found.ignored.push(ignored);
            }
            (Say::Off(_), None) => {}
        }
    }

    /// The customer's override in place of all parts without one of their own.
    fn apply_to_open(&self, flag: &mut Flag<'a>, open: &[(usize, &Part<'a>)], held: &'a Override) {
        let best = open
            .iter()
            .find_map(|(_, part)| part.entry.filter(|entry| entry.enabled));
        let any = best.or_else(|| open.iter().find_map(|(_, part)| part.entry));
        let (reason, value) = match self.override_says(held, any) {
            Say::Off(reason) => (reason, None),
            Say::On(value) => (Reason::Overridden, Some(value)),
        };
        for (_, part) in open {
            if let Some(entry) = part.entry {
                let ignored = self.ignored_entry(part.live, entry, reason);
                flag.found.ignored.push(ignored);
            }
        }
        if let Some(value) = value {
            let replaced: Vec<_> = open.iter().map(|(place, part)| (*place, **part)).collect();
            let mut candidate = self.override_source(held, &replaced, None);
            candidate.live = replaced.first().map(|(_, part)| part.live);
            flag.take(candidate, value);
        }
    }

    fn override_says(&self, held: &Override, entry: Option<&PlanFeature>) -> Say {
        let off = held.enabled == Some(false)
            || (self.is_boolean()
                && held.enabled.is_none()
                && held.value == Some(Value::Bool(false)));
        if off {
            return Say::Off(Reason::OverriddenOff);
        }
        let value = held.value.clone();
        Say::On(value.or_else(|| entry.and_then(|entry| entry.value.clone())))
    }

    fn plan_says(&self, entry: &PlanFeature) -> Say {
        let no = self.is_boolean() && entry.value == Some(Value::Bool(false));
        if !entry.enabled || no {
            return Say::Off(Reason::Off);
        }
        Say::On(entry.value.clone())
    }

    /// True when the feature's default gives anything.
    pub fn has_default(&self) -> bool {
        match (self.feature.feature_type, &self.feature.default_value) {
            (FeatureType::Boolean, value) => *value == Some(Value::Bool(true)),
            (FeatureType::Static, value) => value.as_ref().is_some_and(|value| !value.is_null()),
            (FeatureType::Metered | FeatureType::Entity, _) => self.default_limit().is_some(),
        }
    }

    fn default_flag(&self, flag: &mut Flag<'a>) {
        if let Some(value) = self
            .feature
            .default_value
            .as_ref()
            .filter(|_| self.has_default())
        {
            let source = super::source::Source {
                limit: None,
                ..self.default_source(crate::quantity::Quantity::ZERO)
            };
            let candidate = Candidate {
                source,
                live: None,
                entry: None,
                place: usize::MAX,
            };
            flag.take(candidate, Some(value.clone()));
        }
    }

    fn is_boolean(&self) -> bool {
        self.feature.feature_type == FeatureType::Boolean
    }
}

impl<'a> Flag<'a> {
    /// Adds a part that says yes; the first one gives the value.
    fn take(&mut self, candidate: Candidate<'a>, value: Option<Value>) {
        if self.found.candidates.is_empty() {
            self.value = value;
        }
        self.found.candidates.push(candidate);
    }
}
