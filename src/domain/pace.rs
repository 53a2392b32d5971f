//! Pace: how long to wait before a failed call is repeated, and how many calls an account takes.
//!
//! Used by the outbox. Invariants: a wait is bounded both ways; the same row and attempt always wait
//! equally long, and rows that failed together do not come back together. Deliberately absent: how
//! often something is repeated at all.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

/// Wait after the first failure; doubles with each further one.
const FIRST_SECONDS: i64 = 5;
/// Longest wait that we choose ourselves.
const SECONDS_MAX: i64 = 3_600;
/// So often the provider's word alone counts; afterwards it only lengthens our own wait.
const TRUSTED_ATTEMPTS: u32 = 5;
/// Share of a wait by which rows are spread: an eighth in either direction.
const SPREAD: i64 = 8;
const MINUTE_MICROS: i64 = 60_000_000;

/// How long to wait after so many failed attempts; `asked` is what the provider asks to wait.
#[must_use]
pub fn wait(row: Uuid, attempts: u32, asked: Option<u32>) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let own = FIRST_SECONDS
        .saturating_mul(1 << doublings)
        .min(SECONDS_MAX);
    let own = spread(row, attempts, own.saturating_mul(1_000));
    match asked.map(|seconds| i64::from(seconds).saturating_mul(1_000)) {
        Some(asked) if attempts <= TRUSTED_ATTEMPTS => Duration::milliseconds(asked),
        Some(asked) => Duration::milliseconds(own.max(asked)),
        None => Duration::milliseconds(own),
    }
}

/// How long an account rests after so many refusals of its key in a row: ten minutes, doubled up to
/// a day.
#[must_use]
pub fn rest(refusals: u32) -> Duration {
    Duration::minutes(10_i64 << refusals.saturating_sub(1).min(8)).min(Duration::days(1))
}

/// The wait made a little longer or shorter, by what only this row and attempt say.
fn spread(row: Uuid, attempts: u32, millis: i64) -> i64 {
    let hash = Uuid::new_v5(&row, &attempts.to_be_bytes()).as_u64_pair().0;
    let width = millis / SPREAD;
    let share = i64::try_from(hash >> 44).unwrap_or(0);
    millis.saturating_sub(width) + width.saturating_mul(2).saturating_mul(share) / (1 << 20)
}

/// Tokens that requests of one account take, kept as the moment when there are all of them again.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    /// Time that one token takes to come.
    interval: Duration,
    /// Time that an empty bucket takes to fill, less one token.
    room: Duration,
    full_at: DateTime<Utc>,
}

impl Bucket {
    /// A full bucket of `burst` tokens, of which so many come back in a minute.
    #[must_use]
    pub fn new(per_minute: u32, burst: u32) -> Self {
        let interval = Duration::microseconds(MINUTE_MICROS / i64::from(per_minute.max(1)));
        let spare = i32::try_from(burst.saturating_sub(1)).unwrap_or(i32::MAX);
        Self {
            interval,
            room: interval
                .checked_mul(spare)
                .unwrap_or_else(|| Duration::minutes(1)),
            full_at: DateTime::UNIX_EPOCH,
        }
    }

    /// When there is a token; not after `now`: at once.
    #[must_use]
    pub fn ready_at(&self) -> DateTime<Utc> {
        self.full_at - self.room
    }

    /// Takes a token, or goes into debt: steps of an operation that has begun do not wait.
    pub fn take(&mut self, now: DateTime<Utc>) {
        self.full_at = self.full_at.max(now) + self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        let mean = |attempts| {
            let waits = (0..400_u128).map(|n| wait(Uuid::from_u128(n), attempts, None));
            waits.map(|wait| wait.num_milliseconds()).sum::<i64>() / 400
        };
        for (attempts, millis) in [(1, 5_000), (2, 10_000), (3, 20_000), (4, 40_000)] {
            let off = mean(attempts) - millis;
            assert!(off.abs() < millis / 50, "{attempts}: off by {off} ms");
        }
        for attempts in [11, 12, 25, u32::MAX] {
            assert!(
                (3_560_000..3_640_000).contains(&mean(attempts)),
                "{attempts}"
            );
        }
    }

    #[test]
    fn what_the_provider_asks_counts_alone_at_first() {
        let row = Uuid::from_u128(1);
        assert_eq!(wait(row, 1, Some(1)), Duration::seconds(1));
        assert_eq!(wait(row, 5, Some(0)), Duration::zero());
        assert!(wait(row, 6, Some(0)) > Duration::seconds(100));
        assert_eq!(wait(row, 6, Some(3_600)), Duration::seconds(3_600));
    }

    #[test]
    fn an_account_rests_longer_each_time() {
        assert_eq!(rest(1), Duration::minutes(10));
        assert_eq!(rest(2), Duration::minutes(20));
        assert_eq!(rest(u32::MAX), Duration::days(1));
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(60, 3);
        for _ in 0..3 {
            assert!(bucket.ready_at() <= at(0));
            bucket.take(at(0));
        }
        assert_eq!(bucket.ready_at(), at(1_000));
        bucket.take(at(1_000));
        assert_eq!(bucket.ready_at(), at(2_000));
    }

    #[test]
    fn a_bucket_fills_up_and_no_further() {
        let mut bucket = Bucket::new(60, 3);
        for start in [0, 600_000] {
            for _ in 0..3 {
                assert!(bucket.ready_at() <= at(start));
                bucket.take(at(start));
            }
            assert!(bucket.ready_at() > at(start));
        }
    }

    #[test]
    fn debts_are_paid_before_the_next_token() {
        let mut bucket = Bucket::new(60, 3);
        for _ in 0..5 {
            bucket.take(at(0));
        }
        assert_eq!(bucket.ready_at(), at(3_000));
        let mut empty = Bucket::new(0, 0);
        empty.take(at(0));
        assert_eq!(empty.ready_at(), at(60_000));
    }

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(row in any::<u128>(), attempts in any::<u32>(), asked in proptest::option::of(0_u32..3_600)) {
            let row = Uuid::from_u128(row);
            let waited = wait(row, attempts, asked);
            prop_assert!(waited >= Duration::zero() && waited <= Duration::seconds(4_050));
            prop_assert_eq!(waited, wait(row, attempts, asked));
        }
    }
}
