//! Polar's wire: version header, words of failure, minor units, intervals.

use owostack_domain::interval::{Cadence, Interval, Length};
use owostack_domain::money::Currency;
use serde_json::Value;

use crate::answer::Response;
use crate::call::Call;
use crate::form;
use crate::json::{list, owned, text};
use crate::money::{self, Money};
use crate::object::ObjectKind;
use crate::outcome::Refusal;
use crate::reply::{Fault, Wording, by_status};
use crate::request::{Method, Request};
use crate::secret::Secret;

/// The version that our requests are written for.
const API_VERSION: &str = "2026-10";

/// Currencies without minor digits at Polar.
const NO_DIGITS: [&str; 15] = [
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];

fn started(call: &Call<'_>, key: &Secret, method: Method, target: String) -> Request {
    let version = call.account.api_version.as_deref().unwrap_or(API_VERSION);
    let url = super::CAPABILITIES.url(call.account.environment);
    Request::new(call.account.base_url.as_ref(), url, method, target)
        .bearer(key)
        .header("Polar-Version", version)
}

/// A read. A collection's path must end with a slash, or Polar redirects.
pub(super) fn get(call: &Call<'_>, path: &str, query: &Value) -> Request {
    let target = form::with_query(path, query);
    started(call, &call.account.secret_key, Method::Get, target)
}

/// A creation or action; fields that are null are left out.
pub(super) fn post(call: &Call<'_>, path: impl Into<String>, body: &Value) -> Request {
    let fields = body.as_object().into_iter().flatten();
    let given = fields
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()));
    started(call, &call.account.secret_key, Method::Post, path.into())
        .json(&Value::Object(given.collect()))
}

/// A change; here a null clears a field.
pub(super) fn patch(call: &Call<'_>, path: String, body: &Value) -> Request {
    started(call, &call.account.secret_key, Method::Patch, path).json(body)
}

/// A removal.
pub(super) fn delete(call: &Call<'_>, path: String) -> Request {
    started(call, &call.account.secret_key, Method::Delete, path)
}

/// A removal in a customer's own name.
pub(super) fn delete_as(call: &Call<'_>, customer: &Secret, path: String) -> Request {
    started(call, customer, Method::Delete, path)
}

/// How Polar words its failures.
pub(super) static WORDING: Wording = Wording {
    fault,
    refuses: |_| false,
    stuck: |_| false,
    words: |body| (owned(body, "/error"), words(body)),
    request_id: "x-request-id",
};

/// The text of a failure: a sentence, or what is wrong with each field.
fn words(body: &Value) -> Option<String> {
    if let Some(detail) = text(body, "/detail").or_else(|| text(body, "/error_description")) {
        return Some(detail.to_owned());
    }
    let field = |item: &Value| {
        let place: Vec<String> = list(item, "/loc")
            .iter()
            .map(|part| {
                part.as_str()
                    .map_or_else(|| part.to_string(), str::to_owned)
            })
            .collect();
        Some(format!("{}: {}", place.join("."), text(item, "/msg")?))
    };
    let fields: Vec<String> = list(body, "/detail")
        .iter()
        .take(5)
        .filter_map(field)
        .collect();
    (!fields.is_empty()).then(|| fields.join("; "))
}

fn fault(response: &Response, body: &Value) -> Fault {
    match text(body, "/error").unwrap_or_default() {
        "ResourceNotFound" => Fault::Missing(ObjectKind::Subscription),
        "AlreadyCanceledSubscription" | "OrderNotDraft" | "RefundedAlready" => Fault::Exists,
        "PaymentFailed" | "PaymentActionRequired" | "PaymentError" | "PaymentMethodRequired" => {
            Fault::Declined
        }
        // Somebody else is at it; nothing was done.
        "SubscriptionLocked" | "PaymentAlreadyInProgress" | "CheckoutLocked" => Fault::NotDone,
        _ if response.status == 404 => Fault::Missing(ObjectKind::Subscription),
        _ if response.status == 409 => Fault::NotDone,
        _ if response.status == 412 => Fault::Exists,
        _ => by_status(response.status),
    }
}

/// Decimals of a currency at Polar.
fn digits(currency: Currency) -> u32 {
    if NO_DIGITS.contains(&currency.as_str()) {
        0
    } else {
        2
    }
}

/// An amount as Polar takes it.
pub(super) fn amount(money: Money) -> Result<i64, Refusal> {
    if money.currency.digits() == 3 {
        return Err(Refusal::unsupported(format!(
            "Polar does not offer {}",
            money.currency
        )));
    }
    money::to_wire(money, digits)
}

/// An amount of Polar.
pub(super) fn money(amount: Option<i64>, currency: Option<&str>) -> Option<Money> {
    money::from_wire(amount?, currency?, digits)
}

/// The code of a currency as Polar spells it.
pub(super) fn currency(currency: Currency) -> String {
    currency.as_str().to_ascii_lowercase()
}

/// How often, in Polar's words.
pub(super) fn recurring(cadence: Cadence) -> Result<(&'static str, u32), Refusal> {
    let refused = || Refusal::unsupported(format!("Polar cannot bill {cadence}"));
    if !super::CAPABILITIES.cadences.can_express(cadence) {
        return Err(refused());
    }
    match cadence.interval {
        Interval::Daily => Ok(("day", cadence.count)),
        Interval::Weekly => Ok(("week", cadence.count)),
        Interval::Yearly => Ok(("year", cadence.count)),
        interval => match interval.length() {
            Length::Months(months) => u32::try_from(months)
                .map(|months| ("month", months.saturating_mul(cadence.count)))
                .map_err(|_| refused()),
            _ => Err(refused()),
        },
    }
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
