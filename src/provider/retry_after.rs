//! Retry-After: how long a provider asks to wait.
//!
//! Invariant: never more than an hour, so that a provider's mistake cannot stop the queue.

use chrono::{DateTime, Utc};

use crate::answer::Headers;

/// Longest wait that is believed.
const SECONDS_MAX: u32 = 3_600;

/// The seconds to wait, rounded up, from any of the headers that providers use.
pub(crate) fn seconds(headers: &Headers, now: DateTime<Utc>) -> Option<u32> {
    let millis = headers
        .get("retry-after-ms")
        .and_then(|text| text.parse::<u32>().ok())
        .map(|millis| millis.div_ceil(1_000));
    let asked = || {
        headers
            .get("retry-after")
            .and_then(|text| stated(text, now))
    };
    let reset = || {
        headers
            .get("x-ratelimit-reset")
            .and_then(|text| text.parse::<u32>().ok())
    };
    // A reset beyond an hour is a moment in seconds since 1970, not a length of time.
    millis
        .or_else(asked)
        .or_else(|| reset().filter(|seconds| *seconds <= SECONDS_MAX))
        .map(|seconds| seconds.min(SECONDS_MAX))
}

/// The seconds that a number or a date says.
fn stated(text: &str, now: DateTime<Utc>) -> Option<u32> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(u32::try_from(seconds).unwrap_or(SECONDS_MAX));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    let seconds = (date.to_utc() - now).num_seconds().max(0);
    Some(u32::try_from(seconds).unwrap_or(SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_seconds_dates_and_resets() {
        let now = DateTime::from_timestamp(784_111_777, 0).unwrap();
        for (name, value, expected) in [
            ("Retry-After", "7", Some(7)),
            ("Retry-After", "99999999999", Some(3_600)),
            ("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Retry-After", "-1", None),
            ("Retry-After", "soon", None),
            ("retry-after-ms", "1500", Some(2)),
            ("x-ratelimit-reset", "30", Some(30)),
            ("x-ratelimit-reset", "1793491205", None),
            ("other", "7", None),
        ] {
            let headers = Headers::new([(name, value)]);
            assert_eq!(seconds(&headers, now), expected, "{name}: {value}");
        }
    }
}
