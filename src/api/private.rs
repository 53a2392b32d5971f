//! Private functions of schema `owo`: defaults, policies and guards of our own tables.

use super::bare_call;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Error;
use crate::flow::context::{self, Level};
use crate::guc;
use crate::meter;
use pgrx::pg_sys;
use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn _active(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Read, |_| {
        Ok(Answer::scalar(db::installation::is_active(
            &Snapshot::latest()?,
        )?))
    })
}

#[pg_extern(sql = false)]
fn _organizations(level: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Read, |caller| {
        let levels = match level {
            Some("reader") => Level::Reader,
            Some("app") => Level::App,
            _ => Level::Admin,
        };
        let snapshot = Snapshot::latest()?;
        let ids = db::role::organizations(
            &snapshot,
            caller.role,
            caller.is_master(),
            levels.sufficient(),
        )?;
        Answer::rows(
            fcinfo,
            ids.into_iter().map(|id| vec![Field::Id(id)]).collect(),
        )
    })
}

#[pg_extern(sql = false)]
fn _organization(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Write, |_| {
        context::ensure_bound()?;
        let slug = guc::organization();
        let organization = crate::flow::organization::require(&Snapshot::latest()?, &slug)?;
        Ok(Answer::scalar(organization.id))
    })
}

#[pg_extern(sql = false)]
fn _now(organization_id: Option<pgrx::Uuid>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Write, |caller| {
        let id = organization_id.map(|id| uuid::Uuid::from_bytes(*id.as_bytes()));
        let organization = match id {
            Some(id) => db::organization::find_by_id(&Snapshot::latest()?, id)?,
            None => None,
        };
        Ok(Answer::scalar(
            organization.and_then(|o| o.clock_at).unwrap_or(caller.at),
        ))
    })
}

/// Trigger on counted tables: lets the meter's own statements and restores pass.
#[pg_extern(sql = false)]
fn _guard_count(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    if meter::is_writing() {
        return crate::backend::trigger::pass(fcinfo);
    }
    let active = bare_call(fcinfo, Access::Read, |_| {
        if db::installation::is_active(&Snapshot::latest()?)? {
            return Err(
                Error::wrong_state("this table is counted by owostack").hint(
                    "Use owo_track(), owo_entity_add() and owo_entity_remove() instead of SQL.",
                ),
            );
        }
        Ok(Answer::null())
    });
    drop(active);
    crate::backend::trigger::pass(fcinfo)
}

/// Trigger on what answers are made of: makes cached ones stale when the transaction commits.
#[pg_extern(sql = false)]
fn _note(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    crate::backend::note::note_rows(fcinfo);
    crate::backend::trigger::pass(fcinfo)
}
