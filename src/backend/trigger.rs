//! What a trigger hands back to Postgres.

use crate::backend::answer::Answer;
use pgrx::pg_sys;

/// The row as it is, so that the statement goes on; nothing for statement triggers.
pub fn pass(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    // SAFETY: Postgres passes valid call information; its context is trigger data when the
    // function is called as a trigger, which is checked by node tag.
    let row = unsafe {
        let Some(info) = fcinfo.as_ref() else {
            return Answer::null();
        };
        let context = info.context.cast::<pg_sys::TriggerData>();
        match context.as_ref() {
            Some(data) if data.type_ == pg_sys::NodeTag::T_TriggerData => {
                if !data.tg_newtuple.is_null() {
                    data.tg_newtuple
                } else {
                    data.tg_trigtuple
                }
            }
            _ => std::ptr::null_mut(),
        }
    };
    if row.is_null() {
        Answer::null()
    } else {
        Answer::datum(pg_sys::Datum::from(row))
    }
}
