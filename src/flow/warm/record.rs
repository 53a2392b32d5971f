//! A track whose entitlement is known: a take in shared memory and a narrow insert.

use super::context::Warm;
use super::known::Known;
use super::{Answered, Granted, context, known};
use crate::backend::call::Access;
use crate::backend::owner::AsOwner;
use crate::db;
use crate::error::Result;
use crate::flow::context::Level;
use crate::flow::hold;
use crate::flow::text;
use crate::flow::track::{self, UsageEvent};
use crate::meter::{self, shared};
use owostack_domain::entitlement::FeatureType;
use std::rc::Rc;

/// Records the event, if what it needs is known; None leaves everything as it was.
///
/// # Errors
/// As the ordinary track.
pub fn track(event: &UsageEvent) -> Result<Option<Answered>> {
    if !is_simple(event) {
        return Ok(None);
    }
    match context::find(Level::App, Access::Write, Access::Write.time()) {
        Some(warm) => track_in(&warm, event),
        None => Ok(None),
    }
}

fn is_simple(event: &UsageEvent) -> bool {
    event.value.is_positive()
        && event.idempotency_key.is_none()
        && event.customer_data.is_none()
        && event.occurred_at.is_none()
}

/// The same in a context that need not be the session's.
///
/// # Errors
/// As the ordinary track.
pub fn track_in(warm: &Warm, event: &UsageEvent) -> Result<Option<Answered>> {
    let known = known::find(warm, &event.question());
    let is_metered = |known: &Rc<Known>| known.entitlement.feature_type == FeatureType::Metered;
    let Some(known) = known.filter(|known| is_simple(event) && is_metered(known)) else {
        return Ok(None);
    };
    text::metadata(event.metadata.clone())?;
    // The lock may have waited for a switch: what is known must still stand after it.
    meter::enter([known.customer.id]);
    if !known.stands(warm.now) {
        return Ok(None);
    }
    if let Some(recorded) = plain(warm, &known, event)? {
        return Ok(Some(Answered::Granted(recorded)));
    }
    let judge = |used: &meter::Used| track::judge(&known.entitlement, used, event.value);
    let Some(judged) = shared::judge_now(known.customer.id, &known.places, judge)? else {
        return Ok(None);
    };
    if !judged.drawn.lines.is_empty() {
        let context = warm.own();
        let _owner = AsOwner::enter(context.caller.owner);
        track::write(
            &context,
            &known.customer,
            event,
            &known.entitlement,
            &judged,
        )?;
    }
    // Holds that are over may make room.
    let short = judged.decision.code.is_shortage();
    let is_final = !short || hold::is_clear(known.customer.id, warm.now);
    Ok(is_final.then(|| Answered::Decided(judged.decision.into())))
}

/// The shortest way: one meter, and after this event still something left of it.
///
/// What reaches or passes the limit has more to say, and goes the longer way.
fn plain(warm: &Warm, known: &Rc<Known>, event: &UsageEvent) -> Result<Option<Granted>> {
    let (Some(plain), value) = (known.plain, event.value) else {
        return Ok(None);
    };
    let Some(row) = known.row(value, event, warm.now)? else {
        return Ok(None);
    };
    let Some(details) = known.recorded_details(value) else {
        return Ok(None);
    };
    let taken = shared::take_one(known.customer.id, &plain.place, |used| {
        let after = used.checked_add(value)?;
        plain
            .limit
            .is_none_or(|limit| after < limit)
            .then_some(value)
    })?;
    let Some(before) = taken else {
        return Ok(None);
    };
    if !meter::record_plain(std::slice::from_ref(&row))? {
        let _owner = AsOwner::enter(warm.context.caller.owner);
        meter::writing(|| db::meter::append(std::slice::from_ref(&row)))?;
    }
    let usage = before.checked_add(value).unwrap_or(before);
    Ok(Some(Granted {
        usage,
        balance: plain.limit.and_then(|limit| limit.checked_sub(usage)),
        known: Rc::clone(known),
        details: Some(details),
        code: "tracked",
    }))
}
