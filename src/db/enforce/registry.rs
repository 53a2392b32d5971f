//! `owo.enforced_table`: which tables obey which features.
//!
//! Tables are kept by name, so that a dump restores them. The triggers do the work; the registry
//! says which table an entity feature counts, and what `owo.health` should watch.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One table under one feature.
#[derive(Debug, Clone)]
pub struct Enforced {
    pub organization_id: Uuid,
    pub feature_id: Uuid,
    pub schema: String,
    pub table: String,
    pub customer_column: String,
    pub entity_column: Option<String>,
    pub value_expression: String,
    /// `row` or `statement`.
    pub mode: &'static str,
}

/// Names (schema, table) of the tables under a feature.
///
/// # Errors
/// As `spi::read`.
pub fn tables(snapshot: &Snapshot, feature_id: Uuid) -> Result<Vec<(String, String)>> {
    static TABLES: Statement = Statement::new(
        "SELECT table_schema, table_name FROM owo.enforced_table WHERE feature_id = $1
          ORDER BY table_schema, table_name",
    );
    spi::read(snapshot, &TABLES, arguments![feature_id], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Remembers that a table is under a feature, in place of what was known of the two.
///
/// # Errors
/// As `spi::run`.
pub fn store(enforced: &Enforced, at: DateTime<Utc>) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.enforced_table
             (organization_id, feature_id, table_schema, table_name, customer_column,
              entity_column, value_expression, mode, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (feature_id, table_schema, table_name) DO UPDATE
            SET customer_column = excluded.customer_column,
                entity_column = excluded.entity_column,
                value_expression = excluded.value_expression,
                mode = excluded.mode",
    );
    spi::run(
        &STORE,
        arguments![
            enforced.organization_id,
            enforced.feature_id,
            &enforced.schema,
            &enforced.table,
            &enforced.customer_column,
            enforced.entity_column.as_ref(),
            &enforced.value_expression,
            enforced.mode,
            at,
        ],
    )
    .map(|_| ())
}

/// Forgets all tables under a feature, save those of that name.
///
/// # Errors
/// As `spi::run`.
pub fn forget_others(feature_id: Uuid, schema: &str, table: &str) -> Result<()> {
    static FORGET: Statement = Statement::new(
        "DELETE FROM owo.enforced_table
          WHERE feature_id = $1 AND (table_schema, table_name) <> ($2, $3)",
    );
    spi::run(&FORGET, arguments![feature_id, schema, table]).map(|_| ())
}

/// Forgets tables of the organization that are gone.
///
/// # Errors
/// As `spi::run`.
pub fn forget_gone(organization_id: Uuid) -> Result<()> {
    static FORGET: Statement = Statement::new(
        "DELETE FROM owo.enforced_table AS e
          WHERE e.organization_id = $1
            AND NOT EXISTS (SELECT FROM pg_namespace AS n
                              JOIN pg_class AS c ON c.relnamespace = n.oid
                             WHERE n.nspname = e.table_schema AND c.relname = e.table_name)",
    );
    spi::run(&FORGET, arguments![organization_id]).map(|_| ())
}

/// Forgets a table under features of that slug, or under all.
///
/// # Errors
/// As `spi::run`.
pub fn forget(schema: &str, table: &str, feature: Option<&str>) -> Result<()> {
    static FORGET: Statement = Statement::new(
        "DELETE FROM owo.enforced_table AS e
          WHERE e.table_schema = $1 AND e.table_name = $2
            AND ($3 IS NULL
                 OR e.feature_id IN (SELECT f.id FROM owo.feature AS f WHERE f.slug = $3))",
    );
    spi::run(&FORGET, arguments![schema, table, feature]).map(|_| ())
}
