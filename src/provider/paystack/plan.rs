//! Paystack's plans: made when first needed, found again, listed.
//!
//! Plans carry no metadata: our key stands in the description, and the pages of plans with the
//! same amount and interval are searched for it before one is made.

use serde_json::{Value, json};

use super::wire;
use crate::call::Call;
use crate::json::{flag, id, int, owned, text};
use crate::object::{Object, PlanFound, PlanLink, PlanPage};
use crate::operation::{PlanDraft, Price};
use crate::outcome::{Outcome, Refusal};
use crate::reply::{self, Problem, Reply, done};
use crate::request::Request;
use crate::tag::{Tag, Tags};

/// Plans on one page.
const PAGE: i64 = 100;
/// Most pages that are searched.
const PAGES_MAX: i64 = 100;

/// Whether Paystack can express the plan.
pub(super) fn check(plan: &PlanDraft) -> Result<(), Refusal> {
    terms(plan).map(|_| ())
}

/// Amount, currency and interval of the plan.
fn terms(plan: &PlanDraft) -> Result<(i64, &'static str, &'static str), Refusal> {
    let (Price::Fixed(money), Some(cadence)) = (plan.price, plan.cadence) else {
        return Err(Refusal::unsupported(
            "Paystack takes single payments without a plan",
        ));
    };
    let amount = wire::amount(money)?;
    Ok((amount, money.currency.as_str(), wire::interval(cadence)?))
}

/// Our key in a description.
fn mark(key: &str) -> String {
    format!("[owo:{key}]")
}

fn page(call: &Call<'_>) -> i64 {
    call.noted("page").parse().unwrap_or(1)
}

/// The request of the step that is due.
pub(super) fn request(call: &Call<'_>, plan: &PlanDraft) -> Result<Request, Refusal> {
    let (amount, currency, interval) = terms(plan)?;
    if call.step() != "create" {
        let query = json!({
            "perPage": PAGE, "page": page(call), "interval": interval, "amount": amount,
        });
        return Ok(wire::get(call, "/plan", &query));
    }
    let description = plan.description.as_deref().unwrap_or(&plan.name);
    let body = json!({
        "name": plan.name,
        "amount": amount,
        "interval": interval,
        "currency": currency,
        "description": format!("{description} {}", mark(&plan.key)),
    });
    Ok(wire::post(call, "/plan", body))
}

/// What the answer of that step leads to.
pub(super) fn read(call: &Call<'_>, plan: &PlanDraft, reply: Reply) -> Outcome {
    if call.step() == "create" {
        return match reply {
            Ok(value) => value.get("data").and_then(link).map_or_else(
                || Problem::incomplete().look(call, ""),
                |link| done(Object::Plan(link)),
            ),
            // The pages are searched from the first again.
            Err(problem) => problem.look(call, ""),
        };
    }
    let mark = mark(&plan.key);
    let is_ours = |item: &Value| {
        text(item, "/description").is_some_and(|description| description.contains(&mark))
            && !flag(item, "/is_archived")
    };
    let searched = reply.and_then(|value| {
        let found = reply::search(&value, "/data", is_ours)?.and_then(link);
        Ok((found, is_last(&value, page(call))))
    });
    match searched {
        Ok((Some(link), _)) => done(Object::Plan(link)),
        Ok((None, true)) => Outcome::Next(call.progress.at("create").note("page", "1")),
        Ok((None, false)) => {
            let next = (page(call) + 1).to_string();
            Outcome::Next(call.progress.at("").note("page", next))
        }
        Err(problem) => problem.repeat(call),
    }
}

/// Whether no page follows.
pub(super) fn is_last(value: &Value, page: i64) -> bool {
    let full = value
        .get("data")
        .and_then(Value::as_array)
        .is_some_and(|items| i64::try_from(items.len()) == Ok(PAGE));
    let pages = int(value, "/meta/pageCount");
    page >= PAGES_MAX || pages.map_or(!full, |pages| page >= pages)
}

fn link(plan: &Value) -> Option<PlanLink> {
    Some(PlanLink {
        product: owned(plan, "/plan_code")?,
        price: None,
    })
}

/// The number of a page.
pub(super) fn number(cursor: Option<&str>) -> i64 {
    cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(1)
}

/// The request for one page of the plans there are.
pub(super) fn list_request(call: &Call<'_>, cursor: Option<&str>) -> Request {
    let query = json!({"perPage": PAGE, "page": number(cursor)});
    wire::get(call, "/plan", &query)
}

/// The page of the answer.
pub(super) fn list_read(call: &Call<'_>, cursor: Option<&str>, reply: Reply) -> Outcome {
    let page = number(cursor);
    let listed = reply.and_then(|value| {
        let items = reply::items(&value, "/data")?;
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

/// A plan; none for one that is archived.
pub(super) fn found(plan: &Value) -> Option<PlanFound> {
    if flag(plan, "/is_archived") || flag(plan, "/is_deleted") {
        return None;
    }
    let description = owned(plan, "/description");
    let key = description.as_deref().and_then(|description| {
        let (_, rest) = description.split_once("[owo:")?;
        rest.split_once(']').map(|(key, _)| key.to_owned())
    });
    let tags = Tags::default();
    Some(PlanFound {
        link: link(plan)?,
        name: owned(plan, "/name").or_else(|| id(plan, "/plan_code"))?,
        price: wire::money(int(plan, "/amount"), text(plan, "/currency")),
        cadence: Some(wire::cadence(text(plan, "/interval")?)?),
        trial_days: None,
        tags: match key {
            Some(key) => tags.with(Tag::Key, key),
            None => tags,
        },
        description,
    })
}
