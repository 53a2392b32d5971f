//! Entries that answer from what is known (`backend::hot`): a question or a value, nothing else said.
//!
//! What they do not answer goes to the ordinary entries, in `decide` and `track`. A session's first
//! question finds nothing, because nobody has judged the session's rights yet. They are judged then,
//! and it is asked once more: what other sessions know saves reading the catalog.

use super::decide::{decision_fields, owo_allowed_wrapper, owo_check_wrapper, owo_require_wrapper};
use super::track::{owo_consume_wrapper, owo_track_wrapper};
use crate::backend::answer::{Answer, Field};
use crate::backend::call::{Access, Caller, try_begin_write};
use crate::backend::clock;
use crate::backend::hot::Call;
use crate::backend::kept::{Row, ShortText};
use crate::backend::numeric::Room;
use crate::backend::owner::AsOwner;
use crate::error::{Error, Result};
use crate::flow::context::{Context, Level};
use crate::flow::warm::plain::COLUMNS;
use crate::flow::warm::{self, Answered, Granted};
use crate::hot_function;
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;

/// The answer about an allowance that covers what was asked for.
pub fn granted(fcinfo: pg_sys::FunctionCallInfo, granted: &Granted) -> Result<Answer> {
    granted_row(granted, |values, nulls| Answer::row(fcinfo, values, nulls))
}

/// The columns of such an answer, for as long as `give` runs.
pub fn granted_row<T>(
    granted: &Granted,
    give: impl FnOnce([pg_sys::Datum; COLUMNS], [bool; COLUMNS]) -> Result<T>,
) -> Result<T> {
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
    give(values, nulls)
}

/// Asks what is known, and once more where the session's rights had to be judged first.
fn ask(
    call: &Call,
    level: Level,
    access: Access,
    known: impl Fn(&Call) -> Option<Answer>,
) -> Option<Answer> {
    if !call.ends_before(3) {
        return None;
    }
    let answer = known(call);
    if answer.is_none() && is_new(call, level, access) {
        return known(call);
    }
    answer
}

/// Whether this session's rights had not been judged; they are now.
#[cold]
fn is_new(call: &Call, level: Level, access: Access) -> bool {
    // A NULL is for the ordinary entry to refuse, before anything else.
    let is_plain = call.text(0).is_some() && call.text(1).is_some() && call.number(2).is_some();
    if !is_plain || !warm::context::is_new(level, access) {
        return false;
    }
    let judged = Caller::of(call.information(), access).and_then(|caller| {
        let _owner = AsOwner::enter(caller.owner);
        Context::begin(caller, level)
    });
    judged.map_or_else(|error| error.raise(), |_| true)
}

/// `owo_check` from what is known.
fn check_known(call: &Call) -> Option<Answer> {
    ask(call, Level::Reader, Access::Read, check_answer)
}

fn check_answer(call: &Call) -> Option<Answer> {
    let fcinfo = call.information();
    let answer = match warm::check(call.text(0)?, call.text(1)?, call.number(2)?)? {
        Answered::Granted(found) => granted(fcinfo, &found),
        Answered::Decided(decided) => Answer::record(fcinfo, decision_fields(decided)),
    };
    Some(answer.unwrap_or_else(|error| error.raise()))
}

/// `owo_allowed` from what is known.
fn allowed_known(call: &Call) -> Option<Answer> {
    ask(call, Level::Reader, Access::Read, allowed_answer)
}

fn allowed_answer(call: &Call) -> Option<Answer> {
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

/// `owo_track` of a value and nothing else, from what is known.
fn track_known(call: &Call) -> Option<Answer> {
    if !try_begin_write() {
        return None;
    }
    ask(call, Level::App, Access::Write, track_answer)
}

fn track_answer(call: &Call) -> Option<Answer> {
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
    ask(call, Level::Reader, Access::Read, require_answer)
}

fn require_answer(call: &Call) -> Option<Answer> {
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
