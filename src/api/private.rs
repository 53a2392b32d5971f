//! Private functions of schema `owo`: defaults, policies and guards of our own tables.

use super::{bare_call, call};
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::spi::Snapshot;
use crate::backend::{note, store, trigger};
use crate::db;
use crate::error::Error;
use crate::flow::catalog;
use crate::flow::context::Level;
use crate::meter;
use pgrx::pg_sys;
use pgrx::prelude::*;

/// Asked by trigger functions that run with the owner's rights: on foreign tables they must not.
#[pg_extern(sql = false)]
fn _watches(relation: Option<pg_sys::Oid>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Read, |_| {
        let relation = relation.ok_or_else(|| Error::null_argument("relation"))?;
        trigger::require_own_table(relation)?;
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
    call(fcinfo, Access::Write, Level::Admin, |context| {
        Ok(Answer::scalar(context.organization.id))
    })
}

/// Trigger before statements on catalog tables: two editors of a catalog queue before the first row
/// is locked, instead of deadlocking. Nobody queues at, or holds up, a catalog that is not his.
#[pg_extern(sql = false)]
fn _catalog_begin(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Write, |caller| {
        trigger::require_own(fcinfo)?;
        let snapshot = Snapshot::latest()?;
        if db::installation::is_active(&snapshot)? {
            catalog::lock_of_session(caller)?;
        }
        Ok(trigger::pass(fcinfo))
    })
}

#[pg_extern(sql = false)]
fn _now(organization_id: Option<pgrx::Uuid>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Write, |caller| {
        caller.require_master()?;
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
        return trigger::pass(fcinfo);
    }
    bare_call(fcinfo, Access::Read, |_| {
        trigger::require_own(fcinfo)?;
        if db::installation::is_active(&Snapshot::latest()?)? {
            return Err(
                Error::wrong_state("this table is counted by owostack").hint(
                    "Use owo_track(), owo_reserve(), owo_entity_add() and their like instead of SQL.",
                ),
            );
        }
        Ok(trigger::pass(fcinfo))
    })
}

/// Trigger on what answers are made of: makes cached ones stale when the transaction commits.
#[pg_extern(sql = false)]
fn _note(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    trigger::require_own(fcinfo).unwrap_or_else(|error| error.raise());
    note::note_rows(fcinfo);
    trigger::pass(fcinfo)
}

#[pg_extern(sql = false)]
fn _meter_stats(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Read, |_| {
        let both = meter::shared::stats().zip(store::stats());
        let rows = both.map(|(stats, entitlements)| -> Vec<Field> {
            vec![
                stats.slots.into(),
                stats.filled.into(),
                stats.pinned.into(),
                stats.evictions.into(),
                stats.loads.into(),
                entitlements.slots.into(),
                entitlements.filled.into(),
                entitlements.hits.into(),
                entitlements.misses.into(),
                entitlements.evictions.into(),
            ]
        });
        Answer::rows(fcinfo, rows.into_iter().collect())
    })
}
