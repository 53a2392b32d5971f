//! Enforcement on users' tables (`api.md` 7).

use crate::backend::answer::Answer;
use crate::backend::call::{Access, Caller};
use crate::backend::trigger::{self, Trigger};
use crate::error::{Error, Result};
use crate::flow::enforce::{self, Wish};
use crate::flow::text;
use pgrx::pg_sys;
use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn owo_enforce(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    let outcome = Trigger::of(fcinfo)
        .ok_or_else(|| {
            Error::not_a_trigger("a trigger function was not called by a trigger")
                .hint("Use it in CREATE TRIGGER, or call owo_enforce_table().")
        })
        .and_then(|trigger| enforce::fire(&trigger, &Caller::of(fcinfo, Access::Write)?));
    match outcome {
        Ok(()) => trigger::pass(fcinfo),
        Err(error) => error.raise(),
    }
}

/// What our event trigger calls after a command that may have made or attached partitions of enforced
/// tables; Postgres refuses it anywhere else.
#[pg_extern(sql = false)]
fn _welcome_partitions(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    raised(Caller::of(fcinfo, Access::Read).and_then(|caller| enforce::welcome(&caller)))
}

/// Flows of enforcement enter the owner's rights by themselves.
fn raised(outcome: Result<()>) -> Answer {
    outcome.map_or_else(|error| error.raise(), |()| Answer::null())
}

#[allow(clippy::too_many_arguments)]
#[pg_extern(sql = false)]
fn owo_enforce_table(
    target: Option<pg_sys::Oid>,
    feature: Option<&str>,
    customer_column: Option<&str>,
    entity_column: Option<&str>,
    value_expression: Option<&str>,
    mode: Option<&str>,
    backfill: Option<bool>,
    organization: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    let wish = || {
        Ok(Wish {
            target: target.ok_or_else(|| Error::null_argument("target"))?,
            feature: text::required("feature", feature)?.to_owned(),
            customer_column: text::required("customer_column", customer_column)?.to_owned(),
            entity_column: entity_column.map(str::to_owned),
            value_expression: value_expression
                .ok_or_else(|| Error::null_argument("value_expression"))?
                .to_owned(),
            mode: mode.map(str::to_owned),
            backfill: backfill.ok_or_else(|| Error::null_argument("backfill"))?,
            organization: organization.map(str::to_owned),
        })
    };
    raised(
        Caller::of(fcinfo, Access::Write)
            .and_then(|caller| enforce::enforce_table(&caller, &wish()?)),
    )
}

#[pg_extern(sql = false)]
fn owo_unenforce_table(
    target: Option<pg_sys::Oid>,
    feature: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    raised(Caller::of(fcinfo, Access::Write).and_then(|caller| {
        let target = target.ok_or_else(|| Error::null_argument("target"))?;
        enforce::unenforce_table(&caller, target, feature)
    }))
}
