//! Identities: how the id of a customer, a meter or a row comes to be.
//!
//! Called by `flow/` before any look-up: a hot call knows a customer's id from its key alone.
//! Invariant: ids depend on their inputs only; random bytes and the time are handed in.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

/// Length of the canonical text of a uuid.
const CANONICAL_LENGTH: usize = 36;

/// Latest time that a time-ordered id can hold: 48 bits, the year 10889.
const MILLIS_MAX: u64 = (1 << 48) - 1;

/// The id of the customer with that key.
///
/// A key in canonical uuid form is the id itself in a live organization; every other key, and
/// every key of a sandbox, gives an id derived from organization and key.
#[must_use]
pub fn customer_id(organization_id: Uuid, key: &str, sandbox: bool) -> Uuid {
    match canonical(key) {
        Some(id) if !sandbox => id,
        _ => derived(organization_id, key),
    }
}

/// The key as stored: canonical uuids of live organizations in lower case, others unchanged.
#[must_use]
pub fn stored_key(key: &str, sandbox: bool) -> Cow<'_, str> {
    if !sandbox && canonical(key).is_some() && key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(key.to_ascii_lowercase());
    }
    Cow::Borrowed(key)
}

/// The uuid in canonical form, 36 characters in any case; `None` for every other spelling.
#[must_use]
pub fn canonical(key: &str) -> Option<Uuid> {
    // Of the spellings that the parser takes, only the canonical one has this length.
    if key.len() == CANONICAL_LENGTH {
        Uuid::try_parse(key).ok()
    } else {
        None
    }
}

/// The id that a name has inside a namespace (version 5).
#[must_use]
pub fn derived(namespace: Uuid, name: &str) -> Uuid {
    Uuid::new_v5(&namespace, name.as_bytes())
}

/// An id that sorts by its time (version 7); times before 1970 sort as 1970.
#[must_use]
pub fn time_ordered(at: DateTime<Utc>, random: [u8; 10]) -> Uuid {
    at_milliseconds(at.timestamp_millis(), random)
}

/// The same of a time in milliseconds since 1970.
#[must_use]
pub fn at_milliseconds(at: i64, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at).unwrap_or(0).min(MILLIS_MAX);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Parts of a millisecond that a sequential id tells apart.
const MILLI_PARTS: u64 = 1 << 12;

/// A time in 4096ths of a millisecond, for [`sequential`]; times before 1970 count as 1970.
#[must_use]
pub fn moment(at: DateTime<Utc>) -> u64 {
    let micros = u64::try_from(at.timestamp_micros()).unwrap_or(0);
    let millis = (micros / 1_000).min(MILLIS_MAX);
    let parts = (micros % 1_000).saturating_mul(MILLI_PARTS) / 1_000;
    millis.saturating_mul(MILLI_PARTS).saturating_add(parts)
}

/// An id that sorts by its moment (version 7), also among those of one millisecond.
#[must_use]
pub fn sequential(moment: u64, random: [u8; 10]) -> Uuid {
    let [_, _, rest @ ..] = random;
    let [.., high, low] = (moment % MILLI_PARTS).to_be_bytes();
    let [a, b, c, d, e, f, g, h] = rest;
    let millis = (moment / MILLI_PARTS).min(MILLIS_MAX);
    Builder::from_unix_timestamp_millis(millis, &[high, low, a, b, c, d, e, f, g, h]).into_uuid()
}

/// Bits of an order that an id holds; 32 more tell apart two ids of one time and order.
const ORDER_BITS: u32 = 42;

