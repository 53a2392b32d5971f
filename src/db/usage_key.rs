//! `owo.usage_key`: idempotency keys with the request they answered and the answer.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// What was answered under a key.
#[derive(Debug, Clone)]
pub struct Answered {
    pub request: Value,
    pub result: Value,
    pub created_at: DateTime<Utc>,
}

/// The answers stored under keys.
///
/// # Errors
/// As `spi::read`.
pub fn find_many(
    snapshot: &Snapshot,
    keys: Vec<(Uuid, String)>,
) -> Result<Vec<((Uuid, String), Answered)>> {
    static FIND: Statement = Statement::new(
        "SELECT k.customer_id, k.key, k.request, k.result, k.created_at
           FROM unnest($1, $2) AS x (customer_id, key)
           JOIN owo.usage_key AS k ON k.customer_id = x.customer_id AND k.key = x.key",
    );
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let (customers, keys): (Vec<Uuid>, Vec<String>) = keys.into_iter().unzip();
    spi::read(snapshot, &FIND, arguments![customers, keys], |row| {
        let answered = Answered {
            request: row.get(2)?,
            result: row.get(3)?,
            created_at: row.get(4)?,
        };
        Ok(((row.get(0)?, row.get(1)?), answered))
    })
}

/// An answer to be stored, as JSON text.
#[derive(Debug)]
pub struct NewAnswer {
    pub customer_id: Uuid,
    pub key: String,
    pub request: String,
    pub result: String,
}

/// Deletes the answers under keys, which the caller holds the locks of.
///
/// # Errors
/// As `spi::run`.
pub fn forget_many(keys: Vec<(Uuid, String)>) -> Result<()> {
    static FORGET: Statement = Statement::new(
        "DELETE FROM owo.usage_key AS k USING unnest($1, $2) AS x (customer_id, key)
          WHERE k.customer_id = x.customer_id AND k.key = x.key",
    );
    if keys.is_empty() {
        return Ok(());
    }
    let (customers, keys): (Vec<Uuid>, Vec<String>) = keys.into_iter().unzip();
    spi::run(&FORGET, arguments![customers, keys]).map(|_| ())
}

/// Stores answers under free keys; the caller holds the keys' locks.
///
/// # Errors
/// As `spi::run`.
pub fn store_many(answers: Vec<NewAnswer>, created_at: DateTime<Utc>) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.usage_key (customer_id, key, request, result, created_at)
         SELECT x.customer_id, x.key, x.request::jsonb, x.result::jsonb, $5
           FROM unnest($1, $2, $3, $4) AS x (customer_id, key, request, result)",
    );
    if answers.is_empty() {
        return Ok(());
    }
    let (mut customers, mut keys) = (Vec::new(), Vec::new());
    let (mut requests, mut results) = (Vec::new(), Vec::new());
    for answer in answers {
        customers.push(answer.customer_id);
        keys.push(answer.key);
        requests.push(answer.request);
        results.push(answer.result);
    }
    spi::run(
        &STORE,
        arguments![customers, keys, requests, results, created_at],
    )
    .map(|_| ())
}

/// The answer stored under a key.
///
/// # Errors
/// As `spi::read`.
pub fn find(snapshot: &Snapshot, customer_id: Uuid, key: &str) -> Result<Option<Answered>> {
    static FIND: Statement = Statement::new(
        "SELECT request, result, created_at FROM owo.usage_key WHERE customer_id = $1 AND key = $2",
    );
    let found = spi::read(snapshot, &FIND, arguments![customer_id, key], |row| {
        Ok(Answered {
            request: row.get(0)?,
            result: row.get(1)?,
            created_at: row.get(2)?,
        })
    })?;
    Ok(found.into_iter().next())
}

/// Stores the answer, replacing one whose time is over; the caller holds the key's lock.
///
/// # Errors
/// As `spi::run`.
pub fn store(customer_id: Uuid, key: &str, answered: &Answered) -> Result<()> {
    static FORGET: Statement =
        Statement::new("DELETE FROM owo.usage_key WHERE customer_id = $1 AND key = $2");
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.usage_key (customer_id, key, request, result, created_at)
         VALUES ($1, $2, $3, $4, $5)",
    );
    spi::run(&FORGET, arguments![customer_id, key])?;
    spi::run(
        &STORE,
        arguments![
            customer_id,
            key,
            &answered.request,
            &answered.result,
            answered.created_at
        ],
    )?;
    Ok(())
}

/// Deletes up to `limit` keys that are older than their organization keeps them.
///
/// # Errors
/// As `spi::run`.
pub fn delete_expired(limit: i64) -> Result<u64> {
    static DELETE: Statement = Statement::new(
        "DELETE FROM owo.usage_key
          WHERE ctid = ANY (ARRAY(
                SELECT k.ctid
                  FROM owo.usage_key AS k
                  JOIN owo.customer AS c ON c.id = k.customer_id
                  JOIN owo.organization AS o ON o.id = c.organization_id
                 WHERE k.created_at
                       < coalesce(o.clock_at, now()) - make_interval(days => o.idempotency_days)
                   -- what no organization keeps any longer, found by index
                   AND k.created_at < (
                       SELECT max(coalesce(x.clock_at, now())
                                  - make_interval(days => x.idempotency_days))
                         FROM owo.organization AS x)
                 LIMIT $1 FOR UPDATE OF k SKIP LOCKED))",
    );
    spi::run(&DELETE, arguments![limit])
}
