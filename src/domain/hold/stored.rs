//! The JSON form of a hold's lines, as `owo.reservation` keeps it.
//!
//! Invariant: what is written reads back equal, and every place names the id of its meter, so that
//! SQL can join. Deliberately absent: leniency; nobody but this file writes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Line, Place};
use crate::entitlement::{SourceKind, Subject};
use crate::interval::Cadence;
use crate::meter_key::{MeterKey, MeterSource};
use crate::period::{Anchor, Period, Time};
use crate::quantity::Quantity;

#[derive(Serialize, Deserialize)]
struct StoredPlace {
    meter_id: Uuid,
    number: i64,
    period_start: Option<Time>,
    period_end: Option<Time>,
    subject_kind: String,
    subject_id: Uuid,
    source_kind: String,
    source_id: Uuid,
    cadence: Cadence,
    anchor_at: Option<Time>,
    count_number: i32,
    origin: Option<i64>,
    entity: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredLine {
    source: String,
    amount: Quantity,
    units: Quantity,
    overage: bool,
    place: StoredPlace,
    carried: Vec<StoredPlace>,
}

/// The lines as JSON.
#[must_use]
pub fn to_json(lines: &[Line]) -> Value {
    let stored: Vec<StoredLine> = lines.iter().map(StoredLine::from).collect();
    // Texts, numbers and times only: nothing that could fail.
    serde_json::to_value(stored).unwrap_or_default()
}

/// Reads back what [`to_json`] wrote; `None` for anything else.
#[must_use]
pub fn from_json(customer_id: Uuid, json: Value) -> Option<Vec<Line>> {
    let stored: Vec<StoredLine> = serde_json::from_value(json).ok()?;
    stored
        .into_iter()
        .map(|line| line.read(customer_id))
        .collect()
}

impl From<&Line> for StoredLine {
    fn from(line: &Line) -> Self {
        Self {
            source: line.kind.as_str().to_owned(),
            amount: line.amount,
            units: line.units,
            overage: line.overage,
            place: StoredPlace::from(&line.place),
            carried: line.carried.iter().map(StoredPlace::from).collect(),
        }
    }
}

impl StoredLine {
    fn read(self, customer_id: Uuid) -> Option<Line> {
        let carried = self.carried.into_iter();
        Some(Line {
            place: self.place.read(customer_id)?,
            kind: SourceKind::parse(&self.source)?,
            amount: self.amount,
            units: self.units,
            overage: self.overage,
            carried: carried
                .map(|place| place.read(customer_id))
                .collect::<Option<_>>()?,
        })
    }
}

impl From<&Place> for StoredPlace {
    fn from(place: &Place) -> Self {
        let (key, period) = (&place.key, place.period);
        let subject_kind = match key.subject {
            Subject::Feature(_) => "feature",
            Subject::CreditSystem(_) => "credit_system",
        };
        Self {
            meter_id: key.id(),
            number: period.number,
            period_start: period.start,
            period_end: period.end,
            subject_kind: subject_kind.to_owned(),
            subject_id: key.subject.id(),
            source_kind: key.source.kind().to_owned(),
            source_id: key.source.id(),
            cadence: key.cadence,
            anchor_at: match key.anchor {
                Anchor::At(at) => Some(at),
                Anchor::Calendar => None,
            },
            count_number: key.count_number,
            origin: key.origin,
            entity: key.entity.clone(),
        }
    }
}

impl StoredPlace {
    fn read(self, customer_id: Uuid) -> Option<Place> {
        let subject = match self.subject_kind.as_str() {
            "feature" => Subject::Feature(self.subject_id),
            "credit_system" => Subject::CreditSystem(self.subject_id),
            _ => return None,
        };
        let key = MeterKey {
            customer_id,
            entity: self.entity,
            subject,
            source: MeterSource::parse(&self.source_kind, self.source_id)?,
            cadence: self.cadence,
            anchor: self.anchor_at.map_or(Anchor::Calendar, Anchor::At),
            count_number: self.count_number,
            origin: self.origin,
        };
        let period = Period {
            number: self.number,
            start: self.period_start,
            end: self.period_end,
        };
        Some(Place { key, period })
    }
}
