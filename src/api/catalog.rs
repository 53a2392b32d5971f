//! The catalog (`api.md` 4), and what the triggers of its tables call.

use super::{bare_call, call};
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::json::Json;
use crate::error::{Error, Result};
use crate::flow::catalog;
use crate::flow::context::Level;
use crate::flow::plan_list::{self, Filter};
use crate::flow::text;
use owostack_domain::catalog::{Catalog, Plan, print};
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::Value;

#[pg_extern(sql = false)]
fn owo_sync(
    catalog: Option<Json>,
    dry_run: Option<bool>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    let access = if dry_run == Some(true) {
        Access::Read
    } else {
        Access::Write
    };
    call(fcinfo, access, Level::Admin, |context| {
        let document = catalog
            .ok_or_else(|| Error::null_argument("catalog"))?
            .value()?;
        let dry_run = dry_run.ok_or_else(|| Error::null_argument("dry_run"))?;
        Ok(Answer::scalar(catalog::sync(context, &document, dry_run)?))
    })
}

#[pg_extern(sql = false)]
fn owo_catalog(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        Ok(Answer::scalar(print(&catalog::load(context)?)))
    })
}

/// The columns of `owo_plan_info`.
fn fields(catalog: &Catalog, plan: Plan) -> Vec<Field> {
    let cycles = plan_list::cycles(&plan);
    let features = plan_list::features(catalog, &plan);
    let active = plan_list::is_active(&plan);
    vec![
        plan.slug.into(),
        plan.name.into(),
        plan.description.into(),
        plan.plan_group.into(),
        plan.price.into(),
        plan.currency.map(|currency| currency.as_str()).into(),
        plan.interval.as_str().into(),
        plan.rank.into(),
        plan.is_addon.into(),
        plan.trial_days.into(),
        active.into(),
        Value::Object(plan.metadata).into(),
        cycles.into(),
        features.into(),
    ]
}

#[pg_extern(sql = false)]
fn owo_plans(
    plan_group: Option<&str>,
    billing_interval: Option<&str>,
    currency: Option<&str>,
    include_inactive: Option<bool>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let include_inactive =
            include_inactive.ok_or_else(|| Error::null_argument("include_inactive"))?;
        let filter = Filter::parse(plan_group, billing_interval, currency, include_inactive)?;
        let catalog = catalog::load(context)?;
        let plans = plan_list::list(&catalog, &filter);
        let rows = plans.into_iter().map(|plan| fields(&catalog, plan));
        Answer::rows(fcinfo, rows.collect())
    })
}

#[pg_extern(sql = false)]
fn owo_plan(slug: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let slug = text::required("slug", slug)?;
        let mut catalog = catalog::load(context)?;
        let place = catalog.plans.iter().position(|plan| plan.slug == slug);
        let Some(place) = place else {
            return Err(Error::undefined(format!("plan \"{slug}\" does not exist"))
                .hint("Plans are listed by owo_plans() and created by owo_sync()."));
        };
        let plan = catalog.plans.swap_remove(place);
        Answer::record(fcinfo, fields(&catalog, plan))
    })
}

#[pg_extern(sql = false)]
fn _catalog_lock(organization_id: Option<pgrx::Uuid>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Write, |caller| {
        caller.require_master()?;
        if let Some(id) = organization_id {
            catalog::lock(uuid::Uuid::from_bytes(*id.as_bytes()));
        }
        Ok(Answer::null())
    })
}

#[pg_extern(sql = false)]
fn _catalog_changed(
    organization_id: Option<pgrx::Uuid>,
    relation: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    bare_call(fcinfo, Access::Write, |caller| {
        caller.require_master()?;
        let relation = text::required("relation", relation)?;
        if let Some(id) = organization_id {
            catalog::tell(caller, uuid::Uuid::from_bytes(*id.as_bytes()), relation)?;
        }
        Ok(Answer::null())
    })
}

#[pg_extern(sql = false)]
fn _catalog_columns(
    relation: Option<&str>,
    columns: Option<Json>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    bare_call(fcinfo, Access::Read, |_| {
        let relation = text::required("relation", relation)?;
        let columns: Result<Value> = columns
            .ok_or_else(|| Error::null_argument("columns"))
            .and_then(Json::value);
        match columns? {
            Value::Object(columns) => Ok(Answer::scalar(catalog::columns(relation, &columns)?)),
            _ => Err(Error::invalid("columns must be an object")),
        }
    })
}
