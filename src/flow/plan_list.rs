//! Plans as pricing pages show them (`api.md` 4).

use crate::error::{Error, Result};
use owostack_domain::catalog::{self, Catalog, FeatureType, Plan};
use owostack_domain::interval::Interval;
use owostack_domain::money::Currency;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which plans are listed; None: any.
#[derive(Debug, Default)]
pub struct Filter {
    pub plan_group: Option<String>,
    /// Of the plan itself or of one of its cycles.
    pub billing_interval: Option<Interval>,
    /// Of the plan itself or of one of its cycles.
    pub currency: Option<Currency>,
    pub include_inactive: bool,
}

impl Filter {
    /// A filter from the words of a call.
    ///
    /// # Errors
    /// `22023` for a word that is no interval or currency.
    pub fn parse(
        plan_group: Option<&str>,
        billing_interval: Option<&str>,
        currency: Option<&str>,
        include_inactive: bool,
    ) -> Result<Self> {
        Ok(Self {
            plan_group: plan_group.map(str::to_owned),
            billing_interval: billing_interval
                .map(|text| Interval::parse(text).map_err(|e| Error::invalid(e.to_string())))
                .transpose()?,
            currency: currency
                .map(|text| Currency::parse(text).map_err(|e| Error::invalid(e.to_string())))
                .transpose()?,
            include_inactive,
        })
    }

    fn takes(&self, plan: &Plan) -> bool {
        let grouped = |group| plan.plan_group.as_deref() == Some(group);
        let billed = |interval| {
            plan.interval == interval || plan.cycles.iter().any(|cycle| cycle.interval == interval)
        };
        let priced = |currency| {
            plan.currency == Some(currency)
                || plan
                    .cycles
                    .iter()
                    .any(|cycle| cycle.currency == Some(currency))
        };
        (self.include_inactive || is_active(plan))
            && self.plan_group.as_deref().is_none_or(grouped)
            && self.billing_interval.is_none_or(billed)
            && self.currency.is_none_or(priced)
    }
}

/// Whether new customers may have the plan.
pub fn is_active(plan: &Plan) -> bool {
    plan.active.unwrap_or(true)
}

/// The plans that a filter takes: base plans before add-ons, by rank, else by price.
pub fn list(catalog: &Catalog, filter: &Filter) -> Vec<Plan> {
    let mut plans: Vec<Plan> = catalog
        .plans
        .iter()
        .filter(|plan| filter.takes(plan))
        .cloned()
        .collect();
    plans.sort_by_key(|plan| {
        // Ranked plans first: false sorts before true.
        (
            plan.is_addon,
            plan.rank.is_none(),
            plan.rank,
            plan.price,
            plan.slug.clone(),
        )
    });
    plans
}

/// The plan's billing cycles as in the document.
pub fn cycles(plan: &Plan) -> Value {
    plan.cycles.iter().map(catalog::print_cycle).collect()
}

/// What the plan grants, as in the document, with the name, type and unit of each feature.
pub fn features(catalog: &Catalog, plan: &Plan) -> Value {
    let named: BTreeMap<&str, (Value, bool)> = subjects(catalog);
    let entries = plan.features.iter().map(|entry| {
        let mut shown = catalog::print_plan_feature(entry);
        if let (Value::Object(shown), Some((facts, counted))) =
            (&mut shown, named.get(entry.slug.as_str()))
        {
            if let Value::Object(facts) = facts {
                shown.extend(facts.clone());
            }
            if *counted {
                // On a pricing page unlimited is worth saying.
                shown.entry("limit").or_insert(Value::Null);
                shown.insert("reset".to_owned(), entry.reset.as_str().into());
            }
        }
        shown
    });
    entries.collect()
}

/// Name, type and unit of whatever a plan may name, and whether it is counted.
fn subjects(catalog: &Catalog) -> BTreeMap<&str, (Value, bool)> {
    let features = catalog.features.iter().map(|feature| {
        let counted = matches!(
            feature.feature_type,
            FeatureType::Metered | FeatureType::Entity
        );
        let mut facts = json!({"name": feature.name, "type": feature.feature_type.as_str()});
        if let (Some(unit), Value::Object(facts)) = (&feature.unit, &mut facts) {
            facts.insert("unit".to_owned(), unit.as_str().into());
        }
        (feature.slug.as_str(), (facts, counted))
    });
    let systems = catalog.credit_systems.iter().map(|system| {
        let facts = json!({"name": system.name, "type": "credit_system"});
        (system.slug.as_str(), (facts, true))
    });
    features.chain(systems).collect()
}
