//! Webhooks of payment providers (`api.md` 8).

use super::call;
use crate::backend::answer::Answer;
use crate::backend::call::Access;
use crate::backend::json::Json;
use crate::backend::setting;
use crate::error::{Error, Result};
use crate::flow::context::Level;
use crate::flow::webhook::receive::{self, Posted, Receipt};
use crate::flow::webhook::replay;
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::Value;

fn answer(fcinfo: pg_sys::FunctionCallInfo, receipt: Receipt) -> Result<Answer> {
    Answer::record(
        fcinfo,
        vec![
            receipt.id.into(),
            receipt.status.into(),
            receipt.duplicate.into(),
        ],
    )
}

fn take(
    fcinfo: pg_sys::FunctionCallInfo,
    provider: Option<&str>,
    headers: Option<Json>,
    body: Option<&[u8]>,
    account: Option<&str>,
) -> Answer {
    call(fcinfo, Access::Write, Level::Webhook, |context| {
        let headers = headers.ok_or_else(|| Error::null_argument("headers"))?;
        let posted = Posted {
            provider: provider.ok_or_else(|| Error::null_argument("provider"))?,
            headers: &headers.value()?,
            body: body.ok_or_else(|| Error::null_argument("body"))?,
            account,
        };
        answer(fcinfo, receive::receive(context, &posted)?)
    })
}

#[pg_extern(sql = false)]
fn owo_webhook(
    provider: Option<&str>,
    headers: Option<Json>,
    body: Option<&[u8]>,
    account: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    take(fcinfo, provider, headers, body, account)
}

#[pg_extern(sql = false)]
fn owo_webhook_text(
    provider: Option<&str>,
    headers: Option<Json>,
    body: Option<&str>,
    account: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    take(fcinfo, provider, headers, body.map(str::as_bytes), account)
}

/// A body as PostgREST hands it over: the headers are in a setting of the transaction. A json is its
/// text, byte for byte.
fn forwarded(fcinfo: pg_sys::FunctionCallInfo, provider: &str, body: Option<&str>) -> Answer {
    call(fcinfo, Access::Write, Level::Webhook, |context| {
        let headers = setting::custom(c"request.headers");
        let headers: Value = headers
            .and_then(|headers| serde_json::from_str(&headers).ok())
            .unwrap_or_default();
        let posted = Posted {
            provider,
            headers: &headers,
            body: body.ok_or_else(|| Error::null_argument("body"))?.as_bytes(),
            account: None,
        };
        answer(fcinfo, receive::receive(context, &posted)?)
    })
}

#[pg_extern(sql = false)]
fn owo_webhook_stripe(body: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    forwarded(fcinfo, "stripe", body)
}

#[pg_extern(sql = false)]
fn owo_webhook_paystack(body: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    forwarded(fcinfo, "paystack", body)
}

#[pg_extern(sql = false)]
fn owo_webhook_dodo(body: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    forwarded(fcinfo, "dodo", body)
}

#[pg_extern(sql = false)]
fn owo_webhook_polar(body: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    forwarded(fcinfo, "polar", body)
}

#[pg_extern(sql = false)]
fn owo_webhook_replay(id: Option<pgrx::Uuid>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let id = id.ok_or_else(|| Error::null_argument("id"))?;
        let id = uuid::Uuid::from_bytes(*id.as_bytes());
        answer(fcinfo, replay::replay(context, id)?)
    })
}
