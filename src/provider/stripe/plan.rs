//! Stripe's products and prices: made when first needed, found again, listed.
//!
//! Steps: look for the price by its lookup key, make the product under an id of ours, make the
//! price. A lookup key is ours for ever, so a lost answer is found by it.

use serde_json::{Value, json};

use super::wire;
use crate::call::Call;
use crate::json::{flag, id, int, owned, small, text};
use crate::object::{Object, PlanFound, PlanLink, PlanPage};
use crate::operation::{PlanDraft, Price};
use crate::outcome::{Outcome, Refusal};
use crate::reply::{self, Fault, Problem, Reply, done};
use crate::request::Request;
use crate::tag::Tags;

/// Plans on one page.
const PAGE: u32 = 100;

/// Whether Stripe can express the plan.
pub(super) fn check(plan: &PlanDraft) -> Result<(), Refusal> {
    price_body(plan, "").map(|_| ())
}

/// Our key of the price, as Stripe keeps it.
fn lookup_key(plan: &PlanDraft) -> String {
    format!("owo:{}", plan.key)
}

/// The id we choose for the product; another one when the first is spoilt.
fn product_id(call: &Call<'_>, plan: &PlanDraft) -> String {
    match call.progress.group {
        0 => format!("owo_{}", plan.plan_id.simple()),
        group => format!("owo_{}_{group}", plan.plan_id.simple()),
    }
}

fn price_body(plan: &PlanDraft, product: &str) -> Result<Value, Refusal> {
    let Price::Fixed(money) = plan.price else {
        return Err(Refusal::unsupported(
            "Stripe takes charges of any amount without a product",
        ));
    };
    let recurring = plan.cadence.map(wire::recurring).transpose()?;
    Ok(json!({
        "product": product,
        "currency": wire::currency(money.currency),
        "unit_amount": wire::amount(money)?,
        "recurring": recurring,
        "lookup_key": lookup_key(plan),
        "metadata": plan.marks().metadata(),
    }))
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, plan: &PlanDraft) -> Result<Request, Refusal> {
    match call.step() {
        "product" => Ok(wire::post(
            call,
            "/v1/products",
            &json!({
                "id": product_id(call, plan),
                "name": plan.name,
                "description": plan.description,
                "tax_code": plan.tax_category,
                "metadata": plan.marks().metadata(),
            }),
        )),
        "price" => {
            let body = price_body(plan, call.noted("product"))?;
            Ok(wire::post(call, "/v1/prices", &body))
        }
        _ => {
            check(plan)?;
            let query = json!({"lookup_keys": [lookup_key(plan)], "active": true, "limit": 1});
            Ok(wire::get(call, "/v1/prices", &query))
        }
    }
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, plan: &PlanDraft, reply: Reply) -> Outcome {
    match call.step() {
        "product" => {
            let product = match reply {
                Ok(value) => owned(&value, "/id"),
                // Another price of the plan, or a lost answer of our own, has made it.
                Err(problem) if problem.fault == Fault::Exists => Some(product_id(call, plan)),
                Err(problem) => return wire::harmless(problem, call),
            };
            product.map_or_else(
                || Problem::incomplete().repeat(call),
                |product| Outcome::Next(call.progress.at("price").note("product", product)),
            )
        }
        "price" => match reply {
            Ok(value) => linked(&value).map_or_else(
                || Problem::incomplete().look(call, ""),
                |link| done(Object::Plan(link)),
            ),
            Err(problem) => problem.look(call, ""),
        },
        _ => match reply {
            Ok(value) => match reply::search(&value, "/data", |price| linked(price).is_some()) {
                Ok(Some(price)) => linked(price).map_or_else(
                    || Problem::incomplete().repeat(call),
                    |link| done(Object::Plan(link)),
                ),
                Ok(None) => Outcome::Next(call.progress.at("product")),
                Err(problem) => problem.repeat(call),
            },
            Err(problem) => problem.repeat(call),
        },
    }
}

fn linked(price: &Value) -> Option<PlanLink> {
    Some(PlanLink {
        product: id(price, "/product")?,
        price: Some(owned(price, "/id")?),
    })
}

/// The request for one page of the prices there are.
pub(super) fn list_request(call: &Call<'_>, cursor: Option<&str>) -> Request {
    let query = json!({
        "active": true, "limit": PAGE, "expand": ["data.product"], "starting_after": cursor,
    });
    wire::get(call, "/v1/prices", &query)
}

/// The page of the answer.
pub(super) fn list_read(call: &Call<'_>, reply: Reply) -> Outcome {
    let page = reply.and_then(|value| {
        let items = reply::items(&value, "/data")?;
        let last = items.last().and_then(|item| owned(item, "/id"));
        Ok(PlanPage {
            plans: items.iter().filter_map(found).collect(),
            next: last.filter(|_| flag(&value, "/has_more")),
        })
    });
    page.map_or_else(
        |problem: Problem| problem.repeat(call),
        |page| done(Object::Plans(page)),
    )
}

/// A price with its product; none for products that are archived or deleted.
pub(super) fn found(price: &Value) -> Option<PlanFound> {
    let product = price.get("product")?;
    if product.get("active").and_then(Value::as_bool) == Some(false) || flag(product, "/deleted") {
        return None;
    }
    let interval = text(price, "/recurring/interval");
    let count = small(price, "/recurring/interval_count").unwrap_or(1);
    let tags = Tags::read(price.get("metadata"));
    Some(PlanFound {
        link: linked(price)?,
        name: owned(product, "/name").or_else(|| owned(price, "/nickname"))?,
        description: owned(product, "/description"),
        price: wire::money(int(price, "/unit_amount"), text(price, "/currency")),
        cadence: interval.and_then(|interval| wire::cadence(interval, count)),
        trial_days: small(price, "/recurring/trial_period_days"),
        tags: if tags.is_empty() {
            Tags::read(product.get("metadata"))
        } else {
            tags
        },
    })
}
