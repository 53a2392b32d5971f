//! Ids that sort in the order in which rows were written, also where a sandbox's clock stands still.
//!
//! Called where rows of one time are read one after the other: events, subscriptions and checkouts.
//! Invariant: the ids of one session and time only grow; those of two sessions follow the wall clock.

use crate::backend::local::Local;
use crate::backend::{direct, random};
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::ids;
use uuid::Uuid;

/// Microseconds of the wall clock in one step: a session makes no more than one id in each.
const STEP: u64 = 64;

/// The step of the last id that this session made.
static LAST: Local<u64> = Local::new(0);

/// An id of that time, after every other one of this session and time.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn next_id(at: DateTime<Utc>) -> Result<Uuid> {
    let now = u64::try_from(direct::wall_clock()).unwrap_or(0) / STEP;
    let step = LAST.write(|last| {
        *last = now.max(last.saturating_add(1));
        *last
    });
    Ok(ids::ordered(at, step, random::ten_bytes()?))
}
