//! The two clocks of the server (`api.md` 1): statement time for reads, wall-clock time for writes.
//!
//! Called once per API call, nowhere below `api/`.

use crate::backend::direct;
use chrono::{DateTime, Utc};
use owostack_domain::period::{Tz, shifted};
use pgrx::datum::Interval;
use pgrx::pg_sys;

/// Microseconds between the Unix epoch and Postgres' (2000-01-01).
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A moment as Postgres counts it: microseconds since 2000.
pub type Tick = pg_sys::TimestampTz;

/// Converts Postgres' microseconds; None for infinities and times beyond chrono's range.
pub fn from_postgres(timestamp: pg_sys::TimestampTz) -> Option<DateTime<Utc>> {
    if timestamp == i64::MAX || timestamp == i64::MIN {
        return None;
    }
    DateTime::from_timestamp_micros(timestamp.checked_add(POSTGRES_EPOCH_MICROS)?)
}

/// Converts to Postgres' microseconds.
pub fn to_postgres(time: DateTime<Utc>) -> pg_sys::TimestampTz {
    time.timestamp_micros()
        .saturating_sub(POSTGRES_EPOCH_MICROS)
}

/// Milliseconds since 1970.
pub fn unix_milliseconds(tick: Tick) -> i64 {
    tick.saturating_add(POSTGRES_EPOCH_MICROS).div_euclid(1_000)
}

/// Wall-clock time of this instant.
pub fn wall_time() -> DateTime<Utc> {
    from_postgres(direct::wall_clock()).unwrap_or_default()
}

/// Whether the server is a standby, or still recovering.
pub fn is_in_recovery() -> bool {
    // SAFETY: reads shared state of the server.
    unsafe { pg_sys::RecoveryInProgress() }
}

/// `at` plus a Postgres interval, counted in `zone`, whose parts may go forward and back; None beyond
/// the range of time.
pub fn plus(at: DateTime<Utc>, interval: &Interval, zone: Tz) -> Option<DateTime<Utc>> {
    shifted(
        at,
        interval.months().into(),
        interval.days().into(),
        interval.micros(),
        zone,
    )
}
