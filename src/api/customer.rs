//! Customers and entities (`api.md` 3).

use super::call;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::json::Json;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::flow::context::Level;
use crate::flow::customer::{self, Profile};

use crate::flow::entity::{self, EntityRow};
use crate::flow::erasure;
use crate::flow::identity;
use crate::flow::text;
use pgrx::pg_sys;
use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn owo_customer(
    key: Option<&str>,
    email: Option<&str>,
    name: Option<&str>,
    metadata: Option<Json>,
    timezone: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let key = text::required("key", key)?;
        let profile = Profile {
            email: email.map(str::to_owned),
            name: name.map(str::to_owned),
            metadata: text::metadata(metadata.map(Json::value).transpose()?)?,
            timezone: timezone.map(str::to_owned),
        };
        let customer = customer::ensure(context, key, profile.checked()?)?;
        Ok(db::customer::row(customer.id)?.map_or_else(Answer::null, Answer::datum))
    })
}

fn fields(row: EntityRow) -> Vec<Field> {
    vec![
        row.entity.into(),
        row.feature.into(),
        row.status.into(),
        row.count.into(),
        row.usage_limit.into(),
        row.remaining.into(),
    ]
}

#[pg_extern(sql = false)]
fn owo_entity_add(
    customer: Option<&str>,
    feature: Option<&str>,
    entity: Option<&str>,
    name: Option<&str>,
    email: Option<&str>,
    metadata: Option<Json>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let customer = customer::require(context, &Snapshot::latest()?, customer)?;
        let feature = text::required("feature", feature)?;
        let profile = Profile {
            email: email.map(str::to_owned),
            name: name.map(str::to_owned),
            metadata: text::metadata(metadata.map(Json::value).transpose()?)?,
            timezone: None,
        };
        let entity = text::required("entity", entity)?;
        let row = entity::add(context, &customer, feature, entity, profile.checked()?)?;
        Answer::record(fcinfo, fields(row))
    })
}

#[pg_extern(sql = false)]
fn owo_entity_remove(
    customer: Option<&str>,
    feature: Option<&str>,
    entity: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let customer = customer::require(context, &Snapshot::latest()?, customer)?;
        let feature = text::required("feature", feature)?;
        let entity = text::required("entity", entity)?;
        Answer::record(
            fcinfo,
            fields(entity::remove(context, &customer, feature, entity)?),
        )
    })
}

#[pg_extern(sql = false)]
fn owo_entities(
    customer: Option<&str>,
    feature: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let snapshot = Snapshot::latest()?;
        let Some(name) = customer else {
            return Answer::rows(fcinfo, Vec::new());
        };
        let rows = match customer::find(context, &snapshot, name)? {
            Some(customer) => entity::list(context, &snapshot, &customer, feature)?,
            None => Vec::new(),
        };
        Answer::rows(fcinfo, rows.into_iter().map(fields).collect())
    })
}

#[pg_extern(sql = false)]
fn owo_identity_link(
    customer: Option<&str>,
    provider: Option<&str>,
    external_id: Option<&str>,
    kind: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let customer = customer::require(context, &Snapshot::latest()?, customer)?;
        let name = identity::name(provider, external_id, kind)?;
        identity::link(context, &customer, &name)?;
        Ok(db::identity::row(customer.id, &name)?.map_or_else(Answer::null, Answer::datum))
    })
}

#[pg_extern(sql = false)]
fn owo_identity_unlink(
    customer: Option<&str>,
    provider: Option<&str>,
    external_id: Option<&str>,
    kind: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let customer = customer::require(context, &Snapshot::latest()?, customer)?;
        let name = identity::name(provider, external_id, kind)?;
        Ok(Answer::scalar(db::identity::delete(customer.id, &name)?))
    })
}

#[pg_extern(sql = false)]
fn owo_customer_by_identity(
    provider: Option<&str>,
    external_id: Option<&str>,
    kind: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let name = identity::name(provider, external_id, kind)?;
        let snapshot = Snapshot::latest()?;
        let row = match identity::find(context, &snapshot, &name)? {
            Some(id) => db::customer::row(id)?,
            None => None,
        };
        Ok(row.map_or_else(Answer::null, Answer::datum))
    })
}

#[pg_extern(sql = false)]
fn owo_customer_delete(
    customer: Option<&str>,
    reason: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let customer = customer::require(context, &Snapshot::latest()?, customer)?;
        erasure::delete(context, &customer, reason)?;
        Ok(Answer::null())
    })
}
