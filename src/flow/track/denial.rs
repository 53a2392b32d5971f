//! What a denial shows: the state that a check would show.
//!
//! Called where a track, a hold or a settle found too little. In the shared engine a take sees what
//! others have open as spent and what they give back as not there yet: that decides, but it is
//! nobody's usage, and may never be. Invariant: whether, and why, is as it was judged.

use super::judgement::places;
use crate::error::Result;
use crate::meter;
use owostack_domain::decision::{self, Decision};
use owostack_domain::entitlement::Entitlement;
use owostack_domain::quantity::Quantity;
use uuid::Uuid;

/// A denial of `value` with what is committed and this transaction's own in its numbers; any other
/// decision as it is.
///
/// # Errors
/// As the statements of a load.
pub fn shown(
    customer_id: Uuid,
    entitlement: &Entitlement,
    decision: Decision,
    value: Quantity,
) -> Result<Decision> {
    if !decision.code.is_shortage() {
        return Ok(decision);
    }
    let visible = meter::visible(customer_id, &places(entitlement))?;
    Ok(match visible {
        Some(used) => decision::state(entitlement, &used, decision.code, value),
        None => decision,
    })
}
