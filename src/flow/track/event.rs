//! One event as it was asked for: its bounds, its identity for replay, its JSON form in a batch.

use crate::backend::json::{Item, Json};
use crate::error::{Error, Result};
use crate::flow::check::Question;
use crate::flow::context::Context;
use crate::flow::customer::Profile;
use crate::flow::idempotency;
use crate::flow::text;
use chrono::{DateTime, Duration, Utc};
use owostack_domain::quantity::{Quantity, QuantityError};
use serde::Serialize;
use serde_json::{Map, Value};

/// Most events of one batch: more belong into several calls.
const BATCH_EVENTS: usize = 100_000;

/// How far ahead of our clock an event may be; it then counts as now.
const AHEAD_MINUTES: i64 = 5;

/// The arguments of a track.
#[derive(Debug, Clone)]
pub struct UsageEvent {
    pub customer: String,
    pub feature: String,
    pub value: Quantity,
    pub entity: Option<String>,
    pub metadata: Option<Value>,
    pub idempotency_key: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub customer_data: Option<Value>,
}

/// See [`UsageEvent::request`].
#[derive(Serialize)]
struct Request<'a> {
    call: &'static str,
    feature: &'a str,
    value: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<i64>,
}

impl UsageEvent {
    /// Checks every bound that needs no table.
    ///
    /// # Errors
    /// `22023` naming the argument.
    pub fn check(&self, context: &Context) -> Result<()> {
        text::bounded("customer", &self.customer, text::EMAIL_LENGTH)?;
        text::bounded("feature", &self.feature, text::KEY_LENGTH)?;
        if let Some(entity) = &self.entity {
            text::bounded("entity", entity, text::KEY_LENGTH)?;
        }
        if let Some(key) = &self.idempotency_key {
            idempotency::check(key)?;
        }
        if self.metadata.is_some() {
            text::metadata(self.metadata.clone())?;
        }
        if let Some(data) = &self.customer_data {
            Profile::from_json(data.clone())?;
        }
        self.happened_at(context).map(|_| ())
    }

    /// When it happened, as far as counting is concerned.
    ///
    /// # Errors
    /// `22023` when older than `event_age_days` or too far ahead.
    pub fn happened_at(&self, context: &Context) -> Result<DateTime<Utc>> {
        let Some(at) = self.occurred_at else {
            return Ok(context.now);
        };
        let age = context.organization.event_age_days;
        if at < context.now - Duration::days(age.into()) {
            return Err(
                Error::invalid(format!("occurred_at {} is too old", at.to_rfc3339()))
                    .detail(format!("Events are accepted up to {age} days late.")),
            );
        }
        if at > context.now + Duration::minutes(AHEAD_MINUTES) {
            return Err(Error::invalid(format!(
                "occurred_at {} is in the future",
                at.to_rfc3339()
            ))
            .detail(format!(
                "Events are accepted up to {AHEAD_MINUTES} minutes ahead."
            )));
        }
        Ok(at.min(context.now))
    }

    /// The question that a check of the same usage would ask.
    pub fn question(&self) -> Question<'_> {
        Question {
            customer: Some(&self.customer),
            feature: Some(&self.feature),
            entity: self.entity.as_deref(),
        }
    }

    /// Whether [`UsageEvent::request`] says the same of both.
    pub fn is_same_request(&self, other: &Self) -> bool {
        self.feature == other.feature
            && self.value == other.value
            && self.entity == other.entity
            && self.occurred_at == other.occurred_at
    }

    /// What makes two calls with one key the same request.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn request(&self) -> Result<String> {
        let request = Request {
            call: "track",
            feature: &self.feature,
            value: self.value,
            entity: self.entity.as_deref(),
            occurred_at: self.occurred_at.map(|at| at.timestamp_micros()),
        };
        serde_json::to_string(&request).map_err(|_| Error::internal("a request that is not JSON"))
    }

    fn from_json(event: Value) -> Result<Self> {
        let Value::Object(mut fields) = event else {
            return Err(Error::invalid("an event must be a JSON object"));
        };
        let read = Self {
            customer: take_text(&mut fields, "customer")?
                .ok_or_else(|| Error::null_argument("customer"))?,
            feature: take_text(&mut fields, "feature")?
                .ok_or_else(|| Error::null_argument("feature"))?,
            value: take_value(&mut fields)?,
            entity: take_text(&mut fields, "entity")?,
            metadata: take_json(&mut fields, "metadata"),
            idempotency_key: take_text(&mut fields, "idempotency_key")?,
            occurred_at: take_time(&mut fields)?,
            customer_data: take_json(&mut fields, "customer_data"),
        };
        match fields.keys().next() {
            None => Ok(read),
            Some(key) => Err(
                Error::invalid(format!("an event has an unknown key \"{key}\""))
                    .hint("Keys are the argument names of owo_track()."),
            ),
        }
    }
}

