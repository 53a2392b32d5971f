//! Wallet, refunds, and what providers have already (`api.md` 6 and 8).

use super::call;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::method::Method;
use crate::error::{Error, Result};
use crate::flow::attach::Request;
use crate::flow::context::Level;
use crate::flow::provider::{import, verify};
use crate::flow::refund::{self, Wish};
use crate::flow::wallet;
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

fn uuid(argument: &str, id: Option<pgrx::Uuid>) -> Result<Uuid> {
    let id = id.ok_or_else(|| Error::null_argument(argument))?;
    Ok(Uuid::from_bytes(*id.as_bytes()))
}

/// The columns of `owo.payment_method`.
fn method(row: Method) -> Vec<Field> {
    vec![
        row.id.into(),
        row.customer_id.into(),
        row.provider.into(),
        row.kind.into(),
        row.is_default.into(),
        row.expires_month.into(),
        row.expires_year.into(),
        row.created_at.into(),
        row.external_id.into(),
        row.brand.into(),
        row.last_digits.into(),
        row.account_id.into(),
        row.fingerprint.into(),
    ]
}

#[pg_extern(sql = false)]
fn owo_wallet(customer: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let methods = wallet::list(context, customer)?;
        Answer::rows(fcinfo, methods.into_iter().map(method).collect())
    })
}

#[pg_extern(sql = false)]
fn owo_wallet_setup(
    customer: Option<&str>,
    callback_url: Option<&str>,
    provider: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let callback_url = Request::callback(callback_url)?;
        let id = wallet::set_up(context, customer, callback_url, provider)?;
        let row = db::checkout::row(&Snapshot::latest()?, context.organization.id, id)?;
        Ok(row.map_or_else(Answer::null, Answer::datum))
    })
}

#[pg_extern(sql = false)]
fn owo_wallet_remove(
    customer: Option<&str>,
    method: Option<pgrx::Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let id = uuid("method", method)?;
        Ok(Answer::scalar(wallet::remove(context, customer, id)?))
    })
}

#[pg_extern(sql = false)]
fn owo_refund(
    payment: Option<pgrx::Uuid>,
    amount: Option<i64>,
    reason: Option<&str>,
    idempotency_key: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let wish = Wish {
            payment_id: uuid("payment", payment)?,
            amount,
            reason,
            idempotency_key,
        };
        let customer_id = refund::give_back(context, &wish)?;
        let row = db::payment::row(customer_id, wish.payment_id)?;
        Ok(row.map_or_else(Answer::null, Answer::datum))
    })
}

#[pg_extern(sql = false)]
fn owo_provider_import(provider: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let provider = provider.ok_or_else(|| Error::null_argument("provider"))?;
        Ok(Answer::scalar(import::begin(context, provider)?))
    })
}

#[pg_extern(sql = false)]
fn owo_provider_verify(provider: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let provider = provider.ok_or_else(|| Error::null_argument("provider"))?;
        let found = verify::differences(context, provider)?;
        let rows = found.into_iter().map(|one| -> Vec<Field> {
            vec![
                one.object.into(),
                one.id.into(),
                one.ours.into(),
                one.theirs.into(),
            ]
        });
        Answer::rows(fcinfo, rows.collect())
    })
}
