//! Dodo's wire: words of failure, minor units, intervals.

use owostack_domain::interval::{Cadence, Interval, Length};
use owostack_domain::money::Currency;
use serde_json::{Value, json};

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

/// A creation or action.
pub(super) fn post(call: &Call<'_>, path: impl Into<String>, body: &Value) -> Request {
    started(call, Method::Post, path.into()).json(body)
}

/// A change.
pub(super) fn patch(call: &Call<'_>, path: String, body: &Value) -> Request {
    started(call, Method::Patch, path).json(body)
}

/// A removal.
pub(super) fn delete(call: &Call<'_>, path: String) -> Request {
    started(call, Method::Delete, path)
}

/// How Dodo words its failures.
pub(super) static WORDING: Wording = Wording {
    fault,
    refuses: |_| false,
    stuck: |_| false,
    words: |body| (owned(body, "/code"), owned(body, "/message")),
    request_id: "x-request-id",
};

fn fault(response: &Response, body: &Value) -> Fault {
    let code = text(body, "/code").unwrap_or_default();
    match code {
        // Another payment of the subscription is under way.
        "PREVIOUS_PAYMENT_PENDING" => Fault::NotDone,
        _ if response.status == 404 => Fault::Missing(missing(code, text(body, "/message"))),
        _ => by_status(response.status),
    }
}

/// What is gone, by the word in the failure.
fn missing(code: &str, message: Option<&str>) -> ObjectKind {
    let words = format!("{code} {}", message.unwrap_or_default()).to_lowercase();
    let kinds = [
        ("payment method", ObjectKind::Method),
        ("payment_method", ObjectKind::Method),
        ("product", ObjectKind::Plan),
        ("customer", ObjectKind::Customer),
        ("refund", ObjectKind::Refund),
        ("payment", ObjectKind::Payment),
        ("checkout", ObjectKind::Checkout),
    ];
    kinds
        .into_iter()
        .find(|(word, _)| words.contains(word))
        .map_or(ObjectKind::Subscription, |(_, kind)| kind)
}

/// Dodo counts by ISO 4217.
fn digits(currency: Currency) -> u32 {
    currency.digits()
}

/// An amount as Dodo takes it.
pub(super) fn amount(money: Money) -> Result<i64, Refusal> {
    money::to_wire(money, digits)
}

/// An amount of Dodo.
pub(super) fn money(amount: Option<i64>, currency: Option<&str>) -> Option<Money> {
    money::from_wire(amount?, currency?, digits)
}

/// How often, in Dodo's words.
pub(super) fn frequency(cadence: Cadence) -> Result<(&'static str, u32), Refusal> {
    if !super::CAPABILITIES.cadences.can_express(cadence) {
        return Err(Refusal::unsupported(format!("Dodo cannot bill {cadence}")));
    }
    match cadence.interval {
        Interval::Daily => Ok(("Day", cadence.count)),
        Interval::Weekly => Ok(("Week", cadence.count)),
        Interval::Yearly => Ok(("Year", cadence.count)),
        interval => match interval.length() {
            Length::Months(months) => u32::try_from(months)
                .map(|months| ("Month", months.saturating_mul(cadence.count)))
                .map_err(|_| Refusal::unsupported("Dodo cannot bill that seldom")),
            _ => Err(Refusal::unsupported("Dodo cannot bill that often")),
        },
    }
}

/// How often, in ours.
pub(super) fn cadence(interval: &str, count: u32) -> Option<Cadence> {
    let interval = match interval {
        "Day" => Interval::Daily,
        "Week" => Interval::Weekly,
        "Month" => Interval::Monthly,
        "Year" => Interval::Yearly,
        _ => return None,
    };
    Some(Cadence::new(interval, count))
}

/// A page of a list, counted from zero.
pub(super) fn page(number: i64) -> Value {
    json!({"page_size": PAGE, "page_number": number})
}

/// Items on one page.
pub(super) const PAGE: usize = 100;
