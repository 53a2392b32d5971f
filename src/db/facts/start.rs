//! Where a subscription counts from, and where it counted from before, as its row spells them.
//!
//! Read by `facts::customer`, written by `db::subscription`. Absent: what that means
//! (`owostack_domain::subscription::stage`).

use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::FeatureStart;
use owostack_domain::subscription::stage::Start;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Subjects whose start differs, as a row has them.
pub fn spell_feature_starts(starts: &BTreeMap<Uuid, FeatureStart>) -> Value {
    let entry = |(subject, start): (&Uuid, &FeatureStart)| {
        let value = json!({ "anchor_at": start.anchor_at, "count": start.count_number });
        (subject.to_string(), value)
    };
    Value::Object(starts.iter().map(entry).collect::<Map<String, Value>>())
}

/// The same, read back.
///
/// # Errors
/// An internal error when the row says anything else.
pub fn feature_starts(value: &Value) -> Result<BTreeMap<Uuid, FeatureStart>> {
    let wrong = || Error::internal("feature_starts of a subscription");
    let fields = value.as_object().ok_or_else(wrong)?;
    let entry = |(subject, start): (&String, &Value)| {
        let read = FeatureStart {
            anchor_at: time(start, "anchor_at")?,
            count_number: count(start)?,
        };
        Some((Uuid::try_parse(subject).ok()?, read))
    };
    fields
        .iter()
        .map(|field| entry(field).ok_or_else(wrong))
        .collect()
}

/// Earlier stages of a subscription, oldest first, as a row has them.
pub fn spell_earlier(starts: &[Start]) -> Value {
    let spelled = starts.iter().map(|start| {
        json!({
            "moved_at": start.moved_at,
            "anchor_at": start.anchor_at,
            "count": start.count_number,
            "period_over": start.period_over,
            "feature_starts": spell_feature_starts(&start.feature_starts),
        })
    });
    Value::Array(spelled.collect())
}

/// The same, read back.
///
/// # Errors
/// An internal error when the row says anything else.
pub fn earlier(value: &Value) -> Result<Vec<Start>> {
    let wrong = || Error::internal("earlier_anchors of a subscription");
    let stages = value.as_array().ok_or_else(wrong)?;
    let stage = |start: &Value| {
        Some(Start {
            moved_at: match start.get("moved_at")? {
                Value::Null => None,
                _ => Some(time(start, "moved_at")?),
            },
            anchor_at: time(start, "anchor_at")?,
            count_number: count(start)?,
            period_over: start.get("period_over")?.as_bool()?,
            feature_starts: feature_starts(start.get("feature_starts")?).ok()?,
        })
    };
    stages
        .iter()
        .map(|start| stage(start).ok_or_else(wrong))
        .collect()
}

fn time(start: &Value, key: &str) -> Option<DateTime<Utc>> {
    let text = start.get(key)?.as_str()?;
    Some(DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc))
}

fn count(start: &Value) -> Option<i32> {
    i32::try_from(start.get("count")?.as_i64()?).ok()
}
