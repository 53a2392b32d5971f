//! A track whose entitlement is known: a take in shared memory and a narrow insert.

use super::context::Warm;
use super::known::Known;
use super::plain::Plain;
use super::{Answered, Granted, context, known};
use crate::backend::call::Access;
use crate::backend::clock::{self, Tick};
use crate::backend::owner::AsOwner;
use crate::backend::random;
use crate::db::pending::{Pending, PlainEvent};
use crate::error::{Error, Result};
use crate::flow::context::Level;
use crate::flow::decided::Changing;
use crate::flow::hold;
use crate::flow::text;
use crate::flow::track::{self, UsageEvent};
use crate::meter::{self, shared};
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::FeatureType;
use owostack_domain::ids;
use owostack_domain::quantity::Quantity;
use serde_json::Value;
use std::rc::Rc;
use uuid::Uuid;

/// Records the event, if what it needs is known; None leaves everything as it was.
///
/// # Errors
/// As the ordinary track.
pub fn track(event: &UsageEvent) -> Result<Option<Answered>> {
    if !is_simple(event) {
        return Ok(None);
    }
    match context::find(Level::App, Access::Write, Access::Write.tick()) {
        Some(warm) => track_in(&warm, event),
        None => Ok(None),
    }
}

/// Records a value of what one plain allowance covers, with nothing else said about it; None leaves
/// everything as it was.
///
/// # Errors
/// As the ordinary track.
pub fn track_plain(customer: &[u8], feature: &[u8], value: Quantity) -> Result<Option<Granted>> {
    if !value.is_positive() {
        return Ok(None);
    }
    let Some(warm) = context::find(Level::App, Access::Write, Access::Write.tick()) else {
        return Ok(None);
    };
    let Some(known) = known::find(&warm, customer, feature) else {
        return Ok(None);
    };
    if known.plain.is_none() || !enter(&warm, &known) {
        return Ok(None);
    }
    plain(&warm, &known, value, None)
}

fn is_simple(event: &UsageEvent) -> bool {
    event.value.is_positive()
        && event.idempotency_key.is_none()
        && event.customer_data.is_none()
        && event.occurred_at.is_none()
}

/// Takes the customer's lock; whether what is known still stands then: it may have waited for a
/// switch.
fn enter(warm: &Warm, known: &Known) -> bool {
    meter::enter_one(known.customer_id());
    known.stands(warm.tick)
}

/// The same in a context that need not be the session's.
///
/// # Errors
/// As the ordinary track.
pub fn track_in(warm: &Warm, event: &UsageEvent) -> Result<Option<Answered>> {
    let known = known::find_for(warm, &event.question());
    let is_metered = |known: &Rc<Known>| known.entitlement.feature_type == FeatureType::Metered;
    let Some(known) = known.filter(|known| is_simple(event) && is_metered(known)) else {
        return Ok(None);
    };
    text::metadata(event.metadata.clone())?;
    if !enter(warm, &known) {
        return Ok(None);
    }
    if let Some(recorded) = plain(warm, &known, event.value, event.metadata.as_ref())? {
        return Ok(Some(Answered::Granted(recorded)));
    }
    let judge = |used: &meter::Used| track::judge(&known.entitlement, used, event.value);
    let Some(judged) = shared::judge_now(known.customer_id(), &known.places, judge)? else {
        return Ok(None);
    };
    if !judged.drawn.lines.is_empty() {
        let context = warm.own();
        let _owner = AsOwner::enter(context.caller.owner);
        track::write(
            &context,
            known.customer_id(),
            event,
            &known.entitlement,
            &judged,
        )?;
    }
    // Holds that are over may make room.
    let short = judged.decision.code.is_shortage();
    let is_final = !short || hold::is_clear(known.customer_id(), warm.now());
    if !is_final {
        return Ok(None);
    }
    let (id, decision) = (known.customer_id(), judged.decision);
    let decision = track::shown(id, &known.entitlement, decision, event.value)?;
    Ok(Some(Answered::Decided(decision.into())))
}

