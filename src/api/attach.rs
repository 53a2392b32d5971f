//! Attaching plans, checkouts, and commands to subscriptions (`api.md` 5).

use super::call;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::json::Json;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::{Error, Result};
use crate::flow::attach::{self, Attachment, Request};
use crate::flow::checkout;
use crate::flow::command::{self, Command, Target};
use crate::flow::context::{Context, Level};
use crate::flow::text;
use pgrx::pg_sys;
use pgrx::prelude::*;

/// The arguments as they come; the customer stays apart, since NULL has a meaning of its own.
struct Arguments<'a> {
    customer: Option<&'a str>,
    plan: Option<&'a str>,
    customer_data: Option<Json>,
    metadata: Option<Json>,
    callback_url: Option<&'a str>,
    provider: Option<&'a str>,
    cycle: Option<&'a str>,
    timing: Option<&'a str>,
}

impl Arguments<'_> {
    fn request(self) -> Result<Request> {
        let customer = self
            .customer
            .ok_or_else(|| Error::null_argument("customer"))?;
        Ok(Request {
            customer: text::bounded("customer", customer, text::EMAIL_LENGTH)?.to_owned(),
            plan: text::required("plan", self.plan)?.to_owned(),
            customer_data: self
                .customer_data
                .map(Json::value)
                .transpose()?
                .filter(|json| !json.is_null()),
            metadata: text::metadata(self.metadata.map(Json::value).transpose()?)?,
            callback_url: Request::callback(self.callback_url)?,
            provider: self.provider.map(str::to_owned),
            cycle: self.cycle.map(str::to_owned),
            timing: Request::timing(self.timing)?,
        })
    }
}

fn fields(attachment: Attachment) -> Vec<Field> {
    vec![
        attachment.success.into(),
        attachment.code.into(),
        attachment.kind.into(),
        attachment.requires_checkout.into(),
        attachment.checkout_id.into(),
        attachment.checkout_url.into(),
        attachment.subscription_id.into(),
        attachment.status.into(),
        attachment.trial.into(),
        attachment.trial_ends_at.into(),
        attachment.effective_at.into(),
        attachment.amount_due.into(),
        attachment.currency.into(),
        attachment.invoice_id.into(),
        attachment.message.into(),
    ]
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn owo_attach(
    customer: Option<&str>,
    plan: Option<&str>,
    customer_data: Option<Json>,
    metadata: Option<Json>,
    callback_url: Option<&str>,
    provider: Option<&str>,
    cycle: Option<&str>,
    timing: Option<&str>,
    idempotency_key: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let request = Arguments {
            customer,
            plan,
            customer_data,
            metadata,
            callback_url,
            provider,
            cycle,
            timing,
        }
        .request()?;
        let attachment = attach::attach_once(context, &request, idempotency_key)?;
        Answer::record(fcinfo, fields(attachment))
    })
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn owo_attach_preview(
    customer: Option<&str>,
    plan: Option<&str>,
    customer_data: Option<Json>,
    metadata: Option<Json>,
    callback_url: Option<&str>,
    provider: Option<&str>,
    cycle: Option<&str>,
    timing: Option<&str>,
    idempotency_key: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        if customer.is_none() {
            // To reads NULL is nobody.
            text::required("plan", plan)?;
            return Answer::record(fcinfo, fields(attach::customer_not_found("")));
        }
        let request = Arguments {
            customer,
            plan,
            customer_data,
            metadata,
            callback_url,
            provider,
            cycle,
            timing,
        }
        .request()?;
        if let Some(key) = idempotency_key {
            text::bounded("idempotency_key", key, text::KEY_LENGTH)?;
        }
        Answer::record(fcinfo, fields(attach::preview(context, &request)?))
    })
}

fn checkout_id(id: Option<pgrx::Uuid>) -> Result<uuid::Uuid> {
    let id = id.ok_or_else(|| Error::null_argument("checkout"))?;
    Ok(uuid::Uuid::from_bytes(*id.as_bytes()))
}

fn checkout_row(context: &Context, id: uuid::Uuid) -> Result<Answer> {
    let row = db::checkout::row(&Snapshot::latest()?, context.organization.id, id)?;
    Ok(row.map_or_else(Answer::null, Answer::datum))
}

#[pg_extern(sql = false)]
fn owo_checkout_get(checkout: Option<pgrx::Uuid>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let id = checkout_id(checkout)?;
        checkout::require(context, &Snapshot::latest()?, id)?;
        checkout_row(context, id)
    })
}

#[pg_extern(sql = false)]
fn owo_checkout_complete(
    checkout: Option<pgrx::Uuid>,
    reference: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let id = checkout_id(checkout)?;
        checkout::complete(context, id, reference)?;
        checkout_row(context, id)
    })
}

#[pg_extern(sql = false)]
fn owo_checkout_fail(
    checkout: Option<pgrx::Uuid>,
    reason: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Write, Level::Admin, |context| {
        let id = checkout_id(checkout)?;
        checkout::fail(context, id, reason)?;
        checkout_row(context, id)
    })
}

/// Runs a command and answers with the subscription's row.
fn command(
    fcinfo: pg_sys::FunctionCallInfo,
    customer: Option<&str>,
    plan: Option<&str>,
    subscription: Option<pgrx::Uuid>,
    command: Option<Command>,
) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let target = Target {
            customer,
            plan,
            subscription: subscription.map(|id| uuid::Uuid::from_bytes(*id.as_bytes())),
        };
        let command = command.ok_or_else(|| Error::null_argument("at_period_end"))?;
        let (customer_id, id) = command::run(context, &target, command)?;
        let row = db::subscription::row(customer_id, id)?;
        Ok(row.map_or_else(Answer::null, Answer::datum))
    })
}

#[pg_extern(sql = false)]
fn owo_cancel(
    customer: Option<&str>,
    plan: Option<&str>,
    at_period_end: Option<bool>,
    subscription: Option<pgrx::Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    let wanted = at_period_end.map(|later| match later {
        true => Command::CancelLater,
        false => Command::CancelNow,
    });
    command(fcinfo, customer, plan, subscription, wanted)
}

#[pg_extern(sql = false)]
fn owo_uncancel(
    customer: Option<&str>,
    plan: Option<&str>,
    subscription: Option<pgrx::Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    command(
        fcinfo,
        customer,
        plan,
        subscription,
        Some(Command::Uncancel),
    )
}

#[pg_extern(sql = false)]
fn owo_pause(
    customer: Option<&str>,
    plan: Option<&str>,
    subscription: Option<pgrx::Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    command(fcinfo, customer, plan, subscription, Some(Command::Pause))
}

#[pg_extern(sql = false)]
fn owo_resume(
    customer: Option<&str>,
    plan: Option<&str>,
    subscription: Option<pgrx::Uuid>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    command(fcinfo, customer, plan, subscription, Some(Command::Resume))
}
