//! Links: whom something of a provider concerns.
//!
//! A webhook carries evidence; the worker looks each piece up in our tables and asks `decide`.
//! Invariant: what a tag claims is believed only for an object that we made ourselves; two
//! pieces that disagree stop the event for a person. Deliberately absent: the look-ups.

use serde::Serialize;
use uuid::Uuid;

use crate::tag::Tags;

/// Evidence of whom something concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The provider's id of the customer.
    pub customer: Option<String>,
    /// Our id of the customer, which the provider keeps beside its own.
    pub external_id: Option<String>,
    /// The provider's id of our checkout.
    pub checkout: Option<String>,
    /// Our own text that the provider carried along, such as a reference.
    pub reference: Option<String>,
    /// The subscription it belongs to.
    pub subscription: Option<String>,
    /// E-mail address, lower case.
    pub email: Option<String>,
    /// Our tags.
    pub tags: Tags,
}

/// What our tables say of each piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Our customer whose link names the provider's customer.
    pub by_link: Option<Uuid>,
    /// Our customer that the external id or the tags name; only where the object is one that we
    /// made ourselves: its checkout or operation is in our tables with that customer.
    pub by_claim: Option<Uuid>,
    /// Our customer of the checkout that a reference or the provider's checkout id leads to.
    pub by_reference: Option<Uuid>,
    /// All our customers with that e-mail address.
    pub by_email: Vec<Uuid>,
}

/// Whom something concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// That customer, known by more than an e-mail address.
    Customer(Uuid),
    /// The only customer with that e-mail address; nothing contradicts.
    Email(Uuid),
    /// Nobody that we know, or not yet.
    Unknown,
    /// Two pieces of evidence name different customers: a person must look.
    Conflict,
}

/// Whom the evidence names: link, then claim, then reference, then e-mail address.
#[must_use]
pub fn decide(found: &Found, use_email: bool) -> Match {
    let named = [found.by_link, found.by_claim, found.by_reference];
    let mut names = named.into_iter().flatten();
    if let Some(first) = names.next() {
        return if names.all(|other| other == first) {
            Match::Customer(first)
        } else {
            Match::Conflict
        };
    }
    match found.by_email.as_slice() {
        [only] if use_email => Match::Email(*only),
        _ => Match::Unknown,
    }
}

/// Text before the id in a reference of ours.
const REFERENCE_MARK: &str = "owo-";

/// Our reference for something: letters, digits and hyphens, which every provider takes.
#[must_use]
pub fn reference(id: Uuid, group: u32) -> String {
    if group == 0 {
        format!("{REFERENCE_MARK}{id}")
    } else {
        format!("{REFERENCE_MARK}{id}.{group}")
    }
}

/// The id in a reference of ours; `None` when it is not ours.
#[must_use]
pub fn referenced(text: &str) -> Option<Uuid> {
    let rest = text.strip_prefix(REFERENCE_MARK)?;
    let id = rest.split('.').next().unwrap_or(rest);
    owostack_domain::ids::canonical(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Uuid = Uuid::from_u128(1);
    const BOB: Uuid = Uuid::from_u128(2);

    #[test]
    fn the_strongest_evidence_wins_and_contradictions_stop() {
        let found = |by_link, by_claim, by_reference, by_email: &[Uuid]| Found {
            by_link,
            by_claim,
            by_reference,
            by_email: by_email.to_vec(),
        };
        for (found, expected) in [
            (found(Some(ADA), None, None, &[BOB]), Match::Customer(ADA)),
            (
                found(Some(ADA), Some(ADA), Some(ADA), &[]),
                Match::Customer(ADA),
            ),
            (found(None, Some(ADA), None, &[BOB]), Match::Customer(ADA)),
            (found(None, None, Some(BOB), &[]), Match::Customer(BOB)),
            (found(Some(ADA), Some(BOB), None, &[]), Match::Conflict),
            (found(Some(ADA), None, Some(BOB), &[]), Match::Conflict),
            (found(None, Some(ADA), Some(BOB), &[]), Match::Conflict),
            (found(None, None, None, &[ADA]), Match::Email(ADA)),
            (found(None, None, None, &[ADA, BOB]), Match::Unknown),
            (found(None, None, None, &[]), Match::Unknown),
        ] {
            assert_eq!(decide(&found, true), expected, "{found:?}");
        }
        assert_eq!(
            decide(&found(None, None, None, &[ADA]), false),
            Match::Unknown
        );
    }

    #[test]
    fn references_lead_back_to_their_id() {
        for group in [0, 1, 12] {
            let text = reference(ADA, group);
            assert_eq!(referenced(&text), Some(ADA));
            // Paystack's alphabet.
            assert!(
                text.chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-.=".contains(c))
            );
        }
        for other in ["", "owo-", "owo-1", "T685312322670591", "owo-chk-7f3a"] {
            assert_eq!(referenced(other), None);
        }
    }
}