fn take_json(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    fields.remove(name).filter(|value| !value.is_null())
}

fn take_text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>> {
    match take_json(fields, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::invalid(format!("{name} must be a string"))),
    }
}

fn take_value(fields: &mut Map<String, Value>) -> Result<Quantity> {
    let text = match fields.remove("value") {
        None => return Ok(Quantity::ONE),
        Some(Value::Null) => return Err(Error::null_argument("value")),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text,
        Some(_) => return Err(Error::invalid("value must be a number")),
    };
    Quantity::parse(&text).map_err(|error| match error {
        QuantityError::OutOfRange => Error::out_of_range(format!("value is {text}: {error}")),
        _ => Error::invalid(format!("value is {text}: {error}")),
    })
}

fn take_time(fields: &mut Map<String, Value>) -> Result<Option<DateTime<Utc>>> {
    let Some(text) = take_text(fields, "occurred_at")? else {
        return Ok(None);
    };
    time(&text).map(Some).ok_or_else(|| {
        Error::invalid(format!("occurred_at \"{text}\" is not a time"))
            .hint("Write it as RFC 3339 says, such as 2026-01-31T12:00:00Z.")
    })
}

/// Reads the argument of `owo_track_batch`.
///
/// # Errors
/// `22023` when it is not an array of events.
pub fn read_events(events: Json) -> Result<Vec<UsageEvent>> {
    if let Some(read) = walk(events) {
        return Ok(read);
    }
    // Something in it is unusual; this way says what, and where.
    let Value::Array(events) = events.value()? else {
        return Err(Error::invalid("events must be a JSON array"));
    };
    if events.len() > BATCH_EVENTS {
        return Err(Error::invalid(format!(
            "events has {} elements, at most {BATCH_EVENTS} are allowed",
            events.len()
        )));
    }
    let read = |(index, event)| {
        UsageEvent::from_json(event).map_err(|error| error.within(&format!("In events[{index}].")))
    };
    events.into_iter().enumerate().map(read).collect()
}

/// Events in plain words; None where the other way must look at them.
fn walk(events: Json) -> Option<Vec<UsageEvent>> {
    let begin = || UsageEvent {
        customer: String::new(),
        feature: String::new(),
        value: Quantity::ONE,
        entity: None,
        metadata: None,
        idempotency_key: None,
        occurred_at: None,
        customer_data: None,
    };
    let read = events.objects(begin, |event, key, item| {
        match (key, item) {
            ("customer", Item::Text(text)) => event.customer = text.to_owned(),
            ("feature", Item::Text(text)) => event.feature = text.to_owned(),
            ("value", Item::Number(number)) => event.value = number,
            ("entity", Item::Text(text)) => event.entity = Some(text.to_owned()),
            ("idempotency_key", Item::Text(text)) => event.idempotency_key = Some(text.to_owned()),
            ("occurred_at", Item::Text(text)) => event.occurred_at = Some(time(text)?),
            ("metadata", Item::Document(json)) => event.metadata = Some(json.value().ok()?),
            ("customer_data", Item::Document(json)) => {
                event.customer_data = Some(json.value().ok()?);
            }
            (
                "entity" | "idempotency_key" | "occurred_at" | "metadata" | "customer_data",
                Item::Null,
            ) => {}
            _ => return None,
        }
        Some(())
    })?;
    // An absent name is an error of its own, an empty one another: both are told elsewhere.
    let whole = |event: &UsageEvent| !event.customer.is_empty() && !event.feature.is_empty();
    (read.len() <= BATCH_EVENTS && read.iter().all(whole)).then_some(read)
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    let read = DateTime::parse_from_rfc3339(text).ok()?;
    Some(read.with_timezone(&Utc))
}
