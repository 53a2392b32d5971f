//! Checks and tracks (`api.md` 2): convert, call `flow::check` or `flow::track`, convert back.

use super::call;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::{Access, begin_write, try_begin_write};
use crate::backend::clock;
use crate::backend::hot::Call;
use crate::backend::json::Json;
use crate::backend::kept::{Row, ShortText};
use crate::backend::numeric::{Number, Room};
use crate::error::{Error, Result};
use crate::flow::check::{self, Question};
use crate::flow::context::Level;
use crate::flow::decided::Decided;
use crate::flow::track::{self, UsageEvent};
use crate::flow::warm::{self, Answered, Granted, parallel};
use crate::hot_function;
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use pgrx::prelude::*;

/// A quantity that must be given.
pub fn quantity(argument: &str, value: Option<Number>) -> Result<Quantity> {
    value
        .ok_or_else(|| Error::null_argument(argument))?
        .quantity(argument)
}

/// The fields of `owo_decision`, in the order of its declaration.
pub fn decision_fields(decided: Decided) -> Vec<Field> {
    vec![
        decided.allowed.into(),
        decided.code.into(),
        decided.usage.into(),
        decided.usage_limit.into(),
        decided.balance.into(),
        decided.overage.into(),
        decided.resets_at.into(),
        decided.reset_interval.into(),
        decided.credits.into(),
        decided.details.into(),
        decided.replayed.into(),
    ]
}

/// The answer about an allowance that covers what was asked for.
fn granted(fcinfo: pg_sys::FunctionCallInfo, granted: &Granted) -> Result<Answer> {
    let Some(plain) = &granted.known.plain else {
        return Err(Error::internal("an allowance that is plain"));
    };
    let time = |tick| clock::from_postgres(tick);
    let usual = || {
        Row::new(vec![
            true.into(),
            Field::Null,
            Field::Null,
            plain.limit.into(),
            Field::Null,
            Quantity::ZERO.into(),
            plain.resets_at.and_then(time).into(),
            plain.reset_interval.as_deref().into(),
            Field::Null,
            Field::Null,
            false.into(),
        ])
    };
    let row = plain.answer.get_or_init(usual).as_ref();
    let row = row.ok_or_else(|| Error::internal("a decision has other columns"))?;
    let (mut values, mut nulls) = row.columns();
    let (code, usage) = (ShortText::new(granted.code), Room::new(granted.usage));
    let balance = granted.balance.map(Room::new);
    (values[1], nulls[1]) = (code.datum(), false);
    (values[2], nulls[2]) = (usage.datum(), false);
    if let Some(balance) = &balance {
        (values[4], nulls[4]) = (balance.datum(), false);
    }
    if let Some(details) = &granted.details {
        (values[9], nulls[9]) = (details.datum(), false);
    }
    Answer::row(fcinfo, values, nulls)
}

/// Asks the flow, or the query that is running.
fn ask(
    question: &Question,
    value: Option<Number>,
    fcinfo: pg_sys::FunctionCallInfo,
    answer: impl Fn(Decided) -> Result<Answer>,
) -> Answer {
    let value = quantity("value", value).unwrap_or_else(|error| error.raise());
    if let Some(decided) = parallel::recall(question, value) {
        return answer((*decided).clone()).unwrap_or_else(|error| error.raise());
    }
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let decided = check::decide(context, question, value)?;
        parallel::remember(context.caller.role, question, value, &decided);
        answer(decided)
    })
}

/// `owo_check` from what is known.
fn check_known(call: &Call) -> Option<Answer> {
    if !call.ends_before(3) {
        return None;
    }
    let fcinfo = call.information();
    let answer = match warm::check(call.text(0)?, call.text(1)?, call.number(2)?)? {
        Answered::Granted(found) => granted(fcinfo, &found),
        Answered::Decided(decided) => Answer::record(fcinfo, decision_fields(decided)),
    };
    Some(answer.unwrap_or_else(|error| error.raise()))
}

/// `owo_allowed` from what is known.
fn allowed_known(call: &Call) -> Option<Answer> {
    if !call.ends_before(3) {
        return None;
    }
    let allowed = warm::allowed(call.text(0)?, call.text(1)?, call.number(2)?)?;
    Some(Answer::datum(pg_sys::Datum::from(allowed)))
}

hot_function!(
    owo_check_hot,
    pg_finfo_owo_check_hot,
    check_known,
    owo_check_wrapper
);
hot_function!(
    owo_allowed_hot,
    pg_finfo_owo_allowed_hot,
    allowed_known,
    owo_allowed_wrapper
);

