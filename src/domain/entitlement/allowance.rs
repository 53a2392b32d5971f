//! The meter of a plan's allowance at a moment: key, schedule and running period.
//!
//! Called by resolution, and by the lifecycle for carrying usage over at a switch. Invariant: an
//! edited interval or anchor acts from the next boundary of the old one, so no period is cut short
//! and none is granted twice. Deliberately absent: limits, which act at once.

use chrono_tz::Tz;
use uuid::Uuid;

use super::facts::{PlanFeature, ResetAnchor, Scope, Subscription};
use crate::interval::{Cadence, Interval, Reset};
use crate::meter_key::{MeterKey, MeterSource};
use crate::period::{Anchor, Period, Schedule, Time};

/// Where a plan's allowance is counted at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The meter.
    pub meter: MeterKey,
    /// Its periods.
    pub schedule: Schedule,
    /// The period that runs.
    pub period: Period,
    /// Since when periods of this schedule are in force.
    pub since: Time,
}

impl Allowance {
    /// The period that a moment is counted in; those before the anchor belong to the first.
    #[must_use]
    pub fn number_at(&self, at: Time) -> i64 {
        counted_in(&self.schedule, at).number
    }
}

/// The period that a moment is counted in; those before the anchor belong to the first.
fn counted_in(schedule: &Schedule, at: Time) -> Period {
    schedule.period_at(match schedule.anchor {
        Anchor::At(anchor) => at.max(anchor),
        Anchor::Calendar => at,
    })
}

/// Whose allowance is asked for, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The customer.
    pub customer_id: Uuid,
    /// Zone of its calendar.
    pub zone: Tz,
    /// The entity named, if any.
    pub entity: Option<&'a str>,
    /// The moment.
    pub at: Time,
}

/// The meter, schedule and period of what a plan says about a subject, for one subscription.
///
/// Moments before the count began belong to its first period.
#[must_use]
pub fn allowance(
    asked: Asked<'_>,
    subscription: &Subscription,
    feature: &PlanFeature,
) -> Allowance {
    let start = subscription.start_of(feature.subject);
    let anchor_at = start.anchor_at;
    let began = subscription.counts_from(feature.subject);
    let terms = Terms {
        subscription,
        zone: asked.zone,
        anchor_at,
    };
    let force = terms.in_force(feature, began, asked.at);
    let schedule = force.schedule;
    let mut period = counted_in(&schedule, asked.at);
    // An endless period ends all the same when the catalog has replaced it.
    period.end = period.end.or(force.until);
    let entity = match feature.scope {
        Scope::Entity => asked.entity.map(str::to_owned),
        Scope::Customer => None,
    };
    Allowance {
        meter: MeterKey {
            customer_id: asked.customer_id,
            entity,
            subject: feature.subject,
            source: meter_source(subscription),
            cadence: schedule.cadence,
            anchor: schedule.anchor,
            count_number: start.count_number,
            origin: None,
        },
        schedule,
        period,
        since: force.since,
    }
}

/// The source that a subscription's meters are named after.
#[must_use]
pub const fn meter_source(subscription: &Subscription) -> MeterSource {
    if subscription.base {
        MeterSource::Group(subscription.group_id)
    } else {
        MeterSource::Subscription(subscription.id)
    }
}

/// What turns a reset into a schedule.
struct Terms<'a> {
    subscription: &'a Subscription,
    zone: Tz,
    anchor_at: Time,
}

/// A reset that was, or is, in the catalog.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Edition {
    reset: Reset,
    anchor: ResetAnchor,
    /// None: still in the catalog.
    until: Option<Time>,
}

/// A schedule and the stretch of time in which it is in force.
struct Force {
    schedule: Schedule,
    since: Time,
    until: Option<Time>,
}

impl Terms<'_> {
    /// The schedule in force at a moment.
    fn in_force(&self, feature: &PlanFeature, began: Time, at: Time) -> Force {
        let editions = editions(feature, began);
        let mut since = began;
        let mut index = 0;
        while let Some(edition) = editions.get(index) {
            let schedule = self.schedule(*edition);
            let next = editions.get(index.saturating_add(1)).copied();
            let until = self.end(schedule, edition.until, next);
            let Some(end) = until.filter(|end| *end <= at) else {
                return Force {
                    schedule,
                    since,
                    until,
                };
            };
            since = end;
            // Editions that came and went before the boundary were never in force.
            index = editions
                .iter()
                .position(|later| later.until.is_none_or(|until| until > end))
                .unwrap_or(editions.len())
                .max(index.saturating_add(1));
        }
        let current = Edition {
            reset: feature.reset,
            anchor: feature.reset_anchor,
            until: None,
        };
        Force {
            schedule: self.schedule(current),
            since,
            until: None,
        }
    }

    /// When an edition gives way: the end of its period in which it was replaced. An endless one
    /// gives way at the next boundary of its successor.
    fn end(&self, schedule: Schedule, until: Option<Time>, next: Option<Edition>) -> Option<Time> {
        let until = until?;
        match schedule.period_at(until).end {
            Some(end) => Some(end),
            None => self.schedule(next?).period_at(until).end,
        }
    }

    fn schedule(&self, edition: Edition) -> Schedule {
        let cadence = match edition.reset {
            Reset::Every(interval) => Cadence::every(interval),
            // Paid once: there is no billing period that could end.
            Reset::BillingPeriod if self.subscription.one_time => Cadence::every(Interval::Never),
            Reset::BillingPeriod => self.subscription.cadence,
        };
        let anchor = match edition.anchor {
            ResetAnchor::Billing => Anchor::At(self.anchor_at),
            ResetAnchor::Calendar => Anchor::Calendar,
        };
        Schedule {
            cadence,
            anchor,
            zone: self.zone,
        }
    }
}

/// The resets in the catalog since the count began, oldest first; equal neighbours are one.
fn editions(feature: &PlanFeature, began: Time) -> Vec<Edition> {
    let mut past: Vec<Edition> = feature
        .history
        .iter()
        .filter(|past| past.valid_until > began)
        .map(|past| Edition {
            reset: past.reset,
            anchor: past.reset_anchor,
            until: Some(past.valid_until),
        })
        .collect();
    past.sort_by_key(|edition| edition.until);
    past.push(Edition {
        reset: feature.reset,
        anchor: feature.reset_anchor,
        until: None,
    });
    let mut editions: Vec<Edition> = Vec::with_capacity(past.len());
    for edition in past {
        match editions.last_mut() {
            Some(last) if last.reset == edition.reset && last.anchor == edition.anchor => {
                last.until = edition.until;
            }
            _ => editions.push(edition),
        }
    }
    editions
}
