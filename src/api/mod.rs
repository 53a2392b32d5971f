//! The SQL face: convert, call one flow, convert back. No rule lives here.
//!
//! Functions are declared in `sql/schema/`; every argument is optional here, since none is STRICT.

use crate::backend::answer::Answer;
use crate::backend::call::{Access, Caller};
use crate::backend::owner::AsOwner;
use crate::error::Result;
use crate::flow::context::{Context, Level};
use pgrx::pg_sys;

mod attach;
mod catalog;
mod credit;
mod customer;
mod decide;
mod enforce;
mod hold;
mod known;
mod money;
mod operate;
mod organization;
mod private;
mod provider;
mod queue;
mod rate;
mod track;
mod webhook;

/// Runs `body` as the owner in the session's organization; raises what it returns as an error.
fn call(
    fcinfo: pg_sys::FunctionCallInfo,
    access: Access,
    level: Level,
    body: impl FnOnce(&Context) -> Result<Answer>,
) -> Answer {
    bare_call(fcinfo, access, |caller| {
        body(&Context::begin(*caller, level)?)
    })
}

/// Runs `body` as the owner, without an organization.
fn bare_call(
    fcinfo: pg_sys::FunctionCallInfo,
    access: Access,
    body: impl FnOnce(&Caller) -> Result<Answer>,
) -> Answer {
    let outcome = Caller::of(fcinfo, access).and_then(|caller| {
        let _owner = AsOwner::enter(caller.owner);
        body(&caller)
    });
    outcome.unwrap_or_else(|error| error.raise())
}