#[pg_extern(sql = false)]
fn owo_check(
    customer: Option<&str>,
    feature: Option<&str>,
    value: Option<Number>,
    entity: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    let question = Question {
        customer,
        feature,
        entity,
    };
    ask(&question, value, fcinfo, |decided| {
        Answer::record(fcinfo, decision_fields(decided))
    })
}

#[pg_extern(sql = false)]
fn owo_allowed(
    customer: Option<&str>,
    feature: Option<&str>,
    value: Option<Number>,
    entity: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    let question = Question {
        customer,
        feature,
        entity,
    };
    ask(&question, value, fcinfo, |decided| {
        Ok(Answer::scalar(decided.allowed))
    })
}

#[pg_extern(sql = false)]
fn owo_require(
    customer: Option<&str>,
    feature: Option<&str>,
    value: Option<Number>,
    entity: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    let question = Question {
        customer,
        feature,
        entity,
    };
    ask(&question, value, fcinfo, |decided| {
        let asked = quantity("value", value)?;
        let decided = decided.or_denial(feature, customer, asked)?;
        Answer::record(fcinfo, decision_fields(decided))
    })
}

#[pg_extern(sql = false)]
fn owo_limit(
    customer: Option<&str>,
    feature: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let question = Question {
            customer,
            feature,
            entity: None,
        };
        Ok(check::limit(context, &question)?.map_or_else(Answer::null, Answer::scalar))
    })
}

#[pg_extern(sql = false)]
fn owo_value(
    customer: Option<&str>,
    feature: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let question = Question {
            customer,
            feature,
            entity: None,
        };
        Ok(check::value(context, &question)?.map_or_else(Answer::null, Answer::scalar))
    })
}

#[pg_extern(sql = false)]
fn owo_features(customer: Option<&str>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let rows = check::features(context, customer)?.into_iter().map(|row| {
            vec![
                row.feature.into(),
                row.feature_type.into(),
                Field::Record(decision_fields(row.decided)),
                row.source.into(),
                row.value.into(),
                row.changes_at.into(),
            ]
        });
        Answer::rows(fcinfo, rows.collect())
    })
}

#[pg_extern(sql = false)]
fn owo_explain(
    customer: Option<&str>,
    feature: Option<&str>,
    entity: Option<&str>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer {
    call(fcinfo, Access::Read, Level::Reader, |context| {
        let question = Question {
            customer,
            feature,
            entity,
        };
        let rows = check::explain(context, &question)?.into_iter().map(|row| {
            vec![
                row.ordinal.into(),
                row.source.into(),
                row.source_id.into(),
                row.scope.into(),
                row.period_start.into(),
                row.period_end.into(),
                row.granted.into(),
                row.used.into(),
                row.remaining.into(),
                row.applied.into(),
                row.reason.into(),
                row.changes_at.into(),
            ]
        });
        Answer::rows(fcinfo, rows.collect())
    })
}

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

/// `owo_track` of a value and nothing else, from what is known.
fn track_known(call: &Call) -> Option<Answer> {
    if !call.ends_before(3) || !try_begin_write() {
        return None;
    }
    let (customer, feature) = (call.text(0)?, call.text(1)?);
    let found = warm::record::track_plain(customer, feature, call.number(2)?);
    let answer = match found {
        Ok(found) => granted(call.information(), &found?),
        Err(error) => Err(error),
    };
    Some(answer.unwrap_or_else(|error| error.raise()))
}

/// `owo_require` from what is known, where it is granted.
fn require_known(call: &Call) -> Option<Answer> {
    if !call.ends_before(3) {
        return None;
    }
    match warm::check(call.text(0)?, call.text(1)?, call.number(2)?)? {
        Answered::Granted(found) => {
            let answer = granted(call.information(), &found);
            Some(answer.unwrap_or_else(|error| error.raise()))
        }
        Answered::Decided(_) => None,
    }
}

hot_function!(
    owo_require_hot,
    pg_finfo_owo_require_hot,
    require_known,
    owo_require_wrapper
);
hot_function!(
    owo_track_hot,
    pg_finfo_owo_track_hot,
    track_known,
    owo_track_wrapper
);
// What is recorded is never denied, so both are one here.
hot_function!(
    owo_consume_hot,
    pg_finfo_owo_consume_hot,
    track_known,
    owo_consume_wrapper
);

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
        let decisions = track::batch(context, track::read_events(events.value()?)?)?;
        Answer::rows(fcinfo, decisions.into_iter().map(decision_fields).collect())
    })
}
