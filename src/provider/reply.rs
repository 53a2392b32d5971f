//! Replies: the one place where an answer becomes a value or a problem.
//!
//! Used by every provider's readers. Invariant: what may have happened and is not known becomes
//! `Fault::Unclear`, and then the progress to go on from is named by the reader of that step, who
//! knows whether repeating is safe.

use serde_json::Value;

use crate::answer::{Answer, Response};
use crate::call::Call;
use crate::object::{Object, ObjectKind};
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;
use crate::retry_after;

/// How long to wait before looking whether a lost request was carried out after all.
pub(crate) const LOOK_AFTER_SECONDS: u32 = 10;

/// What kind of problem an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The bank or card said no.
    Declined,
    /// The request is wrong.
    Invalid,
    /// The key is wrong or may not.
    Unauthorized,
    /// An object that the request names is gone.
    Missing(ObjectKind),
    /// It has been done before.
    Exists,
    /// Too many requests; not carried out.
    RateLimited,
    /// Not carried out, and may be repeated as it is.
    NotDone,
    /// Nobody knows whether it was carried out.
    Unclear,
}

/// A problem with its words.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) fault: Fault,
    pub(crate) failure: Failure,
    after_seconds: Option<u32>,
    stuck: bool,
}

/// What a good answer holds, or the problem.
pub(crate) type Reply = Result<Value, Problem>;

/// How a provider words its failures.
pub(crate) struct Wording {
    /// Kind of problem of a status and body.
    pub(crate) fault: fn(&Response, &Value) -> Fault,
    /// Whether a body says no under a good status.
    pub(crate) refuses: fn(&Value) -> bool,
    /// Whether the same request would get the same answer for ever.
    pub(crate) stuck: fn(&Response) -> bool,
    /// Code and text of a body.
    pub(crate) words: fn(&Value) -> (Option<String>, Option<String>),
    /// Header with the provider's id of the request.
    pub(crate) request_id: &'static str,
}

/// The value of an answer, or the problem, whose words never repeat the account's key.
pub(crate) fn of(call: &Call<'_>, answer: &Answer, wording: &Wording) -> Reply {
    let reply = match answer {
        Answer::NotSent(why) => Err(Problem::silent(Fault::NotDone, why)),
        Answer::Lost(why) => Err(Problem::silent(Fault::Unclear, why)),
        Answer::Response(response) => of_response(response, wording),
    };
    reply.map_err(|mut problem| {
        let key = call.account.secret_key.expose();
        let failure = &mut problem.failure;
        failure.message = failure.message.replace(key, "***");
        failure.code = failure.code.take().map(|code| code.replace(key, "***"));
        problem
    })
}

fn of_response(response: &Response, wording: &Wording) -> Reply {
    let body = serde_json::from_slice::<Value>(&response.body);
    let good = (200..300).contains(&response.status);
    if good && response.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    let Ok(body) = body else {
        // Half a body, or a page of something between us and the provider.
        let fault = match response.status {
            401 | 403 => Fault::Unauthorized,
            429 => Fault::RateLimited,
            300..400 => Fault::NotDone,
            400 | 404..=407 | 410..=428 => Fault::Invalid,
            _ => Fault::Unclear,
        };
        return Err(Problem::of(
            response,
            fault,
            None,
            "the answer is no JSON",
            wording,
        ));
    };
    if good && !(wording.refuses)(&body) {
        return Ok(body);
    }
    let fault = match response.status {
        300..400 => Fault::NotDone,
        429 => Fault::RateLimited,
        _ => (wording.fault)(response, &body),
    };
    let (code, message) = (wording.words)(&body);
    let message = message.unwrap_or_else(|| format!("status {}", response.status));
    Err(Problem::of(
        response,
        fault,
        code.as_deref(),
        &message,
        wording,
    ))
}

/// The kind of problem that a status alone tells.
pub(crate) fn by_status(status: u16) -> Fault {
    match status {
        401 | 403 => Fault::Unauthorized,
        402 => Fault::Declined,
        408 | 409 | 425 | 500.. => Fault::Unclear,
        429 => Fault::RateLimited,
        _ => Fault::Invalid,
    }
}

