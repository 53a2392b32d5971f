//! What a reference in the document may name: its own declarations and what is known already.

use super::super::{FeatureType, Known};
use super::object::Object;
use std::collections::{BTreeMap, BTreeSet};

/// Declarations met so far, over those that are known already.
pub(super) struct Scope<'a> {
    known: &'a Known,
    pub(super) default_provider: Option<String>,
    /// None: declared with a type that could not be read.
    features: BTreeMap<String, Option<FeatureType>>,
    systems: BTreeSet<String>,
    credit_features: BTreeSet<String>,
    groups: BTreeMap<String, bool>,
    plans: BTreeSet<String>,
}

/// What the slug of a plan's entry stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// None: its declaration could not be read, so nothing is judged by it.
    Feature(Option<FeatureType>),
    System,
}

impl<'a> Scope<'a> {
    pub(super) fn new(known: &'a Known) -> Self {
        Self {
            known,
            default_provider: None,
            features: BTreeMap::new(),
            systems: BTreeSet::new(),
            credit_features: BTreeSet::new(),
            groups: BTreeMap::new(),
            plans: BTreeSet::new(),
        }
    }

    pub(super) fn known(&self) -> &'a Known {
        self.known
    }

    /// Declares a feature; a problem text when the slug is taken.
    pub(super) fn add_feature(
        &mut self,
        slug: &str,
        feature_type: Option<FeatureType>,
    ) -> Option<String> {
        if self.known.credit_systems.contains(slug) {
            return Some(format!("\"{slug}\" is a credit system already"));
        }
        let before = self.features.insert(slug.to_owned(), feature_type);
        before.map(|_| twice(slug))
    }

    /// Declares a credit system; a problem text when the slug is taken.
    pub(super) fn add_system(&mut self, slug: &str) -> Option<String> {
        if self.features.contains_key(slug) || self.known.features.contains_key(slug) {
            return Some(format!("\"{slug}\" is a feature already"));
        }
        let added = self.systems.insert(slug.to_owned());
        (!added).then(|| twice(slug))
    }

    /// Notes that some credit system prices this feature.
    pub(super) fn add_credit_feature(&mut self, slug: &str) {
        self.credit_features.insert(slug.to_owned());
    }

    /// Declares a plan group; a problem text when the slug is taken.
    pub(super) fn add_group(&mut self, slug: &str, exclusive: bool) -> Option<String> {
        let before = self.groups.insert(slug.to_owned(), exclusive);
        before.map(|_| twice(slug))
    }

    /// Declares a plan; a problem text when the slug is taken.
    pub(super) fn add_plan(&mut self, slug: &str) -> Option<String> {
        let added = self.plans.insert(slug.to_owned());
        (!added).then(|| twice(slug))
    }

    /// The type of a feature by slug; the inner None as in `Subject`.
    pub(super) fn feature(&self, slug: &str) -> Option<Option<FeatureType>> {
        let declared = self.features.get(slug).copied();
        declared.or_else(|| self.known.features.get(slug).copied().map(Some))
    }

    pub(super) fn has_system(&self, slug: &str) -> bool {
        self.systems.contains(slug) || self.known.credit_systems.contains(slug)
    }

    /// What a slug among a plan's features stands for.
    pub(super) fn subject(&self, slug: &str) -> Option<Subject> {
        match self.feature(slug) {
            Some(feature_type) => Some(Subject::Feature(feature_type)),
            None => self.has_system(slug).then_some(Subject::System),
        }
    }

    pub(super) fn has_credit_cost(&self, slug: &str) -> bool {
        self.credit_features.contains(slug) || self.known.credit_features.contains(slug)
    }

    pub(super) fn has_plan(&self, slug: &str) -> bool {
        self.plans.contains(slug) || self.known.plans.contains_key(slug)
    }

    /// Whether the document declares this plan.
    pub(super) fn declares_plan(&self, slug: &str) -> bool {
        self.plans.contains(slug)
    }

    /// Whether a group is exclusive; None when nobody has declared it yet.
    pub(super) fn exclusive(&self, slug: &str) -> Option<bool> {
        let declared = self.groups.get(slug).copied();
        declared.or_else(|| self.known.plan_groups.get(slug).copied())
    }
}

fn twice(slug: &str) -> String {
    format!("\"{slug}\" is named twice")
}

/// The provider under this key, else the document's default.
pub(super) fn provider(object: &Object<'_>, key: &str, scope: &Scope<'_>) -> Option<String> {
    let named = object.slug(key);
    if let Some(name) = &named
        && !scope.known().providers.is_empty()
        && !scope.known().providers.contains(name)
    {
        object.warn(key, &format!("no provider \"{name}\" exists here"));
    }
    named.or_else(|| scope.default_provider.clone())
}
