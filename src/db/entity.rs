//! `owo.entity`: one row takes one slot, until the row is gone.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::backend::wake;
use crate::error::Result;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// One entity of a customer.
#[derive(Debug, Clone)]
pub struct Entity {
    pub customer_id: Uuid,
    pub feature_id: Uuid,
    pub key: String,
    /// Set while it awaits removal.
    pub remove_at: Option<DateTime<Utc>>,
    pub name: Option<String>,
    pub email: Option<String>,
    pub metadata: Value,
    pub created_at: DateTime<Utc>,
}

fn entity(row: &Row) -> Result<Entity> {
    Ok(Entity {
        customer_id: row.get(0)?,
        feature_id: row.get(1)?,
        key: row.get(2)?,
        remove_at: row.get(3)?,
        name: row.get(4)?,
        email: row.get(5)?,
        metadata: row.get(6)?,
        created_at: row.get(7)?,
    })
}

/// Entities of the customer, of one feature or all, by the feature's slug and key.
///
/// # Errors
/// As `spi::read`.
pub fn list(
    snapshot: &Snapshot,
    customer_id: Uuid,
    feature_id: Option<Uuid>,
) -> Result<Vec<Entity>> {
    static LIST: Statement = Statement::new(
        "SELECT e.customer_id, e.feature_id, e.key, e.remove_at, e.name, e.email, e.metadata,
                e.created_at
           FROM owo.entity AS e
          WHERE e.customer_id = $1 AND ($2 IS NULL OR e.feature_id = $2)
          ORDER BY (SELECT f.slug FROM owo.feature AS f WHERE f.id = e.feature_id), e.key",
    );
    spi::read(snapshot, &LIST, arguments![customer_id, feature_id], entity)
}

/// One entity of one feature.
///
/// # Errors
/// As `spi::read`.
pub fn find(
    snapshot: &Snapshot,
    customer_id: Uuid,
    feature_id: Uuid,
    key: &str,
) -> Result<Option<Entity>> {
    static FIND: Statement = Statement::new(
        "SELECT customer_id, feature_id, key, remove_at, name, email, metadata, created_at
           FROM owo.entity WHERE customer_id = $1 AND feature_id = $2 AND key = $3",
    );
    Ok(spi::read(
        snapshot,
        &FIND,
        arguments![customer_id, feature_id, key],
        entity,
    )?
    .pop())
}

/// Whether the customer has an entity of that key under any feature, not due for removal at `at`.
///
/// # Errors
/// As `spi::read`.
pub fn exists(
    snapshot: &Snapshot,
    customer_id: Uuid,
    key: &str,
    at: DateTime<Utc>,
) -> Result<bool> {
    static EXISTS: Statement = Statement::new(
        "SELECT EXISTS (SELECT FROM owo.entity
                         WHERE customer_id = $1 AND key = $2
                           AND (remove_at IS NULL OR remove_at > $3))",
    );
    Ok(
        spi::read(snapshot, &EXISTS, arguments![customer_id, key, at], |row| {
            row.get::<bool>(0)
        })?
        .into_iter()
        .any(|exists| exists),
    )
}

/// How many slots of a feature are taken at `at`; rows whose removal is due do not count.
///
/// # Errors
/// As `spi::read`.
pub fn count(
    snapshot: &Snapshot,
    customer_id: Uuid,
    feature_id: Uuid,
    at: DateTime<Utc>,
) -> Result<i64> {
    static COUNT: Statement = Statement::new(
        "SELECT count(*) FROM owo.entity
          WHERE customer_id = $1 AND feature_id = $2 AND (remove_at IS NULL OR remove_at > $3)",
    );
    let count = spi::read(
        snapshot,
        &COUNT,
        arguments![customer_id, feature_id, at],
        |row| row.get::<i64>(0),
    )?;
    Ok(count.into_iter().next().unwrap_or(0))
}

/// Writes a new entity; the caller holds the customer's lock.
///
/// # Errors
/// As `spi::run`.
pub fn insert(entity: &Entity) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.entity (customer_id, feature_id, key, name, email, metadata, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    );
    spi::run(
        &INSERT,
        arguments![
            entity.customer_id,
            entity.feature_id,
            &entity.key,
            entity.name.as_ref(),
            entity.email.as_ref(),
            &entity.metadata,
            entity.created_at,
        ],
    )
    .map(|_| ())
}

