//! Stripe's wire: headers, forms, words of failure, minor units.

use chrono::TimeDelta;
use owostack_domain::interval::{Cadence, Interval};
use owostack_domain::money::Currency;
use serde_json::{Value, json};

use crate::answer::Response;
use crate::call::Call;
use crate::form;
use crate::json::owned;
use crate::money::{self, Money};
use crate::object::ObjectKind;
use crate::outcome::{Outcome, Refusal};
use crate::reply::{Fault, Problem, Wording, by_status};
use crate::request::{Method, Request};

/// The version that our requests are written for.
const API_VERSION: &str = "2026-10-28.endive";

/// Hours after which an idempotency key is not relied upon any more; Stripe keeps it for 24.
const KEY_HOURS: i64 = 23;

/// Currencies without minor digits at Stripe, where ISO 4217 gives them some.
const NO_DIGITS: [&str; 1] = ["MGA"];
/// Currencies that Stripe counts in hundredths although they have none.
const WHOLE_HUNDREDS: [&str; 2] = ["ISK", "UGX"];

fn started(call: &Call<'_>, method: Method, target: String) -> Request {
    let version = call.account.api_version.as_deref().unwrap_or(API_VERSION);
    let url = super::CAPABILITIES.url(call.account.environment);
    Request::new(call.account.base_url.as_ref(), url, method, target)
        .bearer(&call.account.secret_key)
        .header("Stripe-Version", version)
}

/// A read.
pub(super) fn get(call: &Call<'_>, path: &str, query: &Value) -> Request {
    started(call, Method::Get, form::with_query(path, query))
}

/// A write, which Stripe carries out once for each step of an operation.
pub(super) fn post(call: &Call<'_>, path: impl Into<String>, body: &Value) -> Request {
    started(call, Method::Post, path.into())
        .header("Idempotency-Key", call.key())
        .form(body)
}

/// A removal; it needs no key, since a second one finds nothing.
pub(super) fn delete(call: &Call<'_>, path: String) -> Request {
    started(call, Method::Delete, path)
}

/// Whether the operation is so old that Stripe may have forgotten its idempotency keys.
pub(super) fn key_is_old(call: &Call<'_>) -> bool {
    call.at - call.progress.since > TimeDelta::hours(KEY_HOURS)
}

/// The outcome of a problem with a write that moves no money.
pub(super) fn harmless(problem: Problem, call: &Call<'_>) -> Outcome {
    // A stored failure is replayed for ever under its key.
    if problem.is_stuck() {
        problem.renew(call)
    } else {
        problem.repeat(call)
    }
}

/// How Stripe words its failures.
pub(super) static WORDING: Wording = Wording {
    fault,
    refuses: |_| false,
    stuck,
    words: |body| (code(body), owned(body, "/error/message")),
    request_id: "request-id",
};

fn code(body: &Value) -> Option<String> {
    owned(body, "/error/decline_code")
        .or_else(|| owned(body, "/error/code"))
        .or_else(|| owned(body, "/error/type"))
}

fn fault(response: &Response, body: &Value) -> Fault {
    let text = |path| body.pointer(path).and_then(Value::as_str);
    match (text("/error/type"), text("/error/code")) {
        (_, Some("resource_missing")) => Fault::Missing(missing(text("/error/param"))),
        (_, Some("resource_already_exists" | "charge_already_refunded")) => Fault::Exists,
        // Still being carried out under the same key.
        (_, Some("idempotency_key_in_use" | "lock_timeout")) => Fault::NotDone,
        (_, Some("rate_limit")) => Fault::RateLimited,
        (Some("card_error"), _) => Fault::Declined,
        (Some("idempotency_error"), _) => Fault::Invalid,
        _ => by_status(response.status),
    }
}

/// What is gone, by the name of the parameter that named it.
fn missing(param: Option<&str>) -> ObjectKind {
    match param {
        Some("customer") => ObjectKind::Customer,
        Some("payment_method" | "default_payment_method") => ObjectKind::Method,
        Some("payment_intent" | "charge" | "invoice" | "intent") => ObjectKind::Payment,
        Some(param) if param.contains("price") || param.contains("product") => ObjectKind::Plan,
        Some(param) if param.contains("session") => ObjectKind::Checkout,
        _ => ObjectKind::Subscription,
    }
}

fn stuck(response: &Response) -> bool {
    let says = |name, word| response.headers.get(name) == Some(word);
    says("idempotent-replayed", "true") || says("stripe-should-retry", "false")
}

/// Decimals of a currency at Stripe.
pub(super) fn digits(currency: Currency) -> u32 {
    let code = currency.as_str();
    if NO_DIGITS.contains(&code) {
        0
    } else if WHOLE_HUNDREDS.contains(&code) {
        2
    } else {
        currency.digits()
    }
}

/// An amount as Stripe takes it.
pub(super) fn amount(money: Money) -> Result<i64, Refusal> {
    let amount = money::to_wire(money, digits)?;
    if money.currency.digits() == 3 && amount % 10 != 0 {
        return Err(Refusal::invalid(
            "amounts with three decimals must end in zero",
        ));
    }
    Ok(amount)
}

/// An amount of Stripe.
pub(super) fn money(amount: Option<i64>, currency: Option<&str>) -> Option<Money> {
    money::from_wire(amount?, currency?, digits)
}

/// The code of a currency as Stripe spells it.
pub(super) fn currency(currency: Currency) -> String {
    currency.as_str().to_ascii_lowercase()
}

/// How often, in Stripe's words.
pub(super) fn recurring(cadence: Cadence) -> Result<Value, Refusal> {
    if !super::CAPABILITIES.cadences.can_express(cadence) {
        return Err(Refusal::unsupported(format!(
            "Stripe cannot bill {cadence}"
        )));
    }
    let (interval, step) = match cadence.interval {
        Interval::Daily => ("day", 1),
        Interval::Weekly => ("week", 1),
        Interval::Monthly => ("month", 1),
        Interval::Quarterly => ("month", 3),
        Interval::SemiAnnual => ("month", 6),
        Interval::Yearly => ("year", 1),
        _ => return Err(Refusal::unsupported("Stripe cannot bill that often")),
    };
    Ok(json!({"interval": interval, "interval_count": step * cadence.count}))
}

/// How often, in ours.
pub(super) fn cadence(interval: &str, count: u32) -> Option<Cadence> {
    let interval = match interval {
        "day" => Interval::Daily,
        "week" => Interval::Weekly,
        "month" => Interval::Monthly,
        "year" => Interval::Yearly,
        _ => return None,
    };
    Some(Cadence::new(interval, count))
}
