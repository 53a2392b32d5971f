//! Holds (`api.md` 2): convert, call `flow::hold`, convert back.

use super::call;
use super::decide::{decision_fields, quantity};
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::clock;
use crate::backend::json::Json;
use crate::backend::numeric::Number;
use crate::error::{Error, Result};
use crate::flow::context::{Context, Level};
use crate::flow::decided::Decided;
use crate::flow::hold::{self, HoldRequest, Reserved};
use owostack_domain::period::Tz;
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

fn answer(fcinfo: pg_sys::FunctionCallInfo, reserved: Reserved) -> Result<Answer> {
    Answer::record(
        fcinfo,
        vec![
            reserved.reservation.into(),
            reserved.expires_at.into(),
            Field::Record(decision_fields(reserved.decision)),
        ],
    )
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn owo_reserve(
    customer: Option<&str>,
    feature: Option<&str>,
    value: Option<Number>,
    ttl: Option<Interval>,
    entity: Option<&str>,
    metadata: Option<Json>,
    idempotency_key: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let text = |name: &str, value: Option<&str>| {
            value
                .map(str::to_owned)
                .ok_or_else(|| Error::null_argument(name))
        };
        let request = HoldRequest {
            customer: text("customer", customer)?,
            feature: text("feature", feature)?,
            value: quantity("value", value)?,
            expires_at: clock::plus(
                context.now,
                &ttl.ok_or_else(|| Error::null_argument("ttl"))?,
                // A day of a hold has 24 hours everywhere.
                Tz::UTC,
            ),
            entity: entity.map(str::to_owned),
            metadata: metadata.map(Json::value).transpose()?,
            idempotency_key: idempotency_key.map(str::to_owned),
        };
        answer(fcinfo, hold::reserve(context, &request)?)
    })
}

fn closed(
    reservation: Option<pgrx::Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
    close: impl FnOnce(&Context, Uuid) -> Result<Decided>,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let id = reservation.ok_or_else(|| Error::null_argument("reservation"))?;
        let decided = close(context, Uuid::from_bytes(*id.as_bytes()))?;
        Answer::record(fcinfo, decision_fields(decided))
    })
}

#[pg_extern(sql = false)]
fn owo_settle(
    reservation: Option<pgrx::Uuid>,
    value: Option<Number>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    closed(reservation, fcinfo, |context, id| {
        hold::settle(context, id, quantity("value", value)?)
    })
}

#[pg_extern(sql = false)]
fn owo_release(reservation: Option<pgrx::Uuid>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    closed(reservation, fcinfo, hold::release)
}
