//! Organizations, rights, the sandbox clock, the version (`api.md` 9).

use super::{bare_call, call};
use crate::backend::answer::Answer;
use crate::backend::call::Access;
use crate::backend::json::Json;
use crate::backend::{clock, owner};
use crate::db;
use crate::error::{Error, Result};
use crate::flow::context::{Context, Level};
use crate::flow::due;
use crate::flow::grant::{self, Role};
use crate::flow::organization::{self, Move};
use pgrx::pg_sys;
use pgrx::prelude::*;

fn row(id: uuid::Uuid) -> Result<Answer> {
    Ok(db::organization::row(id)?.map_or_else(Answer::null, Answer::datum))
}

#[pg_extern(sql = false)]
fn owo_organization(
    slug: Option<&str>,
    name: Option<&str>,
    environment: Option<&str>,
    timezone: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    bare_call(fcinfo, Access::Write, |caller| {
        let slug = slug.ok_or_else(|| Error::null_argument("slug"))?;
        row(organization::ensure(
            caller,
            slug,
            name,
            environment,
            timezone,
        )?)
    })
}

#[pg_extern(sql = false)]
fn owo_organization_set(
    slug: Option<&str>,
    settings: Option<Json>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    bare_call(fcinfo, Access::Write, |caller| {
        let slug = slug.ok_or_else(|| Error::null_argument("slug"))?;
        let settings = settings.ok_or_else(|| Error::null_argument("settings"))?;
        row(organization::set(caller, slug, settings.value()?)?)
    })
}

#[pg_extern(sql = false)]
fn owo_grant_role(
    role: Option<pg_sys::Oid>,
    level: Option<&str>,
    organization: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    bare_call(fcinfo, Access::Write, |caller| {
        let role = role.ok_or_else(|| Error::null_argument("role"))?;
        let level = level.ok_or_else(|| Error::null_argument("level"))?;
        let role_name = owner::role_name(role)
            .ok_or_else(|| Error::undefined(format!("role {} does not exist", role.to_u32())))?;
        grant::give(
            caller,
            &Role {
                id: role,
                name: role_name,
            },
            level,
            organization,
        )?;
        Ok(Answer::null())
    })
}

fn moved(context: &Context, to: Move) -> Result<Answer> {
    let now = organization::move_clock(context, to)?;
    let moved = Context {
        now,
        ..context.clone()
    };
    due::settle_organization(&moved, now, None)?;
    Ok(Answer::scalar(now))
}

#[pg_extern(sql = false)]
fn owo_clock_set(at: Option<TimestampWithTimeZone>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let at = at.ok_or_else(|| Error::null_argument("at"))?;
        let at = clock::from_postgres(at.into())
            .ok_or_else(|| Error::invalid("the clock must be set to a finite time"))?;
        moved(context, Move::To(at))
    })
}

#[pg_extern(sql = false)]
fn owo_clock_advance(by: Option<Interval>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let by = by.ok_or_else(|| Error::null_argument("by"))?;
        let target = clock::plus(context.now, &by, context.zone()).ok_or_else(|| {
            Error::invalid("the clock moves by a positive interval, within the range of time")
        })?;
        moved(context, Move::To(target))
    })
}

#[pg_extern(sql = false)]
fn owo_clock_reset(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        moved(context, Move::Reset)
    })
}

#[pg_extern(sql = false)]
fn owo_version() -> Answer {
    Answer::scalar(env!("CARGO_PKG_VERSION"))
}
