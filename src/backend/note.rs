//! The trigger behind generations: notes which organization or customer a changed row belongs to.

use crate::backend::generation;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};
use uuid::Uuid;

/// Notes the rows of a trigger call. Its arguments are what the rows belong to (`organization`,
/// `customer` or `all`) and the column that holds the id.
pub fn note_rows(fcinfo: pg_sys::FunctionCallInfo) {
    let Some(data) = trigger_data(fcinfo) else {
        return;
    };
    // SAFETY: trigger data is valid for the call; arguments are NUL-terminated.
    let (arguments, descriptor) = unsafe {
        let Some(trigger) = data.tg_trigger.as_ref() else {
            return;
        };
        let count = usize::try_from(trigger.tgnargs).unwrap_or(0);
        let mut arguments: Vec<CString> = Vec::with_capacity(count);
        for index in 0..count {
            arguments.push(CStr::from_ptr(*trigger.tgargs.add(index)).to_owned());
        }
        let descriptor = data.tg_relation.as_ref().map(|relation| relation.rd_att);
        (arguments, descriptor)
    };
    let (Some(what), Some(column), Some(descriptor)) =
        (arguments.first(), arguments.get(1), descriptor)
    else {
        return generation::note_all();
    };
    // Only the columns named for organizations and customers are sure to be uuids.
    let note: fn(Uuid) = match what.to_bytes() {
        b"organization" => generation::note_organization,
        b"customer" => generation::note_customer,
        _ => return generation::note_all(),
    };
    let mut noted = false;
    for tuple in [data.tg_trigtuple, data.tg_newtuple] {
        if let Some(id) = uuid_of(tuple, descriptor, column) {
            noted = true;
            note(id);
        }
    }
    if !noted {
        generation::note_all();
    }
}

fn trigger_data<'a>(fcinfo: pg_sys::FunctionCallInfo) -> Option<&'a pg_sys::TriggerData> {
    // SAFETY: Postgres passes valid call information; the node tag says what the context is.
    unsafe {
        let data = fcinfo
            .as_ref()?
            .context
            .cast::<pg_sys::TriggerData>()
            .as_ref()?;
        (data.type_ == pg_sys::NodeTag::T_TriggerData).then_some(data)
    }
}

fn uuid_of(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc, column: &CStr) -> Option<Uuid> {
    if tuple.is_null() {
        return None;
    }
    let mut null = true;
    // SAFETY: tuple and descriptor belong to the trigger's table; the column is a uuid, which is
    // passed by reference to 16 bytes.
    unsafe {
        let number = pg_sys::SPI_fnumber(descriptor, column.as_ptr());
        if number <= 0 {
            return None;
        }
        let datum = pg_sys::SPI_getbinval(tuple, descriptor, number, &raw mut null);
        if null {
            return None;
        }
        let bytes = datum.cast_mut_ptr::<[u8; 16]>().as_ref()?;
        Some(Uuid::from_bytes(*bytes))
    }
}
