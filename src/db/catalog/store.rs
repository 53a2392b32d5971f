//! Stores what a sync changes: a statement per table, with all of its rows.
//!
//! The triggers of the tables judge what is written here like anybody's SQL; rules across rows
//! wait until all is written, see `defer_rules`.

use super::store_plan;
use crate::arguments;
use crate::backend::spi::{self, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::catalog::{Catalog, Changes, Difference, Row};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Lets rules across rows wait for `judge_rules`.
///
/// # Errors
/// As `spi::utility`.
pub fn defer_rules() -> Result<()> {
    spi::utility(
        "SET CONSTRAINTS owo.feature_slug_is_free, owo.credit_system_slug_is_free,
             owo.plan_group_fits, owo.plan_fits DEFERRED",
    )
}

/// Judges what `defer_rules` let wait, and each statement at once from here on.
///
/// # Errors
/// As `spi::utility`; a broken rule is raised by its trigger.
pub fn judge_rules() -> Result<()> {
    spi::utility(
        "SET CONSTRAINTS owo.feature_slug_is_free, owo.credit_system_slug_is_free,
             owo.plan_group_fits, owo.plan_fits IMMEDIATE",
    )
}

/// Writes the rows that differ, with all that hangs on them, and marks all named rows as code's.
///
/// # Errors
/// As `spi::run`.
pub fn store(organization_id: Uuid, wanted: &Catalog, difference: &Difference) -> Result<()> {
    let store = Store { organization_id };
    store.features(wanted, &difference.features)?;
    store.credit_systems(wanted, &difference.credit_systems)?;
    store.credit_packs(wanted, &difference.credit_packs)?;
    store.plan_groups(wanted, &difference.plan_groups)?;
    store_plan::plans(&store, wanted, &difference.plans)
}

/// Keeps creation times of plan features at or before a clock that was set back; an organization
/// whose clock goes back has no customer, so nobody was granted anything before.
///
/// # Errors
/// As `spi::run`.
pub fn lower_creation(organization_id: Uuid, at: DateTime<Utc>) -> Result<()> {
    static LOWER: Statement = Statement::new(
        "UPDATE owo.plan_feature SET created_at = $2
          WHERE organization_id = $1 AND created_at > $2",
    );
    spi::run(&LOWER, arguments![organization_id, at]).map(|_| ())
}

/// Writes into one organization.
pub(super) struct Store {
    organization_id: Uuid,
}

/// The columns of a row, with the slug of the row that it hangs on.
pub(super) fn parts(owner: &str, slug: &str, columns: Map<String, Value>) -> Value {
    let mut columns = columns;
    columns.insert(owner.to_owned(), Value::from(slug));
    Value::Object(columns)
}

impl Store {
    pub(super) fn run(&self, statement: &Statement, rows: Vec<Value>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        spi::run(
            statement,
            arguments![self.organization_id, Value::Array(rows)],
        )
        .map(|_| ())
    }

    /// Replaces what hangs on the changed rows: entries that are not among `rows` go.
    pub(super) fn replace(
        &self,
        statement: &Statement,
        changes: &Changes,
        rows: Vec<Value>,
    ) -> Result<()> {
        if changes.updated.is_empty() {
            return Ok(());
        }
        let owners = changes.updated.clone();
        let arguments = arguments![self.organization_id, owners, Value::Array(rows)];
        spi::run(statement, arguments).map(|_| ())
    }

    pub(super) fn mark(&self, statement: &Statement, changes: &Changes) -> Result<()> {
        if changes.unchanged.is_empty() {
            return Ok(());
        }
        let arguments = arguments![self.organization_id, changes.unchanged.clone()];
        spi::run(statement, arguments).map(|_| ())
    }

    fn features(&self, wanted: &Catalog, changes: &Changes) -> Result<()> {
        static WRITE: Statement = Statement::new(
            "INSERT INTO owo.feature AS t
                    (organization_id, slug, type, name, unit, default_value, free_at, source)
             SELECT $1, r.slug, r.type, r.name, r.unit, r.default_value, r.free_at, 'code'
               FROM jsonb_to_recordset($2) AS r (slug text, type text, name text, unit text,
                    default_value jsonb, free_at text)
             ON CONFLICT (organization_id, slug) DO UPDATE
                SET type = excluded.type, name = excluded.name, unit = excluded.unit,
                    default_value = excluded.default_value, free_at = excluded.free_at,
                    source = excluded.source",
        );
        static MARK: Statement = Statement::new(
            "UPDATE owo.feature SET source = 'code'
              WHERE organization_id = $1 AND slug = ANY ($2) AND source <> 'code'",
        );
        let rows = wanted
            .features
            .iter()
            .filter(|row| changes.concerns(&row.slug));
        let rows = rows.map(|row| Value::Object(Row::Feature(row.clone()).columns()));
        self.run(&WRITE, rows.collect())?;
        self.mark(&MARK, changes)
    }

    fn credit_systems(&self, wanted: &Catalog, changes: &Changes) -> Result<()> {
        static WRITE: Statement = Statement::new(
            "INSERT INTO owo.credit_system AS t (organization_id, slug, name, description, source)
             SELECT $1, r.slug, r.name, r.description, 'code'
               FROM jsonb_to_recordset($2) AS r (slug text, name text, description text)
             ON CONFLICT (organization_id, slug) DO UPDATE
                SET name = excluded.name, description = excluded.description,
                    source = excluded.source",
        );
        static MARK: Statement = Statement::new(
            "UPDATE owo.credit_system SET source = 'code'
              WHERE organization_id = $1 AND slug = ANY ($2) AND source <> 'code'",
        );
        static DROP: Statement = Statement::new(
            "DELETE FROM owo.credit_system_feature AS t
              USING owo.credit_system AS s, owo.feature AS f
              WHERE s.organization_id = $1 AND s.slug = ANY ($2)
                AND t.credit_system_id = s.id AND f.id = t.feature_id
                AND (s.slug, f.slug) NOT IN (
                    SELECT r.system, r.feature
                      FROM jsonb_to_recordset($3) AS r (system text, feature text))",
        );
        static COSTS: Statement = Statement::new(
            "INSERT INTO owo.credit_system_feature AS t (credit_system_id, feature_id, credit_cost)
             SELECT s.id, f.id, r.credit_cost
               FROM jsonb_to_recordset($2) AS r (system text, feature text, credit_cost numeric)
               JOIN owo.credit_system AS s ON s.organization_id = $1 AND s.slug = r.system
               JOIN owo.feature AS f ON f.organization_id = $1 AND f.slug = r.feature
             ON CONFLICT (credit_system_id, feature_id) DO UPDATE
                SET credit_cost = excluded.credit_cost
              WHERE t.credit_cost <> excluded.credit_cost",
        );
        let changed = wanted
            .credit_systems
            .iter()
            .filter(|row| changes.concerns(&row.slug));
        let (mut rows, mut costs) = (Vec::new(), Vec::new());
        for system in changed {
            rows.push(Value::Object(Row::CreditSystem(system.clone()).columns()));
            costs.extend(system.features.iter().map(|cost| {
                serde_json::json!({
                    "system": system.slug,
                    "feature": cost.feature,
                    "credit_cost": cost.credit_cost,
                })
            }));
        }
        self.run(&WRITE, rows)?;
        self.mark(&MARK, changes)?;
        self.replace(&DROP, changes, costs.clone())?;
        self.run(&COSTS, costs)
    }

    fn credit_packs(&self, wanted: &Catalog, changes: &Changes) -> Result<()> {
        static WRITE: Statement = Statement::new(
            "INSERT INTO owo.credit_pack AS t
                    (organization_id, slug, name, description, credits, price_amount, currency,
                     credit_system_id, provider, expires_after, metadata, active, source)
             SELECT $1, r.slug, r.name, r.description, r.credits, r.price_amount, r.currency,
                    s.id, r.provider, r.expires_after, r.metadata,
                    coalesce(r.active, p.active, true), 'code'
               FROM jsonb_to_recordset($2) AS r (slug text, name text, description text,
                    credits numeric, price_amount bigint, currency text, credit_system text,
                    provider text, expires_after text, metadata jsonb, active boolean)
               JOIN owo.credit_system AS s ON s.organization_id = $1 AND s.slug = r.credit_system
               LEFT JOIN owo.credit_pack AS p ON p.organization_id = $1 AND p.slug = r.slug
             ON CONFLICT (organization_id, slug) DO UPDATE
                SET name = excluded.name, description = excluded.description,
                    credits = excluded.credits, price_amount = excluded.price_amount,
                    currency = excluded.currency, credit_system_id = excluded.credit_system_id,
                    provider = excluded.provider, expires_after = excluded.expires_after,
                    metadata = excluded.metadata, active = excluded.active,
                    source = excluded.source",
        );
        static MARK: Statement = Statement::new(
            "UPDATE owo.credit_pack SET source = 'code'
              WHERE organization_id = $1 AND slug = ANY ($2) AND source <> 'code'",
        );
        let rows = wanted
            .credit_packs
            .iter()
            .filter(|row| changes.concerns(&row.slug));
        let rows = rows.map(|row| Value::Object(Row::CreditPack(row.clone()).columns()));
        self.run(&WRITE, rows.collect())?;
        self.mark(&MARK, changes)
    }

    fn plan_groups(&self, wanted: &Catalog, changes: &Changes) -> Result<()> {
        static WRITE: Statement = Statement::new(
            "INSERT INTO owo.plan_group AS t (organization_id, slug, name, exclusive, source)
             SELECT $1, r.slug, r.name, r.exclusive, 'code'
               FROM jsonb_to_recordset($2) AS r (slug text, name text, exclusive boolean)
             ON CONFLICT (organization_id, slug) DO UPDATE
                SET name = excluded.name, exclusive = excluded.exclusive,
                    source = excluded.source",
        );
        static MARK: Statement = Statement::new(
            "UPDATE owo.plan_group SET source = 'code'
              WHERE organization_id = $1 AND slug = ANY ($2) AND source <> 'code'",
        );
        static DROP: Statement = Statement::new(
            "DELETE FROM owo.plan_group_feature AS t
              USING owo.plan_group AS g, owo.feature AS f
              WHERE g.organization_id = $1 AND g.slug = ANY ($2)
                AND t.plan_group_id = g.id AND f.id = t.feature_id
                AND (g.slug, f.slug) NOT IN (
                    SELECT r.plan_group, r.feature
                      FROM jsonb_to_recordset($3) AS r (plan_group text, feature text))",
        );
        static FEATURES: Statement = Statement::new(
            "INSERT INTO owo.plan_group_feature (plan_group_id, feature_id)
             SELECT g.id, f.id
               FROM jsonb_to_recordset($2) AS r (plan_group text, feature text)
               JOIN owo.plan_group AS g ON g.organization_id = $1 AND g.slug = r.plan_group
               JOIN owo.feature AS f ON f.organization_id = $1 AND f.slug = r.feature
             ON CONFLICT (plan_group_id, feature_id) DO NOTHING",
        );
        let changed = wanted
            .plan_groups
            .iter()
            .filter(|row| changes.concerns(&row.slug));
        let (mut rows, mut features) = (Vec::new(), Vec::new());
        for group in changed {
            rows.push(Value::Object(Row::PlanGroup(group.clone()).columns()));
            features.extend(
                group.features.iter().map(
                    |feature| serde_json::json!({"plan_group": group.slug, "feature": feature}),
                ),
            );
        }
        self.run(&WRITE, rows)?;
        // A group that plans only refer to is not defined by the document.
        let is_declared =
            |slug: &String| wanted.plan_groups.iter().any(|group| group.slug == *slug);
        let declared = changes.unchanged.iter().filter(|slug| is_declared(slug));
        self.mark(
            &MARK,
            &Changes {
                unchanged: declared.cloned().collect(),
                ..Changes::default()
            },
        )?;
        self.replace(&DROP, changes, features.clone())?;
        self.run(&FEATURES, features)
    }
}
