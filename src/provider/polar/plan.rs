//! Polar's products: made when first needed, found again by their metadata, listed.

use serde_json::{Value, json};

use super::wire;
use crate::call::Call;
use crate::json::{flag, int, owned, small, text};
use crate::object::{Object, PlanFound, PlanLink, PlanPage};
use crate::operation::{PlanDraft, Price};
use crate::outcome::{Outcome, Refusal};
use crate::reply::{self, Problem, Reply, done};
use crate::request::Request;
use crate::tag::Tags;

/// Shortest name of a product.
const NAME_LENGTH_MIN: usize = 3;
/// Longest name of a product.
const NAME_LENGTH_MAX: usize = 64;
/// Products on one page.
const PAGE: i64 = 100;

/// Whether Polar can express the plan.
pub(super) fn check(plan: &PlanDraft) -> Result<(), Refusal> {
    body(plan).map(|_| ())
}

fn body(plan: &PlanDraft) -> Result<Value, Refusal> {
    let price = match plan.price {
        Price::Fixed(money) => json!({
            "amount_type": "fixed",
            "price_amount": wire::amount(money)?,
            "price_currency": wire::currency(money.currency),
        }),
        // Orders of any amount take products of a fixed price only, and nothing is one.
        Price::Open(currency) => json!({
            "amount_type": "fixed",
            "price_amount": 0,
            "price_currency": wire::currency(currency),
        }),
    };
    let (interval, count) = match plan.cadence {
        Some(_) if matches!(plan.price, Price::Open(_)) => {
            return Err(Refusal::unsupported(
                "Polar saves cards without a product of its own",
            ));
        }
        Some(cadence) => {
            let (interval, count) = wire::recurring(cadence)?;
            (Some(interval), Some(count))
        }
        None => (None, None),
    };
    Ok(json!({
        "name": name(&plan.name)?,
        "description": plan.description,
        "recurring_interval": interval,
        "recurring_interval_count": count,
        "prices": [price],
        "metadata": plan.marks().metadata(),
    }))
}

/// The name as Polar takes it: longer ones are cut.
fn name(text: &str) -> Result<String, Refusal> {
    let name: String = text.trim().chars().take(NAME_LENGTH_MAX).collect();
    if name.chars().count() < NAME_LENGTH_MIN {
        return Err(Refusal::invalid(
            "Polar needs a name of at least three characters",
        ));
    }
    Ok(name)
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, plan: &PlanDraft) -> Result<Request, Refusal> {
    let body = body(plan)?;
    if call.step() == "create" {
        return Ok(wire::post(call, "/v1/products/", &body));
    }
    let query = json!({
        "metadata": {"owo_key": plan.key}, "is_archived": false, "page": 1, "limit": 1,
    });
    Ok(wire::get(call, "/v1/products/", &query))
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, plan: &PlanDraft, reply: Reply) -> Outcome {
    if call.step() == "create" {
        return match reply {
            Ok(value) => link(&value).map_or_else(
                || Problem::incomplete().look(call, ""),
                |link| done(Object::Plan(link)),
            ),
            Err(problem) => problem.look(call, ""),
        };
    }
    // A filter that is not understood would show any product.
    let is_ours = |item: &Value| text(item, "/metadata/owo_key") == Some(&plan.key);
    let found =
        reply.and_then(|value| Ok(reply::search(&value, "/items", is_ours)?.and_then(link)));
    match found {
        Ok(Some(link)) => done(Object::Plan(link)),
        Ok(None) => Outcome::Next(call.progress.at("create")),
        Err(problem) => problem.repeat(call),
    }
}

fn link(product: &Value) -> Option<PlanLink> {
    Some(PlanLink {
        product: owned(product, "/id")?,
        price: owned(product, "/prices/0/id"),
    })
}

/// The number of a page.
pub(super) fn number(cursor: Option<&str>) -> i64 {
    cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(1)
}

/// The request for one page of the products there are.
pub(super) fn list_request(call: &Call<'_>, cursor: Option<&str>) -> Request {
    let query = json!({"is_archived": false, "page": number(cursor), "limit": PAGE});
    wire::get(call, "/v1/products/", &query)
}

/// The page of the answer.
pub(super) fn list_read(call: &Call<'_>, cursor: Option<&str>, reply: Reply) -> Outcome {
    let page = number(cursor);
    let listed = reply.and_then(|value| {
        let items = reply::items(&value, "/items")?;
        let last = int(&value, "/pagination/max_page").unwrap_or(page);
        Ok(PlanPage {
            plans: items.iter().filter_map(found).collect(),
            next: (page < last).then(|| (page + 1).to_string()),
        })
    });
    listed.map_or_else(
        |problem: Problem| problem.repeat(call),
        |page| done(Object::Plans(page)),
    )
}

/// A product; one whose price is not a single fixed amount has none.
pub(super) fn found(product: &Value) -> Option<PlanFound> {
    if flag(product, "/is_archived") {
        return None;
    }
    let fixed = text(product, "/prices/0/amount_type") == Some("fixed")
        && product.pointer("/prices/1").is_none();
    let interval = text(product, "/recurring_interval");
    let count = small(product, "/recurring_interval_count").unwrap_or(1);
    Some(PlanFound {
        link: link(product)?,
        name: owned(product, "/name")?,
        description: owned(product, "/description"),
        price: wire::money(
            int(product, "/prices/0/price_amount"),
            text(product, "/prices/0/price_currency"),
        )
        .filter(|_| fixed),
        cadence: interval.and_then(|interval| wire::cadence(interval, count)),
        trial_days: small(product, "/trial_interval_count")
            .filter(|_| text(product, "/trial_interval") == Some("day")),
        tags: Tags::read(product.get("metadata")),
    })
}
