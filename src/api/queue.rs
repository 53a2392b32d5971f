//! Jobs for providers, as a person sees and steers them.

use super::{bare_call, call};
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::{Error, Result};
use crate::flow::context::Level;
use crate::flow::outbox::operate;
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

fn row(id: Uuid) -> Result<Answer> {
    Ok(db::outbox::composite(id)?.map_or_else(Answer::null, Answer::datum))
}

fn required(id: Option<pgrx::Uuid>) -> Result<Uuid> {
    id.map(|id| Uuid::from_bytes(*id.as_bytes()))
        .ok_or_else(|| Error::null_argument("id"))
}

#[pg_extern(sql = false)]
fn owo_queue_retry(id: Option<pgrx::Uuid>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let id = required(id)?;
        operate::retry(context, id)?;
        row(id)
    })
}

#[pg_extern(sql = false)]
fn owo_queue_drop(
    id: Option<pgrx::Uuid>,
    reason: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let id = required(id)?;
        operate::drop(context, id, reason)?;
        row(id)
    })
}

#[pg_extern(sql = false)]
fn _bound_accounts(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Read, |_| {
        let ids = db::provider::binding::bound(&Snapshot::latest()?)?;
        Answer::rows(
            fcinfo,
            ids.into_iter().map(|id| vec![Field::Id(id)]).collect(),
        )
    })
}
