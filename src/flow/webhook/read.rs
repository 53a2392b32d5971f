//! What a verified webhook is, before anything is done about it.
//!
//! Asked at receipt, and when a webhook is replayed. Invariant: an event has the same id at every
//! delivery, and one that our columns can hold.

use crate::db::webhook::Status;
use crate::flow::text;
use chrono::{DateTime, Datelike, Utc};
use owostack_provider::Provider;
use owostack_provider::account::Environment;
use owostack_provider::event::{Event, Reading};
use owostack_provider::webhook::{Delivery, fingerprint};

/// Longest id and kind that are kept as they are.
const NAME_LENGTH: usize = 255;
/// Years that a moment of a provider can lie in.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9_999;
/// Kind of a body that is no event.
const UNREADABLE: &str = "unreadable";

/// A verified webhook in the words of our columns.
pub struct Read {
    pub event_id: String,
    pub kind: String,
    pub status: Status,
    /// Why it will never be applied.
    pub error: Option<String>,
    pub event_at: Option<DateTime<Utc>>,
}

impl Read {
    /// Reads a webhook that came for an account of that environment.
    pub fn of(provider: &dyn Provider, delivery: &Delivery, environment: Environment) -> Self {
        match provider.event(delivery) {
            Ok(event) => Self::event(event, environment),
            Err(unreadable) => Self {
                event_id: fingerprint(delivery.body),
                kind: UNREADABLE.to_owned(),
                status: Status::Dead,
                error: Some(text::storable(&unreadable.message, NAME_LENGTH)),
                event_at: None,
            },
        }
    }

    fn event(event: Event, environment: Environment) -> Self {
        let foreign = event
            .live
            .is_some_and(|live| live != (environment == Environment::Live));
        let status = match event.reading {
            _ if foreign => Status::Dead,
            Reading::Used => Status::Received,
            Reading::Ignored => Status::Ignored,
            Reading::Unknown => Status::Unknown,
        };
        let is_plain = text::storable(&event.id, NAME_LENGTH) == event.id && !event.id.is_empty();
        Self {
            event_id: if is_plain {
                event.id
            } else {
                fingerprint(event.id.as_bytes())
            },
            kind: text::storable(&event.kind, NAME_LENGTH),
            status,
            error: foreign.then(|| {
                format!(
                    "the event is not of the environment {} of its account",
                    environment.as_str()
                )
            }),
            event_at: Some(event.at).filter(|at| YEARS.contains(&at.year())),
        }
    }
}
