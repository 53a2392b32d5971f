//! The catalog: what an organization sells, as one document and as typed values.
//!
//! `parse` reads the document of `owo_sync`, `print` writes the one of `owo_catalog`, `compare`
//! says what a sync would change; `read_row` judges one row of a table by the same rules. Called by
//! `flow/catalog`.
//! Invariants: every default is applied on reading, so two catalogs that mean the same are equal;
//! `parse(print(catalog))` gives the catalog back; no input makes any of them panic.
//! Deliberately absent: ids and rows, which belong to `db/`.

mod compare;
mod known;
mod limits;
mod offer;
mod plan;
mod pricing;
mod print;
mod problem;
mod read;
mod row;
mod text;

#[cfg(test)]
mod tests;

pub use compare::{Changes, Difference, compare};
pub use known::{Known, KnownPlan};
pub use limits::{METADATA_BYTES, NAME_LENGTH, SLUG_LENGTH, json_length};
pub use offer::{CreditCost, CreditPack, CreditSystem, Feature, FeatureType, FreeAt, PlanGroup};
pub use plan::{BillingType, Cycle, Overage, Plan, PlanFeature, ResetAnchor, Scope};
pub use pricing::{Pricing, RatingModel, Tier, UsageModel};
pub use print::{print, print_cycle, print_plan_feature};
pub use problem::{Problem, summary};
pub use read::{parse, parse_pricing};
pub use row::{Row, Table, read_row};

/// Everything an organization sells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Provider of the plans and packs that name none.
    pub default_provider: Option<String>,
    /// What can be allowed, counted or given a value.
    pub features: Vec<Feature>,
    /// Shared pools of credits.
    pub credit_systems: Vec<CreditSystem>,
    /// Credits for sale.
    pub credit_packs: Vec<CreditPack>,
    /// Plans of which a customer has one at a time (or, when not exclusive, several).
    pub plan_groups: Vec<PlanGroup>,
    /// What customers subscribe to.
    pub plans: Vec<Plan>,
}
