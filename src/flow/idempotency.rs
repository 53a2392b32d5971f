//! One effect per key (`api.md` 2, protocol 30).
//!
//! A second caller with the same key waits for the first: it replays what the first stored, or does
//! the work if the first rolled back. Lock first, look second, store last and only when allowed.

use crate::backend::lock::{self, Class, Mode};
use crate::backend::spi::Snapshot;
use crate::backend::transaction;
use crate::db;
use crate::db::usage_key::{Answered, NewAnswer};
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::text;
use chrono::Duration;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

/// Single key locks that one transaction takes; beyond it locks whole stripes, since ten thousand
/// single locks would fill the server's lock table.
const SINGLE_KEYS: u32 = 64;

/// The number by which a key is locked. Two keys that share one wait for each other, no more.
fn number(customer_id: Uuid, key: &str) -> u64 {
    let (high, low) = customer_id.as_u64_pair();
    let mut words = [0_u8; size_of::<u64>()];
    let mut mixed = mix(high) ^ low;
    for chunk in key.as_bytes().chunks(words.len()) {
        words.fill(0);
        for (word, byte) in words.iter_mut().zip(chunk) {
            *word = *byte;
        }
        mixed = mix(mixed ^ u64::from_le_bytes(words));
    }
    mix(mixed)
}

/// Spreads a number over all its bits (the finisher of `SplitMix64`).
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

fn stripe(number: u64) -> u64 {
    number % u64::from(lock::STRIPES)
}

/// Waits for whoever uses this key now.
pub fn lock_key(customer_id: Uuid, key: &str) {
    let number = number(customer_id, key);
    if transaction::count_key() > SINGLE_KEYS {
        lock::acquire(Class::KeyStripe, stripe(number), Mode::Exclusive);
    } else {
        lock::acquire(Class::KeyStripe, stripe(number), Mode::Share);
        lock::acquire(Class::Key, number, Mode::Exclusive);
    }
}

/// Waits for whoever uses one of these keys, in an order that two such calls share.
pub fn lock_keys<'a>(keys: impl IntoIterator<Item = (Uuid, &'a str)>) {
    let mut stripes: Vec<u64> = keys
        .into_iter()
        .map(|(customer, key)| stripe(number(customer, key)))
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
    let found = db::usage_key::find_many(snapshot, &[(customer_id, key)])?;
    let stored = found.first().map(|(_, answered)| answered);
    answer(context, key, &request.to_string(), stored)?
        .map(json)
        .transpose()
}

/// What a stored answer says to a request, both as JSON text; None when the key is free.
///
/// # Errors
/// `23505` when the key was used for another request.
pub fn answer<'a>(
    context: &Context,
    key: &str,
    request: &str,
    answered: Option<&'a Answered>,
) -> Result<Option<&'a str>> {
    let Some(answered) = answered else {
        return Ok(None);
    };
    let kept = Duration::days(context.organization.idempotency_days.into());
    if answered.created_at + kept < context.now {
        return Ok(None);
    }
    if answered.request == request {
        return Ok(Some(&answered.result));
    }
    Err(reused(key, &answered.request))
}

/// Reads a stored answer.
///
/// # Errors
/// When it is something else.
pub fn json<T: DeserializeOwned>(answer: &str) -> Result<T> {
    serde_json::from_str(answer).map_err(|_| unreadable())
}

/// The error where somebody else wrote to `owo.usage_key`.
pub fn unreadable() -> Error {
    Error::internal("the answer stored under an idempotency key")
}

/// `23505` for a key that was used for another request.
pub fn reused(key: &str, first: &str) -> Error {
    Error::taken(format!(
        "idempotency key \"{key}\" was used for another request"
    ))
    .detail(format!("The first request was {first}."))
    .hint("Use a new key for each new request.")
}

/// Stores the answer under a key whose lock this transaction holds, in place of one whose time is
/// over.
///
/// # Errors
/// As the statements.
pub fn store(
    context: &Context,
    customer_id: Uuid,
    key: &str,
    request: &Value,
    result: &Value,
) -> Result<()> {
    let answer = NewAnswer {
        customer_id,
        key,
        request: &request.to_string(),
        result: &result.to_string(),
    };
    db::usage_key::forget_many(&[(customer_id, key)])?;
    db::usage_key::store_many(&[answer], context.now)
}
