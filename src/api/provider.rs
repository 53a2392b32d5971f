//! Accounts at payment providers (`api.md` 8).

use super::{bare_call, call};
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::json::Json;
use crate::db;
use crate::error::{Error, Result};
use crate::flow::context::Level;
use crate::flow::provider::account::{self, Setting};
use crate::flow::provider::status;
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

fn row(id: Uuid) -> Result<Answer> {
    Ok(db::provider::account::row(id)?.map_or_else(Answer::null, Answer::datum))
}

#[pg_extern(sql = false)]
fn owo_provider_set(
    provider: Option<&str>,
    credentials: Option<Json>,
    environment: Option<&str>,
    is_default: Option<bool>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let credentials = credentials.ok_or_else(|| Error::null_argument("credentials"))?;
        let setting = Setting {
            provider: provider.ok_or_else(|| Error::null_argument("provider"))?,
            credentials: &credentials.value()?,
            environment: environment.ok_or_else(|| Error::null_argument("environment"))?,
            is_default: is_default.ok_or_else(|| Error::null_argument("is_default"))?,
        };
        row(account::set(context, &setting)?)
    })
}

#[pg_extern(sql = false)]
fn owo_provider_adopt(provider: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let provider = provider.ok_or_else(|| Error::null_argument("provider"))?;
        row(account::adopt(context, provider)?)
    })
}

#[pg_extern(sql = false)]
fn _provider_status(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Read, |caller| {
        let rows = status::list(caller)?.into_iter().map(|one| -> Vec<Field> {
            vec![
                one.account_id.into(),
                one.is_bound.into(),
                one.problem.into(),
            ]
        });
        Answer::rows(fcinfo, rows.collect())
    })
}