/// An id that sorts by its time, and among those of one millisecond by `order` (version 7).
///
/// Unlike the wall clock, the clock of a sandbox stands still while things happen one after the other.
#[must_use]
pub fn ordered(at: DateTime<Utc>, order: u64, random: [u8; 10]) -> Uuid {
    let [a, b, c, d, ..] = random;
    let noise = u32::from_be_bytes([a, b, c, d]);
    let tail = (u128::from(order % (1 << ORDER_BITS)) << u32::BITS) | u128::from(noise);
    // Twelve bits stand before the variant, the rest behind it; the builder writes over four and two.
    let [.., high, low] = (tail >> 62).to_be_bytes();
    let [_, _, _, _, _, _, _, _, rest @ ..] = (tail % (1 << 62)).to_be_bytes();
    let [e, f, g, h, i, j, k, l] = rest;
    at_milliseconds(at.timestamp_millis(), [high, low, e, f, g, h, i, j, k, l])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORGANIZATION: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);

    #[test]
    fn only_the_canonical_spelling_is_the_id() {
        let id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        for key in [
            "6ba7b8109dad11d180b400c04fd430c8",
            "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
            "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            " 6ba7b810-9dad-11d1-80b4-00c04fd430c",
            "6ba7b8109-dad-11d1-80b4-00c04fd430c8",
            "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
            "6ba7b810-9dad-11d1-80b4-00c04fd430é",
            "",
            "acme",
        ] {
            assert_eq!(
                customer_id(ORGANIZATION, key, false),
                derived(ORGANIZATION, key),
                "{key}"
            );
            assert_eq!(stored_key(key, false), key);
        }
        assert_eq!(customer_id(ORGANIZATION, id, false).to_string(), id);
        assert_eq!(stored_key(&id.to_ascii_uppercase(), false), id);
        assert_eq!(
            stored_key(&id.to_ascii_uppercase(), true),
            id.to_ascii_uppercase()
        );
    }

    #[test]
    fn derived_ids_follow_the_standard() {
        // The example of RFC 9562, appendix A.4.
        assert_eq!(
            derived(Uuid::NAMESPACE_DNS, "www.example.com").to_string(),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2"
        );
    }

    #[test]
    fn time_ordered_ids_sort_by_time() {
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap();
        let id = time_ordered(at(0x017F_22E2_79B0), [0xFF; 10]);
        assert!(id.to_string().starts_with("017f22e2-79b0-7fff-bfff-"));
        assert!(id < time_ordered(at(0x017F_22E2_79B1), [0; 10]));
        assert!(time_ordered(at(-1), [0; 10]) < time_ordered(at(1), [0; 10]));
        assert!(time_ordered(at(1), [0; 10]) < time_ordered(DateTime::<Utc>::MAX_UTC, [0; 10]));
    }

    #[test]
    fn ordered_ids_sort_by_time_then_order() {
        let early = DateTime::from_timestamp_millis(1_700_000_000_000).unwrap();
        let late = early + chrono::TimeDelta::milliseconds(1);
        let orders = [
            0,
            1,
            2,
            (1 << 30) - 1,
            1 << 30,
            1 << 41,
            (1 << ORDER_BITS) - 1,
        ];
        for pair in orders.windows(2) {
            let [one, other] = [pair[0], pair[1]];
            assert!(ordered(early, one, [255; 10]) < ordered(early, other, [0; 10]));
            assert!(ordered(early, other, [255; 10]) < ordered(late, one, [0; 10]));
        }
        let id = ordered(early, 7, [255; 10]);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        assert_ne!(id, ordered(early, 7, [0; 10]));
    }

    #[test]
    fn sequential_ids_sort_within_a_millisecond() {
        let at = |micros| DateTime::from_timestamp_micros(micros).unwrap();
        let mut last = Uuid::nil();
        for micros in [0, 1, 2, 999, 1_000, 1_001, 1_700_000_000_000_001] {
            let id = sequential(moment(at(micros)), [0; 10]);
            assert!(id > last, "{micros}");
            assert!(
                id > sequential(moment(at(micros)).saturating_sub(1), [0xFF; 10]) || micros == 0
            );
            last = sequential(moment(at(micros)), [0xFF; 10]);
        }
        let id = sequential(moment(at(0x0017_F22E_279B_0000)), [0xFF; 10]);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(moment(DateTime::<Utc>::MIN_UTC), 0);
    }

    proptest! {
        #[test]
        fn a_canonical_uuid_in_any_case_is_the_id(raw in any::<u128>(), upper in any::<[bool; 36]>()) {
            let id = Uuid::from_u128(raw);
            let key: String = id
                .to_string()
                .chars()
                .zip(upper)
                .map(|(c, upper)| if upper { c.to_ascii_uppercase() } else { c })
                .collect();
            prop_assert_eq!(customer_id(ORGANIZATION, &key, false), id);
            prop_assert_eq!(stored_key(&key, false), id.to_string());
            prop_assert_eq!(customer_id(ORGANIZATION, &stored_key(&key, false), false), id);
        }

        #[test]
        fn sandbox_ids_are_always_derived(raw in any::<u128>(), text in ".{0,40}") {
            for key in [Uuid::from_u128(raw).to_string(), text] {
                let id = customer_id(ORGANIZATION, &key, true);
                prop_assert_eq!(id, derived(ORGANIZATION, &key));
                prop_assert_ne!(id, customer_id(Uuid::from_u128(1), &key, true));
                prop_assert_eq!(stored_key(&key, true), key.as_str());
            }
        }
    }
}
