//! Signatures: keyed digests, compared in constant time.
//!
//! Used by each provider's `verify`. Invariants: a missing, malformed or empty key never
//! matches; how long a comparison takes tells nothing about the signature.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

use crate::answer::Headers;
use crate::secret::Secret;
use crate::webhook::{AGE_SECONDS_MAX, Delivery, Rejected};

/// Most signatures that one header is searched for.
const SIGNATURES_MAX: usize = 16;
/// Longest id of a message.
const ID_LENGTH_MAX: usize = 255;

/// Headers of the Standard Webhooks scheme.
pub(crate) const STANDARD_HEADERS: &[&str] =
    &["webhook-id", "webhook-timestamp", "webhook-signature"];

/// Base64 with and without padding: secrets and signatures come both ways.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of base64 text.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// Whether `tag` is the SHA-256 digest of the parts under the key.
pub(crate) fn matches_sha256(key: &[u8], parts: &[&[u8]], tag: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    parts.iter().for_each(|part| mac.update(part));
    !key.is_empty() && mac.verify_slice(tag).is_ok()
}

/// Whether `tag` is the SHA-512 digest of the body under the key.
pub(crate) fn matches_sha512(key: &[u8], body: &[u8], tag: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha512>::new_from_slice(key) else {
        return false;
    };
    mac.update(body);
    !key.is_empty() && mac.verify_slice(tag).is_ok()
}

/// A digest of the body, to tell two events apart that carry no id.
pub(crate) fn digest(body: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = Sha256::digest(body);
    hex::encode(digest.get(..8).unwrap_or_default())
}

/// The signatures of a header that belong to a scheme.
pub(crate) fn of_scheme<'h>(
    entries: impl Iterator<Item = &'h str>,
    mark: &str,
    decode: fn(&str) -> Option<Vec<u8>>,
) -> Vec<Vec<u8>> {
    entries
        .filter_map(|entry| decode(entry.trim().strip_prefix(mark)?))
        .take(SIGNATURES_MAX)
        .collect()
}

/// The moment that a webhook says it was signed, when it is near that of its receipt.
pub(crate) fn timely(text: &str, delivery: &Delivery<'_>) -> Result<i64, Rejected> {
    // A sign or a blank would be signed as something else than what is read.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let signed_at: i64 = text.parse().map_err(|_| Rejected)?;
    let age = delivery
        .received_at
        .timestamp()
        .checked_sub(signed_at)
        .ok_or(Rejected)?;
    (digits && age.abs() <= AGE_SECONDS_MAX)
        .then_some(signed_at)
        .ok_or(Rejected)
}

/// How keys are made from a secret's text.
pub(crate) type Keys = fn(&Secret) -> Vec<Vec<u8>>;

/// Verifies a webhook by the Standard Webhooks scheme.
pub(crate) fn standard(
    delivery: &Delivery<'_>,
    secrets: &[Secret],
    keys: Keys,
) -> Result<(), Rejected> {
    let id = message_id(delivery.headers).ok_or(Rejected)?;
    let timestamp = delivery.headers.get("webhook-timestamp").ok_or(Rejected)?;
    timely(timestamp, delivery)?;
    let header = delivery.headers.get("webhook-signature").ok_or(Rejected)?;
    let signatures = of_scheme(header.split_ascii_whitespace(), "v1,", base64);
    let parts = [
        id.as_bytes(),
        b".",
        timestamp.as_bytes(),
        b".",
        delivery.body,
    ];
    let matches = |key: &Vec<u8>| {
        signatures
            .iter()
            .any(|signature| matches_sha256(key, &parts, signature))
    };
    secrets
        .iter()
        .flat_map(keys)
        .any(|key| matches(&key))
        .then_some(())
        .ok_or(Rejected)
}

/// The id of a message in the Standard Webhooks scheme; the same for every delivery of it.
pub(crate) fn message_id(headers: &Headers) -> Option<&str> {
    headers
        .get("webhook-id")
        .filter(|id| !id.is_empty() && id.len() <= ID_LENGTH_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_key_never_matches() {
        let tag = hex::decode("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
            .unwrap();
        // The right digest of nothing under no key.
        assert!(!matches_sha256(b"", &[b""], &tag));
        assert!(!matches_sha256(b"key", &[b""], b""));
        assert!(!matches_sha512(b"", b"", b""));
    }

    #[test]
    fn base64_comes_with_and_without_padding() {
        assert_eq!(base64("YQ==").as_deref(), Some(b"a".as_slice()));
        assert_eq!(base64("YQ").as_deref(), Some(b"a".as_slice()));
        assert_eq!(base64("Y!"), None);
    }
}
