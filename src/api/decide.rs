//! Checks (`api.md` 2): convert, call `flow::check`, convert back.

use super::call;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::numeric::Number;
use crate::error::{Error, Result};
use crate::flow::check::{self, Question};
use crate::flow::context::Level;
use crate::flow::decided::Decided;
use crate::flow::warm::parallel;
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
