//! Paystack's wire: envelope, words of failure, minor units, intervals.

use owostack_domain::interval::{Cadence, Interval, Length};
use owostack_domain::money::Currency;
use serde_json::Value;

use crate::answer::Response;
use crate::call::Call;
use crate::form;
use crate::json::{owned, text};
use crate::money::{self, Money};
use crate::object::ObjectKind;
use crate::outcome::Refusal;
use crate::reply::{Fault, Wording, by_status};
use crate::request::{Method, Request};

fn started(call: &Call<'_>, method: Method, target: String) -> Request {
    let url = super::CAPABILITIES.url(call.account.environment);
    Request::new(call.account.base_url.as_ref(), url, method, target)
        .bearer(&call.account.secret_key)
}

/// A read.
pub(super) fn get(call: &Call<'_>, path: &str, query: &Value) -> Request {
    started(call, Method::Get, form::with_query(path, query))
}

/// A write.
pub(super) fn post(call: &Call<'_>, path: &str, body: Value) -> Request {
    started(call, Method::Post, path.to_owned()).json(&without_nulls(body))
}

/// Paystack reads a null as a value.
fn without_nulls(body: Value) -> Value {
    match body {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}

/// How Paystack words its failures.
pub(super) static WORDING: Wording = Wording {
    fault,
    refuses: |body| body.get("status").and_then(Value::as_bool) == Some(false),
    stuck: |_| false,
    words: |body| {
        let code = owned(body, "/code").or_else(|| owned(body, "/type"));
        let message = match (text(body, "/message"), text(body, "/meta/nextStep")) {
            (Some(message), Some(next)) => Some(format!("{message}. {next}")),
            (message, _) => message.map(str::to_owned),
        };
        (code, message)
    },
    request_id: "x-request-id",
};

fn fault(response: &Response, body: &Value) -> Fault {
    let code = text(body, "/code").unwrap_or_default();
    let message = text(body, "/message").unwrap_or_default().to_lowercase();
    match code {
        "duplicate_reference" | "transaction_reversed" | "duplicate_subscription" => Fault::Exists,
        "rate_limited" => Fault::RateLimited,
        // The bank's side broke down: nobody knows.
        _ if text(body, "/type") == Some("processor_error") => Fault::Unclear,
        _ if message.contains("duplicate transaction reference") => Fault::Exists,
        _ if message.contains("fully reversed") || message.contains("already in place") => {
            Fault::Exists
        }
        _ if code.ends_with("not_found") || message.contains("not found") => {
            Fault::Missing(missing(code, &message))
        }
        _ if response.status == 404 => Fault::Missing(missing(code, &message)),
        // An envelope that says no under a good status.
        _ if response.status < 300 => Fault::Invalid,
        _ => by_status(response.status),
    }
}

/// What is gone, by the word in the failure.
fn missing(code: &str, message: &str) -> ObjectKind {
    let names = |word: &str| code.contains(word) || message.contains(word);
    if names("authorization") {
        ObjectKind::Method
    } else if names("subscription") {
        ObjectKind::Subscription
    } else if names("plan") {
        ObjectKind::Plan
    } else if names("customer") {
        ObjectKind::Customer
    } else if names("refund") {
        ObjectKind::Refund
    } else {
        ObjectKind::Payment
    }
}

/// Paystack counts hundredths in every currency, also where there are none.
fn digits(_: Currency) -> u32 {
    2
}

/// An amount as Paystack takes it.
pub(super) fn amount(money: Money) -> Result<i64, Refusal> {
    money::to_wire(money, digits)
}

/// An amount of Paystack.
pub(super) fn money(amount: Option<i64>, currency: Option<&str>) -> Option<Money> {
    money::from_wire(amount?, currency?, digits)
}

/// The smallest first charge that saves a card.
pub(super) fn capture(currency: Currency) -> Result<i64, Refusal> {
    match currency.as_str() {
        "NGN" => Ok(5_000),
        "GHS" => Ok(10),
        "ZAR" => Ok(100),
        "KES" => Ok(300),
        "USD" => Ok(20),
        code => Err(Refusal::unsupported(format!(
            "Paystack cannot save a card in {code}"
        ))),
    }
}

/// How often, in Paystack's word.
pub(super) fn interval(cadence: Cadence) -> Result<&'static str, Refusal> {
    let count = i64::from(cadence.count);
    match cadence.interval.length() {
        Length::Seconds(3_600) if count == 1 => Ok("hourly"),
        Length::Days(days) if days * count == 1 => Ok("daily"),
        Length::Days(days) if days * count == 7 => Ok("weekly"),
        Length::Months(months) if months * count == 1 => Ok("monthly"),
        Length::Months(months) if months * count == 3 => Ok("quarterly"),
        Length::Months(months) if months * count == 6 => Ok("biannually"),
        Length::Months(months) if months * count == 12 => Ok("annually"),
        _ => Err(Refusal::unsupported(format!(
            "Paystack cannot bill {cadence}"
        ))),
    }
}

/// How often, in ours.
pub(super) fn cadence(interval: &str) -> Option<Cadence> {
    let interval = match interval {
        "hourly" => Interval::Hourly,
        "daily" => Interval::Daily,
        "weekly" => Interval::Weekly,
        "monthly" => Interval::Monthly,
        "quarterly" => Interval::Quarterly,
        "biannually" => Interval::SemiAnnual,
        "annually" => Interval::Yearly,
        _ => return None,
    };
    Some(Cadence::new(interval, 1))
}
