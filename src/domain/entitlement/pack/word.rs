//! Enumerations as one byte each.

use uuid::Uuid;

use super::Pack;
use crate::entitlement::{FeatureType, GrantState, Scope, SourceKind, Status, Subject};
use crate::interval::Interval;
use crate::meter_key::MeterSource;

/// The byte is the place in the list, which names every variant: adding one without its place does
/// not compile.
macro_rules! words {
    ($($type:ident { $($variant:ident = $byte:literal)* })*) => {
        $(impl Pack for $type {
            fn pack(&self, bytes: &mut Vec<u8>) {
                let byte: u8 = match self {
                    $(Self::$variant => $byte,)*
                };
                byte.pack(bytes);
            }

            fn unpack(bytes: &mut &[u8]) -> Option<Self> {
                Some(match u8::unpack(bytes)? {
                    $($byte => Self::$variant,)*
                    _ => return None,
                })
            }
        })*
    };
}

words! {
    FeatureType { Boolean = 0 Metered = 1 Entity = 2 Static = 3 }
    GrantState { Nothing = 0 NotInPlan = 1 Granted = 2 }
    Scope { Customer = 0 Entity = 1 }
    SourceKind { Rollover = 0 Plan = 1 Addon = 2 Override = 3 Grant = 4 Default = 5 }
    Status {
        Incomplete = 0 Trialing = 1 Active = 2 PastDue = 3 Paused = 4 Canceled = 5 Expired = 6
    }
    Interval {
        Minutes5 = 0 Minutes15 = 1 Minutes30 = 2 Hourly = 3 Daily = 4 Weekly = 5 Monthly = 6
        Quarterly = 7 SemiAnnual = 8 Yearly = 9 Never = 10
    }
}

impl Pack for Subject {
    fn pack(&self, bytes: &mut Vec<u8>) {
        matches!(self, Self::CreditSystem(_)).pack(bytes);
        self.id().pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let in_credits = bool::unpack(bytes)?;
        let id = Uuid::unpack(bytes)?;
        Some(if in_credits {
            Self::CreditSystem(id)
        } else {
            Self::Feature(id)
        })
    }
}

/// The byte of a meter's source.
pub fn source(source: MeterSource) -> u8 {
    match source {
        MeterSource::Group(_) => 0,
        MeterSource::Subscription(_) => 1,
        MeterSource::Grant(_) => 2,
        MeterSource::Override(_) => 3,
        MeterSource::Default(_) => 4,
    }
}

/// The source of that byte and id.
pub fn source_of(byte: u8, id: Uuid) -> Option<MeterSource> {
    Some(match byte {
        0 => MeterSource::Group(id),
        1 => MeterSource::Subscription(id),
        2 => MeterSource::Grant(id),
        3 => MeterSource::Override(id),
        4 => MeterSource::Default(id),
        _ => return None,
    })
}