/// Sets or clears the date of removal.
///
/// # Errors
/// As `spi::run`.
pub fn set_removal(entity: &Entity, remove_at: Option<DateTime<Utc>>) -> Result<()> {
    static SET: Statement = Statement::new(
        "UPDATE owo.entity
            SET remove_at = $4,
                status = CASE WHEN $4 IS NULL THEN 'active' ELSE 'pending_removal' END
          WHERE customer_id = $1 AND feature_id = $2 AND key = $3",
    );
    wake::note();
    spi::run(
        &SET,
        arguments![
            entity.customer_id,
            entity.feature_id,
            &entity.key,
            remove_at
        ],
    )
    .map(|_| ())
}

/// Deletes an entity, which frees its slot.
///
/// # Errors
/// As `spi::run`.
pub fn delete(entity: &Entity) -> Result<()> {
    static DELETE: Statement = Statement::new(
        "DELETE FROM owo.entity WHERE customer_id = $1 AND feature_id = $2 AND key = $3",
    );
    spi::run(
        &DELETE,
        arguments![entity.customer_id, entity.feature_id, &entity.key],
    )
    .map(|_| ())
}

/// Entities of a customer, or of everybody, whose removal is due; the oldest first.
///
/// # Errors
/// As `spi::read`.
pub fn due(snapshot: &Snapshot, customer_id: Uuid, at: DateTime<Utc>) -> Result<Vec<Entity>> {
    static DUE: Statement = Statement::new(
        "SELECT customer_id, feature_id, key, remove_at, name, email, metadata, created_at
           FROM owo.entity
          WHERE customer_id = $1 AND remove_at <= $2
          ORDER BY remove_at, feature_id, key",
    );
    spi::read(snapshot, &DUE, arguments![customer_id, at], entity)
}

/// Of these keys, those that have a row, with whether it awaits removal.
///
/// # Errors
/// As `spi::read`.
pub fn present(
    snapshot: &Snapshot,
    customer_id: Uuid,
    feature_id: Uuid,
    keys: Vec<String>,
) -> Result<Vec<(String, bool)>> {
    static PRESENT: Statement = Statement::new(
        "SELECT key, remove_at IS NOT NULL
           FROM owo.entity WHERE customer_id = $1 AND feature_id = $2 AND key = ANY ($3)",
    );
    spi::read(
        snapshot,
        &PRESENT,
        arguments![customer_id, feature_id, keys],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Writes new entities that say nothing but their key; the caller holds the customer's lock.
///
/// # Errors
/// As `spi::run`.
pub fn insert_many(
    customer_id: Uuid,
    feature_id: Uuid,
    keys: Vec<String>,
    at: DateTime<Utc>,
) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.entity (customer_id, feature_id, key, created_at)
         SELECT $1, $2, k.key, $4 FROM unnest($3) AS k (key)",
    );
    spi::run(&INSERT, arguments![customer_id, feature_id, keys, at]).map(|_| ())
}

/// Sets the date of removal of active entities, or clears that of those that await removal.
///
/// # Errors
/// As `spi::run`.
pub fn set_removals(
    customer_id: Uuid,
    feature_id: Uuid,
    keys: Vec<String>,
    remove_at: Option<DateTime<Utc>>,
) -> Result<()> {
    static SET: Statement = Statement::new(
        "UPDATE owo.entity
            SET remove_at = $4,
                status = CASE WHEN $4 IS NULL THEN 'active' ELSE 'pending_removal' END
          WHERE customer_id = $1 AND feature_id = $2 AND key = ANY ($3)
            AND (remove_at IS NULL) <> ($4 IS NULL)",
    );
    spi::run(&SET, arguments![customer_id, feature_id, keys, remove_at]).map(|_| ())
}

/// Deletes active entities and returns the keys of those there were.
///
/// # Errors
/// As `spi::write`.
pub fn delete_many(customer_id: Uuid, feature_id: Uuid, keys: Vec<String>) -> Result<Vec<String>> {
    static DELETE: Statement = Statement::new(
        "DELETE FROM owo.entity
          WHERE customer_id = $1 AND feature_id = $2 AND key = ANY ($3) AND remove_at IS NULL
         RETURNING key",
    );
    spi::write(&DELETE, arguments![customer_id, feature_id, keys], |row| {
        row.get(0)
    })
}
