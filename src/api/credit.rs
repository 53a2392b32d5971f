//! Overrides and credits (`api.md` 5 and 6).

use super::call;
use super::decide::quantity;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::clock;
use crate::backend::json::Json;
use crate::backend::numeric::Number;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::{Error, Result};
use crate::flow::attach::Request;
use crate::flow::context::Level;
use crate::flow::credit;
use crate::flow::customer;
use crate::flow::gift::{self, Gift};
use crate::flow::overriding::{self, Wish};
use crate::flow::purchase::{self, Order, Purchase};
use crate::flow::text;
use chrono::{DateTime, Utc};
use pgrx::pg_sys;
use pgrx::prelude::*;

fn finite(argument: &str, at: Option<TimestampWithTimeZone>) -> Result<Option<DateTime<Utc>>> {
    let convert = |at: TimestampWithTimeZone| {
        clock::from_postgres(at.into())
            .ok_or_else(|| Error::invalid(format!("{argument} must be a finite time")))
    };
    at.map(convert).transpose()
}

fn uuid(id: Option<pgrx::Uuid>) -> Option<uuid::Uuid> {
    id.map(|id| uuid::Uuid::from_bytes(*id.as_bytes()))
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn owo_override(
    customer: Option<&str>,
    feature: Option<&str>,
    enabled: Option<bool>,
    usage_limit: Option<Number>,
    unlimited: Option<bool>,
    value: Option<Json>,
    expires_at: Option<TimestampWithTimeZone>,
    until_renewal: Option<bool>,
    reason: Option<&str>,
    subscription: Option<pgrx::Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let wish = Wish {
            enabled,
            usage_limit: usage_limit
                .map(|q| quantity("usage_limit", Some(q)))
                .transpose()?,
            unlimited: unlimited.unwrap_or(false),
            value: value
                .map(Json::value)
                .transpose()?
                .filter(|value| !value.is_null()),
            expires_at: finite("expires_at", expires_at)?,
            until_renewal: until_renewal.unwrap_or(false),
            subscription_id: uuid(subscription),
        };
        let (customer_id, id) = overriding::set(context, customer, feature, wish, reason)?;
        Ok(db::override_row::row(customer_id, id)?.map_or_else(Answer::null, Answer::datum))
    })
}

#[pg_extern(sql = false)]
fn owo_override_remove(
    customer: Option<&str>,
    feature: Option<&str>,
    subscription: Option<pgrx::Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let removed = overriding::remove(context, customer, feature, uuid(subscription))?;
        Ok(Answer::scalar(removed))
    })
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn owo_credit_grant(
    customer: Option<&str>,
    credit_system: Option<&str>,
    amount: Option<Number>,
    expires_at: Option<TimestampWithTimeZone>,
    priority: Option<i32>,
    reason: Option<&str>,
    idempotency_key: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let gift = Gift {
            customer,
            credit_system: text::required("credit_system", credit_system)?,
            amount: quantity("amount", amount)?,
            expires_at: finite("expires_at", expires_at)?,
            priority: priority.ok_or_else(|| Error::null_argument("priority"))?,
            reason,
            idempotency_key,
        };
        let (customer_id, id) = gift::give(context, &gift)?;
        Ok(db::credit::row(customer_id, id)?.map_or_else(Answer::null, Answer::datum))
    })
}

#[pg_extern(sql = false)]
fn owo_credits(customer: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let snapshot = Snapshot::latest()?;
        let found = match customer {
            Some(name) => customer::find(context, &snapshot, name)?,
            None => None,
        };
        let rows = match found {
            Some(customer) => credit::list(context, &snapshot, &customer)?,
            None => Vec::new(),
        };
        let rows = rows.into_iter().map(|row| {
            vec![
                row.system.into(),
                row.source.into(),
                row.granted.into(),
                row.used.into(),
                row.remaining.into(),
                row.expires_at.into(),
                row.priority.into(),
            ]
        });
        Answer::rows(fcinfo, rows.collect())
    })
}

fn purchase_fields(purchase: Purchase) -> Vec<Field> {
    vec![
        purchase.success.into(),
        purchase.requires_checkout.into(),
        purchase.checkout_id.into(),
        purchase.checkout_url.into(),
        purchase.credits.into(),
        purchase.balance.into(),
        purchase.reference.into(),
    ]
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn owo_addon(
    customer: Option<&str>,
    pack: Option<&str>,
    quantity: Option<i32>,
    callback_url: Option<&str>,
    provider: Option<&str>,
    metadata: Option<Json>,
    idempotency_key: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let order = Order {
            customer,
            pack: text::required("pack", pack)?,
            quantity: quantity.ok_or_else(|| Error::null_argument("quantity"))?,
            callback_url: Request::callback(callback_url)?,
            provider,
            metadata: text::metadata(metadata.map(Json::value).transpose()?)?,
            idempotency_key,
        };
        let purchase = purchase::buy(context, &order)?;
        Answer::record(fcinfo, purchase_fields(purchase))
    })
}

/// Takes back the rest of a grant: what a refund of a pack is for.
#[pg_extern(sql = false)]
fn _credit_void(
    customer: Option<&str>,
    credit_grant: Option<pgrx::Uuid>,
    reason: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let customer = customer::require(context, &Snapshot::latest()?, customer)?;
        let id = uuid(credit_grant).ok_or_else(|| Error::null_argument("credit_grant"))?;
        let taken = gift::void(context, customer.id, id, reason)?;
        Ok(Answer::scalar(taken))
    })
}
