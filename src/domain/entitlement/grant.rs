//! Grants: credits that were bought or given, until they are spent or closed.
//!
//! Loaded as facts; `flow/gift` closes them. Invariant: what is closed gives nothing any more, at
//! whatever moment is asked about. Deliberately absent: what was used, which is on the meter.

use uuid::Uuid;

use super::facts::Subject;
use crate::interval::{Cadence, Interval};
use crate::meter_key::{MeterKey, MeterSource};
use crate::period::{Anchor, Period, Schedule, Time, Tz};
use crate::quantity::Quantity;

/// Credits that were bought or given.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Row id.
    pub id: Uuid,
    /// The system whose credits these are.
    pub credit_system_id: Uuid,
    /// How many there were.
    pub amount: Quantity,
    /// Lower is drawn first.
    pub priority: i32,
    /// When they were given.
    pub created_at: Time,
    /// When they end; None: never.
    pub expires_at: Option<Time>,
    /// Why nothing more is given, also for late events: what was left has been taken.
    pub closed: Option<GrantClosing>,
}

/// Why a grant gives nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantClosing {
    /// Its date has passed.
    Expired,
    /// It was taken back.
    Voided,
}

impl GrantClosing {
    /// The word of `owo.credit_grant.closed_as`, and of the record of what was left.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Voided => "voided",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Expired, Self::Voided]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
}

impl Grant {
    /// True as long as it may be drawn from.
    #[must_use]
    pub fn gives(&self, at: Time) -> bool {
        self.closed.is_none() && self.expires_at.is_none_or(|end| at < end)
    }

    /// Closes it if its date has passed; the row follows when dates are made rows.
    pub fn expire(&mut self, until: Time) {
        if self.closed.is_none() && self.expires_at.is_some_and(|end| end <= until) {
            self.closed = Some(GrantClosing::Expired);
        }
    }
}

/// Where everything that is drawn from a grant is counted: one period that never ends.
#[must_use]
pub fn grant_meter(customer_id: Uuid, grant: &Grant) -> (MeterKey, Period) {
    let schedule = Schedule {
        cadence: Cadence::every(Interval::Never),
        anchor: Anchor::At(grant.created_at),
        zone: Tz::UTC,
    };
    let meter = MeterKey {
        customer_id,
        entity: None,
        subject: Subject::CreditSystem(grant.credit_system_id),
        source: MeterSource::Grant(grant.id),
        cadence: schedule.cadence,
        anchor: schedule.anchor,
        count_number: 0,
        origin: None,
    };
    (meter, schedule.period_at(grant.created_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entitlement::fixture::{CREDITS, World, time};
    use crate::entitlement::pool;

    #[test]
    fn a_grant_is_counted_where_it_is_drawn() {
        let mut world = World::new();
        world.system();
        let grant = world.grant(300, "20").clone();
        let pool = pool(&world.facts, CREDITS, time("2026-02-01")).unwrap();
        let source = pool.sources.first().unwrap();
        let (meter, period) = grant_meter(world.facts.customer_id, &grant);
        assert_eq!((&source.meter, source.period), (&meter, period));
    }

    #[test]
    fn a_date_closes_it_for_every_moment() {
        let mut world = World::new();
        let grant = world.grant(300, "20");
        grant.expires_at = Some(time("2026-03-01"));
        grant.expire(time("2026-02-28"));
        assert!(grant.gives(time("2026-02-28")) && !grant.gives(time("2026-03-01")));
        grant.expire(time("2026-03-01"));
        assert!(!grant.gives(time("2026-02-28")));
        assert_eq!(grant.closed, Some(GrantClosing::Expired));
        grant.closed = Some(GrantClosing::Voided);
        grant.expire(time("2026-04-01"));
        assert_eq!(grant.closed, Some(GrantClosing::Voided));
    }
}
