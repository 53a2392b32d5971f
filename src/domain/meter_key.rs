//! Natural keys of meters, and the ids derived from them.
//!
//! Named by entitlement resolution, stored by `db/` when usage is folded. Invariant: a key spells
//! everything that makes two counts different, and its id is a function of it alone, so nobody has
//! to create a meter first. Deliberately absent: limits, which change while the count goes on.

use std::fmt;

use uuid::Uuid;

use crate::entitlement::facts::Subject;
use crate::ids::derived;
use crate::interval::Cadence;
use crate::period::Anchor;

/// Where an allowance comes from, as far as counting is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MeterSource {
    /// Base plan of an exclusive group: the count outlives the subscription.
    Group(Uuid),
    /// Add-on, or plan of a group that is not exclusive.
    Subscription(Uuid),
    /// Credits that were bought or given.
    Grant(Uuid),
    /// Override of something that no plan grants.
    Override(Uuid),
    /// Default of a feature; the id is the feature's.
    Default(Uuid),
}

impl MeterSource {
    /// The word that is stored.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Group(_) => "group",
            Self::Subscription(_) => "subscription",
            Self::Grant(_) => "grant",
            Self::Override(_) => "override",
            Self::Default(_) => "default",
        }
    }

    /// The row the word refers to.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Group(id)
            | Self::Subscription(id)
            | Self::Grant(id)
            | Self::Override(id)
            | Self::Default(id) => id,
        }
    }

    /// Reads back what `kind` and `id` wrote.
    #[must_use]
    pub fn parse(kind: &str, id: Uuid) -> Option<Self> {
        Some(match kind {
            "group" => Self::Group(id),
            "subscription" => Self::Subscription(id),
            "grant" => Self::Grant(id),
            "override" => Self::Override(id),
            "default" => Self::Default(id),
            _ => return None,
        })
    }
}

/// Everything that makes one meter different from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MeterKey {
    /// Who is counted.
    pub customer_id: Uuid,
    /// Set where each entity has a pool of its own.
    pub entity: Option<String>,
    /// What is counted.
    pub subject: Subject,
    /// Where the allowance comes from.
    pub source: MeterSource,
    /// How often it starts over.
    pub cadence: Cadence,
    /// From where its periods are counted.
    pub anchor: Anchor,
    /// Distinguishes a fresh count from an earlier one.
    pub count_number: i32,
    /// Rollover only: the period whose rest is drawn.
    pub origin: Option<i64>,
}

impl MeterKey {
    /// The meter's id: version 5, the customer as namespace, the canonical text as name.
    #[must_use]
    pub fn id(&self) -> Uuid {
        derived(self.customer_id, &self.to_string())
    }

    /// Id of the plan's meter that a rollover came from; `None` for every other meter.
    #[must_use]
    pub fn parent_id(&self) -> Option<Uuid> {
        self.origin.map(|_| self.parent().id())
    }

    /// The key without its origin.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self {
            origin: None,
            ..self.clone()
        }
    }

    /// The key of what was left over in a period of this meter.
    #[must_use]
    pub fn rollover(&self, origin: i64) -> Self {
        Self {
            origin: Some(origin),
            ..self.clone()
        }
    }

    /// The meter of this key in one period.
    #[must_use]
    pub fn in_period(&self, number: i64) -> MeterPeriod {
        MeterPeriod {
            meter_id: self.id(),
            number,
        }
    }
}

impl fmt::Display for MeterKey {
    /// The canonical text. The entity, the only free text, stands last: no two keys share a text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = match self.subject {
            Subject::Feature(_) => "feature",
            Subject::CreditSystem(_) => "credit_system",
        };
        write!(
            f,
            "{subject}:{};{}:{};{};{};{}",
            self.subject.id(),
            self.source.kind(),
            self.source.id(),
            self.cadence,
            self.anchor,
            self.count_number,
        )?;
        if let Some(origin) = self.origin {
            write!(f, ";rollover:{origin}")?;
        }
        if let Some(entity) = &self.entity {
            write!(f, ";entity:{entity}")?;
        }
        Ok(())
    }
}

/// One period of one meter: the place where usage is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterPeriod {
    /// The meter.
    pub meter_id: Uuid,
    /// Its period.
    pub number: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Interval;

    fn key() -> MeterKey {
        MeterKey {
            customer_id: Uuid::from_u128(1),
            entity: None,
            subject: Subject::Feature(Uuid::from_u128(2)),
            source: MeterSource::Group(Uuid::from_u128(3)),
            cadence: Cadence::every(Interval::Monthly),
            anchor: Anchor::Calendar,
            count_number: 0,
            origin: None,
        }
    }

    #[test]
    fn the_id_is_a_function_of_the_key() {
        assert_eq!(key().id(), key().id());
        assert_eq!(
            key().to_string(),
            "feature:00000000-0000-0000-0000-000000000002;group:00000000-0000-0000-0000-000000000003;monthly;calendar;0"
        );
        assert_eq!(
            key().id().to_string(),
            "c2909644-9698-533d-a918-889f296a87c7"
        );
    }

    #[test]
    fn every_part_of_the_key_changes_the_id() {
        let other = Uuid::from_u128(9);
        let keys = [
            key(),
            MeterKey {
                customer_id: other,
                ..key()
            },
            MeterKey {
                entity: Some(String::new()),
                ..key()
            },
            MeterKey {
                entity: Some("rollover:1".to_owned()),
                ..key()
            },
            MeterKey {
                subject: Subject::CreditSystem(Uuid::from_u128(2)),
                ..key()
            },
            MeterKey {
                source: MeterSource::Subscription(Uuid::from_u128(3)),
                ..key()
            },
            MeterKey {
                cadence: Cadence::new(Interval::Monthly, 2),
                ..key()
            },
            MeterKey {
                anchor: Anchor::At(chrono::DateTime::UNIX_EPOCH),
                ..key()
            },
            MeterKey {
                count_number: 1,
                ..key()
            },
            key().rollover(1),
            key().rollover(-1),
        ];
        let ids: std::collections::BTreeSet<Uuid> = keys.iter().map(MeterKey::id).collect();
        assert_eq!(ids.len(), keys.len());
    }

    #[test]
    fn a_rollover_knows_its_parent() {
        assert_eq!(key().parent_id(), None);
        assert_eq!(key().rollover(7).parent_id(), Some(key().id()));
        assert_eq!(key().rollover(7).parent(), key());
    }

    #[test]
    fn sources_read_back() {
        let id = Uuid::from_u128(5);
        for source in [
            MeterSource::Group(id),
            MeterSource::Subscription(id),
            MeterSource::Grant(id),
            MeterSource::Override(id),
            MeterSource::Default(id),
        ] {
            assert_eq!(MeterSource::parse(source.kind(), source.id()), Some(source));
        }
        assert_eq!(MeterSource::parse("plan", id), None);
    }
}
