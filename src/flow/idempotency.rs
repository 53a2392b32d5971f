//! One effect per key (`api.md` 2, protocol 30).
//!
//! A second caller with the same key waits for the first: it replays what the first stored, or does
//! the work if the first rolled back. Lock first, look second, store last and only when allowed.

use crate::backend::lock::{self, Class, Mode};
use crate::backend::spi::Snapshot;
use crate::backend::transaction;
use crate::db;
use crate::db::usage_key::Answered;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::text;
use chrono::Duration;
use owostack_domain::ids;
use serde_json::Value;
use uuid::Uuid;

/// Single key locks that one transaction takes; beyond it locks whole stripes, since ten thousand
/// single locks would fill the server's lock table.
const SINGLE_KEYS: u32 = 64;

/// Waits for whoever uses this key now.
pub fn lock_key(customer_id: Uuid, key: &str) {
    let id = ids::derived(customer_id, key);
    if transaction::count_key() > SINGLE_KEYS {
        lock::acquire(Class::KeyStripe, lock::stripe(id), Mode::Exclusive);
    } else {
        lock::acquire(Class::KeyStripe, lock::stripe(id), Mode::Share);
        lock::acquire(Class::Key, id.as_u64_pair().0, Mode::Exclusive);
    }
}

/// Waits for whoever uses one of these keys, in an order that two such calls share.
pub fn lock_keys<'a>(keys: impl IntoIterator<Item = (Uuid, &'a str)>) {
    let mut stripes: Vec<u64> = keys
        .into_iter()
        .map(|(customer, key)| lock::stripe(ids::derived(customer, key)))
        .collect();
    stripes.sort_unstable();
    stripes.dedup();
    for stripe in stripes {
        lock::acquire(Class::KeyStripe, stripe, Mode::Exclusive);
    }
}

/// A key of allowed length.
///
/// # Errors
/// `22023` when it is empty or too long.
pub fn check(key: &str) -> Result<()> {
    text::bounded("idempotency_key", key, text::KEY_LENGTH).map(|_| ())
}

/// What was answered to the same request under this key; None when the key is free.
///
/// # Errors
/// `23505` when the key was used for another request.
pub fn replay(
    context: &Context,
    snapshot: &Snapshot,
    customer_id: Uuid,
    key: &str,
    request: &Value,
) -> Result<Option<Value>> {
    let answered = db::usage_key::find(snapshot, customer_id, key)?;
    answer(context, key, request, answered.as_ref())
}

/// What a stored answer says to a request; None when the key is free.
///
/// # Errors
/// `23505` when the key was used for another request.
pub fn answer(
    context: &Context,
    key: &str,
    request: &Value,
    answered: Option<&Answered>,
) -> Result<Option<Value>> {
    let Some(answered) = answered else {
        return Ok(None);
    };
    let kept = Duration::days(context.organization.idempotency_days.into());
    if answered.created_at + kept < context.now {
        return Ok(None);
    }
    if answered.request == *request {
        return Ok(Some(answered.result.clone()));
    }
    Err(reused(key, &answered.request))
}

/// `23505` for a key that was used for another request.
pub fn reused(key: &str, first: &Value) -> Error {
    Error::taken(format!(
        "idempotency key \"{key}\" was used for another request"
    ))
    .detail(format!("The first request was {first}."))
    .hint("Use a new key for each new request.")
}

/// Stores the answer under a key whose lock this transaction holds.
///
/// # Errors
/// As the statements.
pub fn store(
    context: &Context,
    customer_id: Uuid,
    key: &str,
    request: Value,
    result: Value,
) -> Result<()> {
    let answered = Answered {
        request,
        result,
        created_at: context.now,
    };
    db::usage_key::store(customer_id, key, &answered)
}
