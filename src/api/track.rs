//! Recording usage (`api.md` 2): convert, call `flow::track`, convert back.

use super::call;
use super::decide::{decision_fields, quantity};
use super::known::{granted, granted_row};
use crate::backend::answer::Answer;
use crate::backend::call::{Access, begin_write};
use crate::backend::clock;
use crate::backend::json::Json;
use crate::backend::numeric::Number;
use crate::backend::rowset::Set;
use crate::error::{Error, Result};
use crate::flow::context::Level;
use crate::flow::decided::Decided;
use crate::flow::track::{self, UsageEvent};
use crate::flow::warm::{self, Answered};
use pgrx::pg_sys;
use pgrx::prelude::*;

/// The arguments of a track as they come from SQL.
struct TrackArguments<'a> {
    customer: Option<&'a str>,
    feature: Option<&'a str>,
    value: Option<Number>,
    entity: Option<&'a str>,
    metadata: Option<Json>,
    idempotency_key: Option<&'a str>,
    occurred_at: Option<TimestampWithTimeZone>,
    customer_data: Option<Json>,
}

impl TrackArguments<'_> {
    fn event(self) -> Result<UsageEvent> {
        let occurred_at = match self.occurred_at {
            None => None,
            Some(at) => Some(
                clock::from_postgres(at.into())
                    .ok_or_else(|| Error::invalid("occurred_at must be a finite time"))?,
            ),
        };
        Ok(UsageEvent {
            customer: self
                .customer
                .ok_or_else(|| Error::null_argument("customer"))?
                .to_owned(),
            feature: self
                .feature
                .ok_or_else(|| Error::null_argument("feature"))?
                .to_owned(),
            value: quantity("value", self.value)?,
            entity: self.entity.map(str::to_owned),
            metadata: self.metadata.map(Json::value).transpose()?,
            idempotency_key: self.idempotency_key.map(str::to_owned),
            occurred_at,
            customer_data: self.customer_data.map(Json::value).transpose()?,
        })
    }
}

fn tracked(
    arguments: TrackArguments,
    fcinfo: pg_sys::FunctionCallInfo,
    finish: impl Fn(&UsageEvent, Decided) -> Result<Decided>,
) -> Answer {
    let outcome = arguments.event().and_then(|event| {
        begin_write();
        match warm::record::track(&event)? {
            None => Ok(Err(event)),
            Some(Answered::Granted(found)) => granted(fcinfo, &found).map(Ok),
            Some(Answered::Decided(decided)) => {
                Answer::record(fcinfo, decision_fields(finish(&event, decided)?)).map(Ok)
            }
        }
    });
    match outcome {
        Ok(Ok(answer)) => answer,
        Ok(Err(event)) => call(fcinfo, Access::Write, Level::App, |context| {
            let decided = track::one(context, event.clone())?;
            Answer::record(fcinfo, decision_fields(finish(&event, decided)?))
        }),
        Err(error) => error.raise(),
    }
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn owo_track(
    customer: Option<&str>,
    feature: Option<&str>,
    value: Option<Number>,
    entity: Option<&str>,
    metadata: Option<Json>,
    idempotency_key: Option<&str>,
    occurred_at: Option<TimestampWithTimeZone>,
    customer_data: Option<Json>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    let arguments = TrackArguments {
        customer,
        feature,
        value,
        entity,
        metadata,
        idempotency_key,
        occurred_at,
        customer_data,
    };
    tracked(arguments, fcinfo, |_, decided| Ok(decided))
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn owo_consume(
    customer: Option<&str>,
    feature: Option<&str>,
    value: Option<Number>,
    entity: Option<&str>,
    metadata: Option<Json>,
    idempotency_key: Option<&str>,
    occurred_at: Option<TimestampWithTimeZone>,
    customer_data: Option<Json>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    let arguments = TrackArguments {
        customer,
        feature,
        value,
        entity,
        metadata,
        idempotency_key,
        occurred_at,
        customer_data,
    };
    tracked(arguments, fcinfo, |event, decided| {
        decided.or_denial(Some(&event.feature), Some(&event.customer), event.value)
    })
}

#[pg_extern(sql = false)]
fn owo_track_batch(events: Option<Json>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Write, Level::App, |context| {
        let events = events.ok_or_else(|| Error::null_argument("events"))?;
        let decisions = track::batch(context, track::read_events(events)?)?;
        let set = Set::open(fcinfo)?;
        for answered in decisions {
            match answered {
                Answered::Granted(found) => {
                    granted_row(&found, |values, nulls| set.put_row(values, nulls))?;
                }
                Answered::Decided(decided) => set.put(decision_fields(decided))?,
            }
        }
        Ok(set.finish())
    })
}
