//! Dodo's products: made when first needed, found again by their metadata, listed.

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

/// Most pages that are searched.
const PAGES_MAX: i64 = 100;
/// Years that a subscription lasts: as long as there is, since afterwards it would expire.
const YEARS: u32 = 20;
/// Tax category of software, where the catalog names none.
const TAX_CATEGORY: &str = "saas";

/// Whether Dodo can express the plan.
pub(super) fn check(plan: &PlanDraft) -> Result<(), Refusal> {
    price(plan).map(|_| ())
}

fn price(plan: &PlanDraft) -> Result<Value, Refusal> {
    let (amount, currency, open) = match plan.price {
        Price::Fixed(money) => (wire::amount(money)?, money.currency, false),
        Price::Open(currency) => (0, currency, true),
    };
    let Some(cadence) = plan.cadence else {
        return Ok(json!({
            "type": "one_time_price",
            "currency": currency.as_str(),
            "price": amount,
            // Then the price is the least amount, and each cart names its own.
            "pay_what_you_want": open,
        }));
    };
    let (interval, count) = wire::frequency(cadence)?;
    Ok(json!({
        "type": "recurring_price",
        "currency": currency.as_str(),
        "price": amount,
        "payment_frequency_interval": interval,
        "payment_frequency_count": count,
        "subscription_period_interval": "Year",
        "subscription_period_count": YEARS,
    }))
}

fn page(call: &Call<'_>) -> i64 {
    call.noted("page").parse().unwrap_or(0)
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, plan: &PlanDraft) -> Result<Request, Refusal> {
    let price = price(plan)?;
    if call.step() != "create" {
        let query = json!({
            "page_size": wire::PAGE,
            "page_number": page(call),
            "recurring": plan.cadence.is_some(),
            "archived": false,
        });
        return Ok(wire::get(call, "/products", &query));
    }
    let body = json!({
        "name": plan.name,
        "description": plan.description,
        "tax_category": plan.tax_category.as_deref().unwrap_or(TAX_CATEGORY),
        "price": price,
        "metadata": plan.marks().metadata(),
    });
    Ok(wire::post(call, "/products", &body))
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, plan: &PlanDraft, reply: Reply) -> Outcome {
    if call.step() == "create" {
        return match reply {
            Ok(value) => link(&value).map_or_else(
                || Problem::incomplete().look(call, ""),
                |link| done(Object::Plan(link)),
            ),
            // The pages are searched from the first again.
            Err(problem) => problem.look(call, ""),
        };
    }
    let is_ours = |item: &Value| text(item, "/metadata/owo_key") == Some(&plan.key);
    let searched = reply.and_then(|value| {
        let found = reply::search(&value, "/items", is_ours)?.and_then(link);
        Ok((found, is_last(&value, page(call))))
    });
    match searched {
        Ok((Some(link), _)) => done(Object::Plan(link)),
        Ok((None, true)) => Outcome::Next(call.progress.at("create").note("page", "0")),
        Ok((None, false)) => {
            let next = (page(call) + 1).to_string();
            Outcome::Next(call.progress.at("").note("page", next))
        }
        Err(problem) => problem.repeat(call),
    }
}

/// Whether no page follows: there is no count, but only the last page is short.
pub(super) fn is_last(value: &Value, page: i64) -> bool {
    let items = value.get("items").and_then(Value::as_array);
    page >= PAGES_MAX || items.is_none_or(|items| items.len() < wire::PAGE)
}

fn link(product: &Value) -> Option<PlanLink> {
    Some(PlanLink {
        product: owned(product, "/product_id")?,
        price: None,
    })
}

/// The request for one page of the products there are.
pub(super) fn list_request(call: &Call<'_>, cursor: Option<&str>) -> Request {
    wire::get(call, "/products", &wire::page(number(cursor)))
}

/// The number of a page.
pub(super) fn number(cursor: Option<&str>) -> i64 {
    cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0)
}

/// The page of the answer.
pub(super) fn list_read(call: &Call<'_>, cursor: Option<&str>, reply: Reply) -> Outcome {
    let page = number(cursor);
    let listed = reply.and_then(|value| {
        let items = reply::items(&value, "/items")?;
        Ok(PlanPage {
            plans: items.iter().filter_map(found).collect(),
            next: (!is_last(&value, page)).then(|| (page + 1).to_string()),
        })
    });
    listed.map_or_else(
        |problem: Problem| problem.repeat(call),
        |page| done(Object::Plans(page)),
    )
}

/// A product; the price stands in one field of a list's item and in another of the product.
pub(super) fn found(product: &Value) -> Option<PlanFound> {
    let price = ["/price_detail", "/price"]
        .iter()
        .filter_map(|path| product.pointer(path))
        .find(|price| price.is_object());
    let null = Value::Null;
    let price = price.unwrap_or(&null);
    let amount = int(price, "/price").or_else(|| int(price, "/fixed_price"));
    let open =
        flag(price, "/pay_what_you_want") || text(price, "/type") == Some("usage_based_price");
    let interval = text(price, "/payment_frequency_interval");
    let count = small(price, "/payment_frequency_count").unwrap_or(1);
    Some(PlanFound {
        link: link(product)?,
        name: owned(product, "/name")?,
        description: owned(product, "/description"),
        price: wire::money(amount, text(price, "/currency")).filter(|_| !open),
        cadence: interval.and_then(|interval| wire::cadence(interval, count)),
        trial_days: small(price, "/trial_period_days").filter(|days| *days > 0),
        tags: Tags::read(product.get("metadata")),
    })
}
