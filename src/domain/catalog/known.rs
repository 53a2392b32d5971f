//! What exists already, as far as a document may refer to it.

use super::Catalog;
use super::offer::FeatureType;
use std::collections::{BTreeMap, BTreeSet};

/// Slugs that exist before the document is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub features: BTreeMap<String, FeatureType>,
    pub credit_systems: BTreeSet<String>,
    /// Features that some credit system prices.
    pub credit_features: BTreeSet<String>,
    /// Groups and whether they are exclusive.
    pub plan_groups: BTreeMap<String, bool>,
    pub plans: BTreeMap<String, KnownPlan>,
    /// Providers that exist in this build; empty: any is taken as it stands.
    pub providers: BTreeSet<String>,
}

/// What cross-checks need of a plan that exists already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownPlan {
    pub plan_group: Option<String>,
    /// Switched on, active and no add-on: it competes for a new customer.
    pub auto_enable: bool,
    pub active: bool,
}

impl Known {
    /// The slugs of a stored catalog.
    pub fn of(catalog: &Catalog) -> Self {
        Self {
            features: catalog
                .features
                .iter()
                .map(|feature| (feature.slug.clone(), feature.feature_type))
                .collect(),
            credit_systems: catalog
                .credit_systems
                .iter()
                .map(|system| system.slug.clone())
                .collect(),
            credit_features: catalog
                .credit_systems
                .iter()
                .flat_map(|system| &system.features)
                .map(|cost| cost.feature.clone())
                .collect(),
            plan_groups: catalog
                .plan_groups
                .iter()
                .map(|group| (group.slug.clone(), group.exclusive))
                .collect(),
            plans: catalog
                .plans
                .iter()
                .map(|plan| {
                    let active = plan.active.unwrap_or(true);
                    let known = KnownPlan {
                        plan_group: plan.plan_group.clone(),
                        auto_enable: plan.auto_enable && !plan.is_addon && active,
                        active,
                    };
                    (plan.slug.clone(), known)
                })
                .collect(),
            providers: BTreeSet::new(),
        }
    }
}