impl Problem {
    fn silent(fault: Fault, why: &str) -> Self {
        Self {
            fault,
            failure: Failure::new(0, None, why),
            after_seconds: None,
            stuck: false,
        }
    }

    fn of(
        response: &Response,
        fault: Fault,
        code: Option<&str>,
        message: &str,
        wording: &Wording,
    ) -> Self {
        let mut failure = Failure::new(response.status, code, message);
        failure.request_id = response
            .headers
            .get(wording.request_id)
            .map(crate::outcome::clean)
            .filter(|id| !id.is_empty());
        Self {
            fault,
            failure,
            after_seconds: retry_after::seconds(&response.headers, response.received_at),
            stuck: (wording.stuck)(response),
        }
    }

    /// A good answer that does not hold what it must.
    pub(crate) fn incomplete() -> Self {
        Self::silent(Fault::Unclear, "the answer lacks what it must hold")
    }

    /// A good answer that says the object is no more.
    pub(crate) fn gone(object: ObjectKind) -> Self {
        Self::silent(Fault::Missing(object), "the object has been deleted")
    }

    /// Whether nobody knows what became of it, and asking the same again tells nothing new.
    pub(crate) fn is_stuck(&self) -> bool {
        self.fault == Fault::Unclear && self.stuck
    }

    /// Whether the provider's code is this one.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.failure.code.as_deref() == Some(code)
    }

    /// The outcome, when repeating the step as it is does no harm.
    pub(crate) fn repeat(self, call: &Call<'_>) -> Outcome {
        let progress = call.progress.clone();
        self.or_unclear(call, progress, None)
    }

    /// The outcome of a look: whatever is wrong with it, it does not tell that nothing was done.
    pub(crate) fn unknown(self, call: &Call<'_>) -> Outcome {
        let fault = match self.fault {
            Fault::Unauthorized | Fault::RateLimited => self.fault,
            _ => Fault::Unclear,
        };
        Self { fault, ..self }.look(call, call.step())
    }

    /// The outcome, when an unclear step may be repeated as a new request.
    pub(crate) fn renew(self, call: &Call<'_>) -> Outcome {
        let progress = call.progress.clone().again();
        self.or_unclear(call, progress, None)
    }

    /// The outcome, when an unclear step must be looked for before anything is repeated.
    pub(crate) fn look(self, call: &Call<'_>, step: &str) -> Outcome {
        let progress = call.progress.at(step);
        self.or_unclear(call, progress, Some(LOOK_AFTER_SECONDS))
    }

    fn or_unclear(self, call: &Call<'_>, unclear: Progress, wait: Option<u32>) -> Outcome {
        let Self {
            fault,
            failure,
            after_seconds,
            ..
        } = self;
        match fault {
            Fault::Declined => Outcome::Declined(failure),
            Fault::Invalid => Outcome::Invalid(failure),
            Fault::Unauthorized => Outcome::Unauthorized(failure),
            Fault::Missing(object) => Outcome::Missing { object, failure },
            Fault::Exists => Outcome::Exists(failure),
            Fault::RateLimited => Outcome::RateLimited {
                after_seconds,
                progress: call.progress.clone(),
                failure,
            },
            Fault::NotDone => Outcome::Retry {
                after_seconds,
                progress: call.progress.clone(),
                failure,
            },
            Fault::Unclear => Outcome::Retry {
                after_seconds: after_seconds.max(wait),
                progress: unclear,
                failure,
            },
        }
    }
}

/// The first item of a list that is what was looked for; a problem when there is no list, since
/// nothing may be done on the ground that a broken answer lacks it.
pub(crate) fn search<'v>(
    value: &'v Value,
    path: &str,
    is_wanted: impl Fn(&Value) -> bool,
) -> Result<Option<&'v Value>, Problem> {
    Ok(items(value, path)?.iter().find(|item| is_wanted(item)))
}

/// The list at the path; a problem when there is none.
pub(crate) fn items<'v>(value: &'v Value, path: &str) -> Result<&'v [Value], Problem> {
    value
        .pointer(path)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .ok_or_else(Problem::incomplete)
}

/// The end of an operation with that object.
pub(crate) fn done(object: Object) -> Outcome {
    Outcome::Done(Box::new(object))
}
