//! An organization's catalog as it stands.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::{Error, Result};
use owostack_domain::catalog::{Catalog, CreditCost, Plan, Row, Table, read_row};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Everything the organization sells, in the order of creation.
///
/// # Errors
/// As `spi::read`; `22023` for a row that breaks a rule of the catalog.
pub fn load(snapshot: &Snapshot, organization_id: Uuid) -> Result<Catalog> {
    let load = Load {
        snapshot,
        organization_id,
    };
    let mut catalog = Catalog::default();
    for (_, row) in load.rows(&FEATURES, Table::Feature)? {
        if let Row::Feature(feature) = row {
            catalog.features.push(feature);
        }
    }
    let mut costs = load.costs()?;
    for (slug, row) in load.rows(&CREDIT_SYSTEMS, Table::CreditSystem)? {
        if let Row::CreditSystem(mut system) = row {
            system.features = costs.remove(&slug).unwrap_or_default();
            catalog.credit_systems.push(system);
        }
    }
    for (_, row) in load.rows(&CREDIT_PACKS, Table::CreditPack)? {
        if let Row::CreditPack(mut pack) = row {
            pack.active = unless_active(pack.active);
            catalog.credit_packs.push(pack);
        }
    }
    let mut group_features = load.group_features()?;
    for (slug, row) in load.rows(&PLAN_GROUPS, Table::PlanGroup)? {
        if let Row::PlanGroup(mut group) = row {
            group.features = group_features.remove(&slug).unwrap_or_default();
            catalog.plan_groups.push(group);
        }
    }
    catalog.plans = load.plans()?;
    Ok(catalog)
}

/// An active row says nothing of it: that is the default.
fn unless_active(active: Option<bool>) -> Option<bool> {
    active.filter(|active| !active)
}

struct Load<'a> {
    snapshot: &'a Snapshot,
    organization_id: Uuid,
}

static FEATURES: Statement = Statement::new(
    "SELECT slug, to_jsonb(f) FROM owo.feature AS f
      WHERE organization_id = $1 ORDER BY created_at, slug",
);
static CREDIT_SYSTEMS: Statement = Statement::new(
    "SELECT slug, to_jsonb(s) FROM owo.credit_system AS s
      WHERE organization_id = $1 ORDER BY created_at, slug",
);
static CREDIT_PACKS: Statement = Statement::new(
    "SELECT p.slug, to_jsonb(p) || jsonb_build_object('credit_system', s.slug)
       FROM owo.credit_pack AS p
       JOIN owo.credit_system AS s ON s.id = p.credit_system_id
      WHERE p.organization_id = $1 ORDER BY p.created_at, p.slug",
);
static PLAN_GROUPS: Statement = Statement::new(
    "SELECT slug, to_jsonb(g) FROM owo.plan_group AS g
      WHERE organization_id = $1 ORDER BY created_at, slug",
);
static PLANS: Statement = Statement::new(
    "SELECT slug, to_jsonb(p) FROM owo.plan AS p
      WHERE organization_id = $1 ORDER BY created_at, slug",
);
static PLAN_CYCLES: Statement = Statement::new(
    "SELECT p.slug, to_jsonb(c)
       FROM owo.plan_cycle AS c
       JOIN owo.plan AS p ON p.id = c.plan_id
      WHERE c.organization_id = $1 ORDER BY p.slug, c.key",
);
static PLAN_FEATURES: Statement = Statement::new(
    "SELECT p.slug, to_jsonb(pf) || jsonb_build_object(
                'slug', coalesce(f.slug, s.slug), 'feature_type', f.type)
       FROM owo.plan_feature AS pf
       JOIN owo.plan AS p ON p.id = pf.plan_id
       LEFT JOIN owo.feature AS f ON f.id = pf.feature_id
       LEFT JOIN owo.credit_system AS s ON s.id = pf.credit_system_id
      WHERE pf.organization_id = $1 ORDER BY p.slug, pf.created_at, coalesce(f.slug, s.slug)",
);

impl Load<'_> {
    /// Rows of a table, each with the slug it is found by.
    fn rows(&self, statement: &Statement, table: Table) -> Result<Vec<(String, Row)>> {
        let arguments = arguments![self.organization_id];
        spi::read(self.snapshot, statement, arguments, |row| {
            let slug: String = row.get(0)?;
            let Value::Object(columns) = row.get::<Value>(1)? else {
                return Err(Error::internal("a row is not an object"));
            };
            let read = read_row(table, &columns).map_err(|problems| {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                let table = table.as_str();
                Error::invalid(format!("owo.{table} has a row that breaks its rules"))
                    .detail(format!("\"{slug}\": {}", lines.join("; ")))
            })?;
            Ok((slug, read))
        })
    }

    fn plans(&self) -> Result<Vec<Plan>> {
        let mut cycles: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for (slug, row) in self.rows(&PLAN_CYCLES, Table::PlanCycle)? {
            cycles.entry(slug).or_default().push(row);
        }
        let mut features: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for (slug, row) in self.rows(&PLAN_FEATURES, Table::PlanFeature)? {
            features.entry(slug).or_default().push(row);
        }
        let mut plans = Vec::new();
        for (slug, row) in self.rows(&PLANS, Table::Plan)? {
            let Row::Plan(mut plan) = row else { continue };
            plan.active = unless_active(plan.active);
            for row in cycles.remove(&slug).unwrap_or_default() {
                if let Row::PlanCycle(cycle) = row {
                    plan.cycles.push(cycle);
                }
            }
            for row in features.remove(&slug).unwrap_or_default() {
                if let Row::PlanFeature(entry) = row {
                    plan.features.push(entry);
                }
            }
            plans.push(plan);
        }
        Ok(plans)
    }

    fn costs(&self) -> Result<BTreeMap<String, Vec<CreditCost>>> {
        static COSTS: Statement = Statement::new(
            "SELECT s.slug, f.slug, c.credit_cost
               FROM owo.credit_system_feature AS c
               JOIN owo.credit_system AS s ON s.id = c.credit_system_id
               JOIN owo.feature AS f ON f.id = c.feature_id
              WHERE c.organization_id = $1 ORDER BY s.slug, f.created_at, f.slug",
        );
        let mut costs: BTreeMap<String, Vec<CreditCost>> = BTreeMap::new();
        let rows = spi::read(
            self.snapshot,
            &COSTS,
            arguments![self.organization_id],
            |row| {
                let cost = CreditCost {
                    feature: row.get(1)?,
                    credit_cost: row.get(2)?,
                };
                Ok((row.get::<String>(0)?, cost))
            },
        )?;
        for (system, cost) in rows {
            costs.entry(system).or_default().push(cost);
        }
        Ok(costs)
    }

    fn group_features(&self) -> Result<BTreeMap<String, Vec<String>>> {
        static GROUP_FEATURES: Statement = Statement::new(
            "SELECT g.slug, f.slug
               FROM owo.plan_group_feature AS x
               JOIN owo.plan_group AS g ON g.id = x.plan_group_id
               JOIN owo.feature AS f ON f.id = x.feature_id
              WHERE x.organization_id = $1 ORDER BY g.slug, f.created_at, f.slug",
        );
        let mut features: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let rows = spi::read(
            self.snapshot,
            &GROUP_FEATURES,
            arguments![self.organization_id],
            |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
        )?;
        for (group, feature) in rows {
            features.entry(group).or_default().push(feature);
        }
        Ok(features)
    }
}
