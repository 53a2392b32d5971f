//! `owo.customer` and its look-up by e-mail.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use serde_json::Value;
use uuid::Uuid;

/// One customer as calls need it.
#[derive(Debug, Clone)]
pub struct Customer {
    pub id: Uuid,
    pub key: String,
    pub organization_id: Uuid,
    pub email: Option<String>,
    pub name: Option<String>,
    pub metadata: Value,
    pub timezone: Option<String>,
    pub created_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

fn customer(row: &Row) -> Result<Customer> {
    Ok(Customer {
        id: row.get(0)?,
        key: row.get(1)?,
        organization_id: row.get(2)?,
        email: row.get(3)?,
        name: row.get(4)?,
        metadata: row.get(5)?,
        timezone: row.get(6)?,
        created_at: row.get(7)?,
        deleted_at: row.get(8)?,
    })
}

/// The customers with those ids, whatever their organization.
///
/// # Errors
/// As `spi::read`.
pub fn find(snapshot: &Snapshot, ids: Vec<Uuid>) -> Result<Vec<Customer>> {
    static FIND: Statement = Statement::new(
        "SELECT id, key, organization_id, email, name, metadata, timezone, created_at, deleted_at
           FROM owo.customer WHERE id = ANY ($1)",
    );
    spi::read(snapshot, &FIND, arguments![ids], customer)
}

/// The customer with that id, whatever the organization.
///
/// # Errors
/// As `spi::read`.
pub fn get(snapshot: &Snapshot, id: Uuid) -> Result<Option<Customer>> {
    static GET: Statement = Statement::look_up(
        "SELECT id, key, organization_id, email, name, metadata, timezone, created_at, deleted_at
           FROM owo.customer WHERE id = $1",
    );
    Ok(spi::read(snapshot, &GET, arguments![id], customer)?.pop())
}

/// The living customers that hold an e-mail address, given in lower case.
///
/// # Errors
/// As `spi::read`.
pub fn find_by_email(
    snapshot: &Snapshot,
    organization_id: Uuid,
    email: &str,
) -> Result<Vec<Customer>> {
    static FIND: Statement = Statement::new(
        "SELECT c.id, c.key, c.organization_id, c.email, c.name, c.metadata, c.timezone,
                c.created_at, c.deleted_at
           FROM owo.customer_email AS e
           JOIN owo.customer AS c ON c.id = e.customer_id
          WHERE e.organization_id = $1 AND e.email = $2 AND c.deleted_at IS NULL
          ORDER BY c.key",
    );
    spi::read(
        snapshot,
        &FIND,
        arguments![organization_id, email],
        customer,
    )
}

/// Writes a new customer.
///
/// # Errors
/// As `spi::run`; an id that exists is refused by constraint.
pub fn insert(customer: &Customer) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.customer
             (id, key, organization_id, email, name, metadata, timezone, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
    );
    spi::run(
        &INSERT,
        arguments![
            customer.id,
            &customer.key,
            customer.organization_id,
            customer.email.as_ref(),
            customer.name.as_ref(),
            &customer.metadata,
            customer.timezone.as_ref(),
            customer.created_at,
        ],
    )
    .map(|_| ())
}

/// Stores e-mail, name, metadata and zone of an existing customer.
///
/// # Errors
/// As `spi::run`.
pub fn update(customer: &Customer, at: DateTime<Utc>) -> Result<()> {
    static UPDATE: Statement = Statement::new(
        "UPDATE owo.customer
            SET email = $2, name = $3, metadata = $4, timezone = $5, updated_at = $6
          WHERE id = $1",
    );
    spi::run(
        &UPDATE,
        arguments![
            customer.id,
            customer.email.as_ref(),
            customer.name.as_ref(),
            &customer.metadata,
            customer.timezone.as_ref(),
            at,
        ],
    )
    .map(|_| ())
}

/// Makes `email` (lower case) the only address by which the customer is found.
///
/// # Errors
/// As `spi::run`.
pub fn store_email(organization_id: Uuid, customer_id: Uuid, email: &str) -> Result<()> {
    static FORGET: Statement = Statement::new(
        "DELETE FROM owo.customer_email
          WHERE organization_id = $1 AND customer_id = $2 AND email <> $3",
    );
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.customer_email (organization_id, customer_id, email)
         SELECT $1, $2, $3
          WHERE NOT EXISTS (SELECT FROM owo.customer_email
                             WHERE organization_id = $1 AND customer_id = $2 AND email = $3)",
    );
    spi::run(&FORGET, arguments![organization_id, customer_id, email])?;
    spi::run(&STORE, arguments![organization_id, customer_id, email])?;
    Ok(())
}

/// The customer's row as a composite datum.
///
/// # Errors
/// As `spi::read`.
pub fn row(id: Uuid) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement = Statement::new("SELECT c FROM owo.customer AS c WHERE id = $1");
    let snapshot = Snapshot::latest()?;
    Ok(spi::read(&snapshot, &ROW, arguments![id], |row| row.composite(0))?.pop())
}

/// Erases what identifies a person and marks the row as deleted.
///
/// The key stays, to refuse to come back to life. What the application wrote about a person's acts
/// goes too: metadata of usage, names of entities in the record, answers kept under idempotency keys.
///
/// # Errors
/// As `spi::run`.
pub fn erase(id: Uuid, reason: Option<&str>, at: DateTime<Utc>) -> Result<()> {
    static ERASE: [Statement; 9] = [
        Statement::new("DELETE FROM owo.customer_email WHERE customer_id = $1"),
        Statement::new("DELETE FROM owo.identity WHERE customer_id = $1"),
        Statement::new("DELETE FROM owo.override WHERE customer_id = $1"),
        Statement::new("DELETE FROM owo.usage_key WHERE customer_id = $1"),
        Statement::new(
            "UPDATE owo.usage_pending
                SET metadata = NULL, entity = NULL,
                    meter_entity = CASE WHEN meter_entity IS NOT NULL THEN 'erased' END
              WHERE customer_id = $1
                AND num_nonnulls(metadata, entity, meter_entity) > 0",
        ),
        Statement::new(
            "UPDATE owo.reservation SET metadata = NULL, entity = NULL, lines = '[]'
              WHERE customer_id = $1",
        ),
        Statement::new(
            "UPDATE owo.usage_event SET metadata = NULL, entity = NULL
              WHERE customer_id = $1 AND num_nonnulls(metadata, entity) > 0",
        ),
        Statement::new(
            "UPDATE owo.meter SET entity = 'erased' WHERE customer_id = $1 AND entity IS NOT NULL",
        ),
        Statement::new(
            "UPDATE owo.event SET data = data - ARRAY['entity', 'reason', 'reference']
              WHERE customer_id = $1 AND data ?| ARRAY['entity', 'reason', 'reference']",
        ),
    ];
    static BURY: Statement = Statement::new(
        "UPDATE owo.customer
            SET email = NULL, name = NULL, metadata = '{}', timezone = NULL,
                deleted_reason = $2, deleted_at = $3, updated_at = $3
          WHERE id = $1",
    );
    for statement in &ERASE {
        spi::run(statement, arguments![id])?;
    }
    spi::run(&BURY, arguments![id, reason, at]).map(|_| ())
}
