//! Sources that need no plan: grants, the feature's default, an override of nothing.
//!
//! Called by `counted` and `flag`. Invariant: all of customer scope; what is not a grant counts
//! monthly. Deliberately absent: whether they apply.

use serde_json::Value;
use uuid::Uuid;

use super::facts::{Grant, Override, Scope, Subject};
use super::part::{Case, Part};
use super::source::{Source, SourceKind};
use crate::interval::{Cadence, Interval};
use crate::meter_key::{MeterKey, MeterSource};
use crate::period::{Anchor, Schedule, Time};
use crate::quantity::Quantity;

impl<'a> Case<'a> {
    /// An override of something that nothing else grants: monthly, as a default would be.
    pub fn bare_override(&self, held: &Override, part: Option<&Part<'a>>) -> Source {
        let anchor = match (held.subscription_id, part) {
            // A moved anchor gives nothing anew.
            (Some(_), Some(part)) => {
                let first = part.live.subscription.stages().last();
                first.map_or(self.facts.customer_created_at, |first| first.anchor_at)
            }
            _ => self.facts.customer_created_at,
        };
        self.monthly(
            SourceKind::Override,
            held.id,
            MeterSource::Override(held.id),
            anchor,
        )
    }

    /// The feature's default: a monthly allowance anchored at the customer's creation.
    pub fn default_source(&self, limit: Quantity) -> Source {
        Source {
            limit: Some(limit),
            ..self.monthly(
                SourceKind::Default,
                self.feature.id,
                MeterSource::Default(self.feature.id),
                self.facts.customer_created_at,
            )
        }
    }

    fn monthly(
        &self,
        kind: SourceKind,
        source_id: Uuid,
        source: MeterSource,
        anchor: Time,
    ) -> Source {
        let schedule = Schedule {
            cadence: Cadence::every(Interval::Monthly),
            anchor: Anchor::At(anchor),
            zone: self.facts.zone,
        };
        let subject = Subject::Feature(self.feature.id);
        self.plain(kind, source_id, source, subject, schedule)
    }

    /// Credits that were bought or given; they have one period that never ends.
    pub fn grant_source(&self, grant: &Grant) -> Source {
        let schedule = Schedule {
            cadence: Cadence::every(Interval::Never),
            anchor: Anchor::At(grant.created_at),
            zone: self.facts.zone,
        };
        let subject = Subject::CreditSystem(grant.credit_system_id);
        Source {
            limit: Some(grant.amount),
            expires_at: grant.expires_at,
            priority: grant.priority,
            created_at: grant.created_at,
            ..self.plain(
                SourceKind::Grant,
                grant.id,
                MeterSource::Grant(grant.id),
                subject,
                schedule,
            )
        }
    }

    /// An unlimited source of customer scope that is no plan's.
    fn plain(
        &self,
        kind: SourceKind,
        source_id: Uuid,
        source: MeterSource,
        subject: Subject,
        schedule: Schedule,
    ) -> Source {
        let moment = match schedule.anchor {
            Anchor::At(anchor) => self.at().max(anchor),
            Anchor::Calendar => self.at(),
        };
        let period = schedule.period_at(moment);
        let meter = MeterKey {
            customer_id: self.facts.customer_id,
            entity: None,
            subject,
            source,
            cadence: schedule.cadence,
            anchor: schedule.anchor,
            count_number: 0,
            origin: None,
        };
        Source {
            kind,
            source_id,
            scope: Scope::Customer,
            subject,
            counted: self.counted(&meter, period.number),
            meter,
            period,
            limit: None,
            recounts_at: None,
            ceiling: None,
            closed: false,
            usage_based: false,
            pools: Vec::new(),
            rollover: None,
            replaced: Vec::new(),
            expires_at: None,
            priority: 0,
            created_at: self.facts.customer_created_at,
        }
    }

    /// The default as a number; zero is as good as none.
    pub fn default_limit(&self) -> Option<Quantity> {
        let value = self.feature.default_value.as_ref()?;
        let number = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => return None,
        };
        Quantity::parse(&number)
            .ok()
            .filter(|limit| limit.is_positive())
    }
}
