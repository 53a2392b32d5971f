//! `owo.event`: what happened, with a notification for each row.

use crate::arguments;
use crate::backend::spi::{self, Statement};
use crate::backend::{notify, order};
use crate::error::Result;
use crate::guc;
use chrono::{DateTime, Utc};
use owostack_domain::ids;
use serde_json::{Value, json};
use uuid::Uuid;

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// Type of `api.md` 9, such as `subscription.activated`.
    pub kind: &'a str,
    pub organization_id: Uuid,
    pub organization: &'a str,
    /// Nil where no customer is concerned.
    pub customer_id: Uuid,
    pub at: DateTime<Utc>,
    pub data: Value,
}

/// Appends the event under a new id, which sorts after those that this session appended before.
///
/// # Errors
/// As `spi::run`.
pub fn append(event: &Event) -> Result<()> {
    let id = order::next_id(event.at)?;
    store(event, id)?;
    announce(event, id);
    Ok(())
}

/// Appends the event once: the second time with the same `name` nothing happens.
///
/// Should somebody insert the same id meanwhile, the outcome of that transaction is awaited.
///
/// # Errors
/// As `spi::run`.
pub fn append_once(event: &Event, name: &str) -> Result<()> {
    let id = ids::derived(event.customer_id, name);
    if store(event, id)? > 0 {
        announce(event, id);
    }
    Ok(())
}

/// Appends one event for each document, alike in everything else.
///
/// # Errors
/// As `spi::run`.
pub fn append_many(event: &Event, data: Vec<Value>) -> Result<()> {
    static APPEND: Statement = Statement::new(
        "INSERT INTO owo.event (customer_id, id, type, organization_id, at, data)
         SELECT $1, d.id, $2, $3, $4, d.data FROM unnest($5, $6) AS d (id, data)",
    );
    if data.is_empty() {
        return Ok(());
    }
    let mut ids = Vec::with_capacity(data.len());
    for _ in &data {
        ids.push(order::next_id(event.at)?);
    }
    let data: Vec<Option<Value>> = data.into_iter().map(Some).collect();
    spi::run(
        &APPEND,
        arguments![
            event.customer_id,
            event.kind,
            event.organization_id,
            event.at,
            ids.clone(),
            data,
        ],
    )?;
    for id in ids {
        announce(event, id);
    }
    Ok(())
}

/// Appends the event, or, where this transaction has appended one of its type for the organization,
/// adds `word` to the list `key` of its data.
///
/// # Errors
/// As the statements.
pub fn append_in_transaction(event: &Event, key: &str, word: &str) -> Result<()> {
    static NAME: Statement = Statement::new(
        "SELECT pg_current_xact_id()::text || ' ' || extract(epoch FROM transaction_timestamp())::text",
    );
    static ADD: Statement = Statement::new(
        "UPDATE owo.event SET data = jsonb_set(data, ARRAY[$3], (data -> $3) || to_jsonb($4))
          WHERE customer_id = $1 AND id = $2 AND NOT (data -> $3) ? $4",
    );
    let name = spi::write(&NAME, arguments![], |row| row.get::<String>(0))?;
    let name = name.into_iter().next().unwrap_or_default();
    let name = format!("{} {} {name}", event.kind, event.organization_id);
    let id = ids::derived(event.customer_id, &name);
    if store(event, id)? > 0 {
        announce(event, id);
        return Ok(());
    }
    spi::run(&ADD, arguments![event.customer_id, id, key, word]).map(|_| ())
}

fn store(event: &Event, id: Uuid) -> Result<u64> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.event (customer_id, id, type, organization_id, at, data)
         SELECT $1, $2, $3, $4, $5, $6
          WHERE NOT EXISTS (SELECT FROM owo.event WHERE customer_id = $1 AND id = $2)
         ON CONFLICT DO NOTHING",
    );
    spi::run(
        &STORE,
        arguments![
            event.customer_id,
            id,
            event.kind,
            event.organization_id,
            event.at,
            &event.data
        ],
    )
}

fn announce(event: &Event, id: Uuid) {
    if guc::notify() {
        notify::send(
            &json!({
                "type": event.kind,
                "organization": event.organization,
                "customer": event.customer_id,
                "id": id,
            })
            .to_string(),
        );
    }
}
