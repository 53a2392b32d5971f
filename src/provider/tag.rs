//! Tags: what we write into a provider's objects to recognise them when they come back.
//!
//! Written into metadata by the request builders and read back from webhooks and answers.
//! Invariant: a tag that comes back is a claim, not a fact; `link` says what makes it one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Longest value that every provider keeps.
const VALUE_LENGTH_MAX: usize = 500;

/// What a tag names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Our checkout.
    Checkout,
    /// Our customer.
    Customer,
    /// Our invoice.
    Invoice,
    /// The price version that an object stands for.
    Key,
    /// Our outbox row: the same money is never moved twice for it.
    Operation,
    /// The organization.
    Organization,
    /// Our credit pack.
    Pack,
    /// Our plan.
    Plan,
    /// What a checkout or payment is for.
    Purpose,
    /// How many packs.
    Quantity,
    /// Our refund.
    Refund,
    /// Our subscription.
    Subscription,
}

impl Tag {
    /// Every tag.
    pub const ALL: [Self; 12] = [
        Self::Checkout,
        Self::Customer,
        Self::Invoice,
        Self::Key,
        Self::Operation,
        Self::Organization,
        Self::Pack,
        Self::Plan,
        Self::Purpose,
        Self::Quantity,
        Self::Refund,
        Self::Subscription,
    ];

    /// The metadata key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Checkout => "owo_checkout",
            Self::Customer => "owo_customer",
            Self::Invoice => "owo_invoice",
            Self::Key => "owo_key",
            Self::Operation => "owo_operation",
            Self::Organization => "owo_organization",
            Self::Pack => "owo_pack",
            Self::Plan => "owo_plan",
            Self::Purpose => "owo_purpose",
            Self::Quantity => "owo_quantity",
            Self::Refund => "owo_refund",
            Self::Subscription => "owo_subscription",
        }
    }
}

/// Purpose of a checkout that only saves a payment method.
pub const PURPOSE_CARD_SETUP: &str = "card_setup";
/// Purpose of a checkout that saves a card for a trial which the provider does not know.
pub const PURPOSE_TRIAL: &str = "trial";

/// Tags with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<Tag, String>);

impl Tags {
    /// The tags with one more, or with another value for it.
    #[must_use]
    pub fn with(mut self, tag: Tag, value: impl Into<String>) -> Self {
        self.0.insert(tag, value.into());
        self
    }

    /// The value of a tag.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&str> {
        self.0.get(&tag).map(String::as_str)
    }

    /// Whether there is none; then the object is not one of ours.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags as a provider's metadata; values longer than providers keep are left out.
    #[must_use]
    pub fn metadata(&self) -> Value {
        let pairs = self
            .0
            .iter()
            .filter(|(_, value)| value.chars().count() <= VALUE_LENGTH_MAX)
            .map(|(tag, value)| (tag.key().to_owned(), Value::from(value.as_str())));
        Value::Object(pairs.collect())
    }

    /// The tags in a provider's metadata: an object, or the text of one; all else holds none.
    #[must_use]
    pub fn read(metadata: Option<&Value>) -> Self {
        match metadata {
            Some(Value::Object(fields)) => Self::from_fields(fields),
            // Paystack gives back text where it was sent text, and also "", 0 and null.
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(Value::Object(fields)) => Self::from_fields(&fields),
                _ => Self::default(),
            },
            _ => Self::default(),
        }
    }

    fn from_fields(fields: &Map<String, Value>) -> Self {
        let read = |tag: Tag| {
            let value = match fields.get(tag.key())? {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            let fits = !value.is_empty() && value.chars().count() <= VALUE_LENGTH_MAX;
            fits.then_some((tag, value))
        };
        Self(Tag::ALL.into_iter().filter_map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn comes_back_from_every_form_of_metadata() {
        let tags = Tags::default()
            .with(Tag::Customer, "acme")
            .with(Tag::Quantity, "2");
        let metadata = tags.metadata();
        assert_eq!(
            metadata,
            json!({"owo_customer": "acme", "owo_quantity": "2"})
        );
        assert_eq!(Tags::read(Some(&metadata)), tags);
        assert_eq!(Tags::read(Some(&json!(metadata.to_string()))), tags);
        assert_eq!(
            Tags::read(Some(
                &json!({"owo_customer": "acme", "owo_quantity": 2, "other": "x"})
            )),
            tags
        );
        for empty in [
            json!(""),
            json!(0),
            json!(null),
            json!([]),
            json!("{"),
            json!({}),
        ] {
            assert!(Tags::read(Some(&empty)).is_empty());
        }
        assert!(Tags::read(None).is_empty());
    }

    #[test]
    fn leaves_out_what_providers_refuse() {
        let tags = Tags::default().with(Tag::Plan, "x".repeat(501));
        assert_eq!(tags.metadata(), json!({}));
        assert!(Tags::read(Some(&json!({"owo_plan": "x".repeat(501), "owo_pack": {}}))).is_empty());
    }

    #[test]
    fn keys_fit_every_provider() {
        for tag in Tag::ALL {
            assert!(tag.key().len() <= 40 && !tag.key().contains(['[', ']']));
        }
    }
}
