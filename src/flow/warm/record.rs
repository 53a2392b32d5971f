//! A track whose entitlement is known: a take in shared memory and a narrow insert.

use super::{context, known};
use crate::backend::call::Access;
use crate::backend::owner::AsOwner;
use crate::error::Result;
use crate::flow::context::Level;
use crate::flow::decided::Decided;
use crate::flow::text;
use crate::flow::track::{self, UsageEvent};
use crate::meter::{self, shared};

/// Records the event, if what it needs is known; None leaves everything as it was.
///
/// # Errors
/// As the ordinary track.
pub fn track(event: &UsageEvent) -> Result<Option<Decided>> {
    let plain = event.value.is_positive()
        && event.idempotency_key.is_none()
        && event.customer_data.is_none()
        && event.occurred_at.is_none();
    if !plain {
        return Ok(None);
    }
    let Some(warm) = context::find(Level::App, Access::Write, Access::Write.time()) else {
        return Ok(None);
    };
    let Some(known) = known::find(&warm, &event.question()) else {
        return Ok(None);
    };
    text::metadata(event.metadata.clone())?;
    // The lock may have waited for a switch: what is known must still stand after it.
    meter::enter([known.customer.id]);
    if !known.stands(warm.now) {
        return Ok(None);
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
    Ok(Some(judged.decision.into()))
}
