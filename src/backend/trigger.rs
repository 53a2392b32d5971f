//! Functions that are called as triggers: whether they are, and what they hand back to Postgres.

use crate::backend::answer::Answer;
use crate::error::{Error, Result};
use pgrx::pg_sys;

/// The trigger data of the call; None when the function was not called as a trigger.
fn data<'a>(fcinfo: pg_sys::FunctionCallInfo) -> Option<&'a pg_sys::TriggerData> {
    // SAFETY: Postgres passes valid call information; its context is trigger data when the
    // function is called as a trigger, which is checked by node tag.
    unsafe {
        let context = fcinfo.as_ref()?.context.cast::<pg_sys::TriggerData>();
        context
            .as_ref()
            .filter(|data| data.type_ == pg_sys::NodeTag::T_TriggerData)
    }
}

/// Refuses a call from SQL, and triggers on anybody else's table.
///
/// # Errors
/// `39P01`, `42501`.
pub fn require_own(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    let relation = data(fcinfo)
        // SAFETY: trigger data of a running trigger names its open relation.
        .and_then(|data| unsafe { data.tg_relation.as_ref() })
        .ok_or_else(|| Error::not_a_trigger("a trigger function was not called by a trigger"))?;
    require_own_table(relation.rd_id)
}

/// Refuses a table outside schema `owo`, where only the extension's owner makes any.
///
/// # Errors
/// `42501`.
pub fn require_own_table(relation: pg_sys::Oid) -> Result<()> {
    // SAFETY: catalog look-ups that answer an invalid oid for what they do not know.
    let (namespace, own) = unsafe {
        (
            pg_sys::get_rel_namespace(relation),
            pg_sys::get_namespace_oid(c"owo".as_ptr(), true),
        )
    };
    if namespace == own && own != pg_sys::InvalidOid {
        return Ok(());
    }
    Err(Error::denied(
        "this trigger function is for the tables of owostack",
    ))
}

/// The row as it is, so that the statement goes on; nothing for statement triggers.
pub fn pass(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    let row = match data(fcinfo) {
        Some(data) if data.tg_newtuple.is_null() => data.tg_trigtuple,
        Some(data) => data.tg_newtuple,
        None => std::ptr::null_mut(),
    };
    // A trigger that skips its row hands back a null pointer, never SQL's NULL.
    Answer::datum(pg_sys::Datum::from(row))
}
