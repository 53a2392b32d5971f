//! The one map from what went wrong to SQLSTATE, message, detail and hint.
//!
//! Every layer above `backend/` returns [`Error`]; only `api/` raises it.
//! Invariant: a denial is not an error here, except in the functions that promise to raise one.

use pgrx::pg_sys::panic::{CaughtError, ErrorReport, ErrorReportWithLevel};
use pgrx::{PgLogLevel, PgSqlErrorCode};
use std::panic::{set_hook, take_hook};

/// Most characters of a message or hint: three names of full length fit, a text of a megabyte
/// that somebody gave for a name does not.
const MESSAGE_CHARACTERS: usize = 1200;
/// Most characters of a detail, which may list many mistakes.
const DETAIL_CHARACTERS: usize = 20_000;

/// What a flow returns when it cannot answer.
pub type Result<T> = std::result::Result<T, Error>;

/// A broken call: SQLSTATE with texts in Postgres' style.
#[derive(Debug, Clone)]
pub struct Error {
    code: PgSqlErrorCode,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

macro_rules! situations {
    ($($(#[$doc:meta])* $name:ident = $code:ident;)*) => {
        impl Error {
            $($(#[$doc])* pub fn $name(message: impl Into<String>) -> Self {
                Self::new(PgSqlErrorCode::$code, message)
            })*
        }
    };
}

situations! {
    /// `42704`: unknown feature, plan, pack, provider, organization, or a feature of the wrong type.
    undefined = ERRCODE_UNDEFINED_OBJECT;
    /// `23503`: unknown customer where a row is needed.
    missing_customer = ERRCODE_FOREIGN_KEY_VIOLATION;
    /// `23514`: denied, or the state forbids the step.
    forbidden = ERRCODE_CHECK_VIOLATION;
    /// `22023`: a bad value.
    invalid = ERRCODE_INVALID_PARAMETER_VALUE;
    /// `22003`: a number out of range.
    out_of_range = ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
    /// `22004`: NULL where a value is needed.
    null = ERRCODE_NULL_VALUE_NOT_ALLOWED;
    /// `21000`: one name, several customers.
    ambiguous = ERRCODE_CARDINALITY_VIOLATION;
    /// `23505`: a key, id or e-mail is taken.
    taken = ERRCODE_UNIQUE_VIOLATION;
    /// `23502`: a row of an enforced table that names no customer or entity.
    not_null = ERRCODE_NOT_NULL_VIOLATION;
    /// `42703`: an enforced table lacks a column that its enforcement names.
    undefined_column = ERRCODE_UNDEFINED_COLUMN;
    /// `42809`: not a table that can be enforced.
    wrong_object = ERRCODE_WRONG_OBJECT_TYPE;
    /// `42501`: no permission, or the organization is not granted.
    denied = ERRCODE_INSUFFICIENT_PRIVILEGE;
    /// `28000`: a webhook that is not believed.
    unbelieved = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
    /// `55000`: needs another state of the object or the server.
    wrong_state = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
    /// `40001`: another open transaction is in the way; try again.
    retry = ERRCODE_T_R_SERIALIZATION_FAILURE;
    /// `0A000`: not possible with this feature of Postgres.
    unsupported = ERRCODE_FEATURE_NOT_SUPPORTED;
    /// `53400`: the memory for meters is full of open transactions.
    full = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
    /// `53400`: a limit of the server's configuration is reached.
    exhausted = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED;
    /// `39P01`: a trigger function called from SQL.
    not_a_trigger = ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED;
    /// `XX000`: what our own rows or plans should never hold.
    internal = ERRCODE_INTERNAL_ERROR;
}

impl Error {
    fn new(code: PgSqlErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    /// Whether the same call may succeed later, without anything being changed.
    pub fn is_retry(&self) -> bool {
        self.code == PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE
    }

    /// `22004` naming the argument.
    pub fn null_argument(name: &str) -> Self {
        Self::null(format!("{name} must not be null"))
    }

    /// `42704` for a feature slug.
    pub fn unknown_feature(slug: &str) -> Self {
        Self::undefined(format!("feature \"{slug}\" does not exist"))
            .hint("Features are listed by owo_catalog() and created by owo_sync().")
    }

    /// `23503` for a customer name.
    pub fn unknown_customer(name: &str) -> Self {
        Self::missing_customer(format!("customer \"{name}\" does not exist"))
            .hint("Create the customer with owo_customer() first.")
    }

    /// What Postgres raised, or a panic, after it was caught.
    pub fn caught(report: &ErrorReportWithLevel) -> Self {
        Self {
            code: report.sql_error_code(),
            message: report.message().to_owned(),
            detail: report.detail().map(str::to_owned),
            hint: report.hint().map(str::to_owned),
        }
    }

    /// Its message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Adds the facts behind the message.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says before the facts where in a list they belong.
    pub fn within(mut self, place: &str) -> Self {
        self.detail = Some(match self.detail {
            Some(detail) => format!("{place} {detail}"),
            None => place.to_owned(),
        });
        self
    }

    /// Adds the next step.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Raises the error in Postgres; nothing on the Rust stack may need cleaning beyond `Drop`.
    pub fn raise(self) -> ! {
        self.report(PgLogLevel::ERROR);
        unreachable!("an error report does not return")
    }

    /// Writes the error to the server log and goes on; `whose` says where it happened.
    pub fn log(mut self, whose: &str) {
        self.message = format!("{whose}: {}", self.message);
        self.report(PgLogLevel::WARNING);
    }

    fn report(self, level: PgLogLevel) {
        let message = shortened(self.message, MESSAGE_CHARACTERS);
        let mut report = ErrorReport::new(self.code, message, "owostack");
        if let Some(detail) = self.detail {
            report = report.set_detail(shortened(detail, DETAIL_CHARACTERS));
        }
        if let Some(hint) = self.hint {
            report = report.set_hint(shortened(hint, MESSAGE_CHARACTERS));
        }
        report.report(level);
    }
}

/// Begin and end of a text that is too long: what was given stands first, what is wrong with it last.
fn shortened(text: String, most: usize) -> String {
    let excess = text.chars().count().saturating_sub(most);
    if excess == 0 {
        return text;
    }
    let head = most / 2;
    let begin = text.chars().take(head);
    let end = text.chars().skip(head.saturating_add(excess));
    begin.chain(" ... ".chars()).chain(end).collect()
}

/// Has errors that Postgres raises within our calls keep their own texts.
///
/// They pass through Rust as panics; where the environment of the server asks for backtraces, pgrx
/// would append one to their DETAIL: pages of our functions and of paths on the machine that built
/// us, for a lock that was not free in time.
pub fn init() {
    let others = take_hook();
    set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        // Ours as well: what is noted for them and never fetched would be appended to the next.
        if !(payload.is::<CaughtError>() || payload.is::<ErrorReportWithLevel>()) {
            others(panic);
        }
    }));
}