/// The shortest way: one meter, and after this event still something left of it.
///
/// What reaches or passes the limit has more to say, and goes the longer way.
fn plain(
    warm: &Warm,
    known: &Rc<Known>,
    value: Quantity,
    metadata: Option<&Value>,
) -> Result<Option<Granted>> {
    let Some(taken) = take(known, value, warm.tick)? else {
        return Ok(None);
    };
    let again = known.plain.as_ref().is_some_and(Plain::comes_again);
    let usual = match metadata {
        None if again => taken.row(),
        _ => None,
    };
    if !usual.is_some_and(|row| meter::record_one(&row)) {
        let row = taken.pending(warm.now(), metadata)?;
        if !meter::record_new(&row) {
            let _owner = AsOwner::enter(warm.context.caller.owner);
            meter::record_rows(&[row])?;
        }
    }
    Ok(Some(taken.granted))
}

/// A value that was taken of a plain allowance and must be recorded.
pub struct Taken {
    pub granted: Granted,
    pub value: Quantity,
    /// Of the row that records it.
    id: Uuid,
    at: Tick,
}

/// Takes a value of a plain allowance of which something is left then; None leaves it as it was.
///
/// # Errors
/// As the ordinary track.
pub fn take(known: &Rc<Known>, value: Quantity, at: Tick) -> Result<Option<Taken>> {
    let Some(plain) = &known.plain else {
        return Ok(None);
    };
    let Some(details) = plain.recorded_details(&known.entitlement, value) else {
        return Ok(None);
    };
    let id = ids::at_milliseconds(clock::unix_milliseconds(at), random::ten_bytes()?);
    let taken = shared::take_one(known.customer_id(), &plain.place, |used| {
        let after = used.checked_add(value)?;
        plain
            .limit
            .is_none_or(|limit| after < limit)
            .then_some(value)
    })?;
    let Some(before) = taken else {
        return Ok(None);
    };
    let usage = before.checked_add(value).unwrap_or(before);
    Ok(Some(Taken {
        granted: Granted {
            usage,
            balance: plain.limit.and_then(|limit| limit.checked_sub(usage)),
            known: Rc::clone(known),
            details: Some(details.row()),
            code: "tracked",
        },
        value,
        id,
        at,
    }))
}

impl Taken {
    /// The row that records it, as the table takes it.
    pub fn row(&self) -> Option<PlainEvent<'_>> {
        let known = &self.granted.known;
        Some(PlainEvent {
            row: known.plain.as_ref()?.prepared(&known.entitlement)?,
            value: self.value,
            id: self.id,
            at: self.at,
        })
    }

    /// The row that records it, for a table that is not as we made it or with more to say.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn pending(&self, at: DateTime<Utc>, metadata: Option<&Value>) -> Result<Pending> {
        let known = &self.granted.known;
        let plain = known.plain.as_ref();
        let row = plain
            .and_then(|plain| plain.row(&known.entitlement))
            .ok_or_else(|| Error::internal("an allowance that is plain"))?;
        Ok(Pending {
            quantity: self.value,
            units: self.value,
            id: self.id,
            at,
            metadata: metadata.cloned(),
            ..row
        })
    }

    /// The answer, to be stored under a key: what is its own, and what it shares with others.
    ///
    /// # Errors
    /// When the allowance is not plain.
    pub fn answer(&self) -> Result<(Changing, Rc<str>)> {
        let known = &self.granted.known;
        let lost = || Error::internal("an allowance that is plain");
        let plain = known.plain.as_ref().ok_or_else(lost)?;
        let details = plain.recorded_details(&known.entitlement, self.value);
        let details = details.ok_or_else(lost)?;
        let changing = Changing {
            code: self.granted.code,
            usage: self.granted.usage,
            balance: self.granted.balance,
        };
        let lasting = details.lasting(&known.entitlement, plain.limit);
        Ok((changing, Rc::clone(lasting)))
    }
}
