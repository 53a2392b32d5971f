//! A command that has ended, as an event trigger meets it.

use crate::error::{Error, Result};
use pgrx::pg_sys;

/// Refuses a call that does not come from an event trigger.
///
/// # Errors
/// `39P01`.
pub fn require_ended(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    // SAFETY: Postgres passes valid call information; its context, if there is one, is a node.
    let tag = unsafe {
        fcinfo
            .as_ref()
            .and_then(|call| call.context.as_ref())
            .map(|node| node.type_)
    };
    if tag == Some(pg_sys::NodeTag::T_EventTriggerData) {
        return Ok(());
    }
    Err(Error::not_a_trigger(
        "an event trigger function was not called by an event trigger",
    ))
}
