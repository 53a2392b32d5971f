//! Customers and entities (`api.md` 3).

use super::call;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::{Error, Result};
use crate::flow::context::Level;
use crate::flow::customer::{self, Profile};

use crate::flow::text;
use pgrx::JsonB;
use pgrx::pg_sys;
use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn owo_customer(
    key: Option<&str>,
    email: Option<&str>,
    name: Option<&str>,
    metadata: Option<JsonB>,
    timezone: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let key = text::required("key", key)?;
        let profile = Profile {
            email: email.map(str::to_owned),
            name: name.map(str::to_owned),
            metadata: text::metadata(metadata.map(|json| json.0))?,
            timezone: timezone.map(str::to_owned),
        };
        let customer = customer::ensure(context, key, profile.checked()?)?;
        Ok(db::customer::row(customer.id)?.map_or_else(Answer::null, Answer::datum))
    })
}
