//! What a document would change: created, updated and unchanged slugs, per kind.
//!
//! Rows that the document does not name are not touched, so they do not appear. The order of a
//! plan's or system's entries carries no meaning.

use super::{Catalog, CreditPack, CreditSystem, Feature, Plan, PlanGroup};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What becomes of the named rows of one kind, in the order of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub created: Vec<String>,
    pub updated: Vec<String>,
    pub unchanged: Vec<String>,
}

/// What becomes of all rows that a document names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    pub features: Changes,
    pub credit_systems: Changes,
    pub credit_packs: Changes,
    pub plan_groups: Changes,
    pub plans: Changes,
}

/// The step from what is stored to what a document wants.
pub fn compare(stored: &Catalog, wanted: &Catalog) -> Difference {
    Difference {
        features: changes(&stored.features, &wanted.features),
        credit_systems: changes(&stored.credit_systems, &wanted.credit_systems),
        credit_packs: changes(&stored.credit_packs, &wanted.credit_packs),
        plan_groups: plan_groups(stored, wanted),
        plans: changes(&stored.plans, &wanted.plans),
    }
}

/// Groups that the document declares or makes, and those that its plans only refer to.
fn plan_groups(stored: &Catalog, wanted: &Catalog) -> Changes {
    let mut changes = changes(&stored.plan_groups, &wanted.plan_groups);
    for slug in wanted
        .plans
        .iter()
        .filter_map(|plan| plan.plan_group.as_ref())
    {
        let named = wanted.plan_groups.iter().any(|group| group.slug == *slug);
        if !named && !changes.unchanged.contains(slug) {
            changes.unchanged.push(slug.clone());
        }
    }
    changes
}

impl Changes {
    /// True when no row would be written.
    pub fn is_empty(&self) -> bool {
        self.created.is_empty() && self.updated.is_empty()
    }

    /// Whether the row of this slug has to be written.
    pub fn concerns(&self, slug: &str) -> bool {
        self.created
            .iter()
            .chain(&self.updated)
            .any(|changed| changed == slug)
    }

    fn to_json(&self) -> Value {
        json!({
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
        })
    }
}

impl Difference {
    /// True when no row would be written.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
            && self.credit_systems.is_empty()
            && self.credit_packs.is_empty()
            && self.plan_groups.is_empty()
            && self.plans.is_empty()
    }

    /// The result of a sync.
    pub fn to_json(&self, warnings: &[String]) -> Value {
        json!({
            "success": true,
            "features": self.features.to_json(),
            "creditSystems": self.credit_systems.to_json(),
            "creditPacks": self.credit_packs.to_json(),
            "planGroups": self.plan_groups.to_json(),
            "plans": self.plans.to_json(),
            "warnings": warnings,
        })
    }
}

fn changes<T: Row>(stored: &[T], wanted: &[T]) -> Changes {
    let stored: BTreeMap<&str, &T> = stored.iter().map(|row| (row.slug(), row)).collect();
    let mut changes = Changes::default();
    for row in wanted {
        let slug = row.slug().to_owned();
        match stored.get(row.slug()) {
            None => changes.created.push(slug),
            Some(before) if before.settled(before) == row.settled(before) => {
                changes.unchanged.push(slug);
            }
            Some(_) => changes.updated.push(slug),
        }
    }
    changes
}

/// A named row of the catalog.
trait Row: Clone + PartialEq {
    fn slug(&self) -> &str;

    /// The row with its entries in one order, and what it leaves open taken from the stored row.
    fn settled(&self, stored: &Self) -> Self;
}

impl Row for Feature {
    fn slug(&self) -> &str {
        &self.slug
    }

    fn settled(&self, _stored: &Self) -> Self {
        self.clone()
    }
}

impl Row for CreditSystem {
    fn slug(&self) -> &str {
        &self.slug
    }

    fn settled(&self, _stored: &Self) -> Self {
        let mut row = self.clone();
        row.features
            .sort_by(|one, other| one.feature.cmp(&other.feature));
        row
    }
}

impl Row for CreditPack {
    fn slug(&self) -> &str {
        &self.slug
    }

    fn settled(&self, stored: &Self) -> Self {
        Self {
            active: settled_active(self.active, stored.active),
            ..self.clone()
        }
    }
}

impl Row for PlanGroup {
    fn slug(&self) -> &str {
        &self.slug
    }

    fn settled(&self, _stored: &Self) -> Self {
        let mut row = self.clone();
        row.features.sort();
        row
    }
}

impl Row for Plan {
    fn slug(&self) -> &str {
        &self.slug
    }

    fn settled(&self, stored: &Self) -> Self {
        let mut row = self.clone();
        row.active = settled_active(self.active, stored.active);
        row.cycles.sort_by(|one, other| one.key.cmp(&other.key));
        row.features.sort_by(|one, other| one.slug.cmp(&other.slug));
        row
    }
}

/// A row that does not say stays as it is; a stored one that does not say is active.
fn settled_active(said: Option<bool>, stored: Option<bool>) -> Option<bool> {
    Some(said.or(stored).unwrap_or(true))
}
