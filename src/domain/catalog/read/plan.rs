//! Reads plans and their billing cycles.

use super::super::limits::{CYCLES, INTERVAL_COUNT, LIST_LENGTH, SLUG_LENGTH, TRIAL_DAYS};
use super::super::{BillingType, Cycle, Plan};
use super::entry;
use super::object::Object;
use super::scope::{Scope, provider};
use crate::interval::Interval;
use crate::money::Currency;
use std::collections::BTreeSet;

pub(super) const KEYS: [&str; 19] = [
    "slug",
    "name",
    "description",
    "price",
    "currency",
    "interval",
    "billingType",
    "planGroup",
    "rank",
    "trialDays",
    "trialCardRequired",
    "autoEnable",
    "isAddon",
    "provider",
    "onExpire",
    "metadata",
    "active",
    "billingCycles",
    "features",
];
pub(super) const CYCLE_KEYS: [&str; 6] = [
    "key",
    "price",
    "currency",
    "interval",
    "intervalCount",
    "externalId",
];

/// The plans of the document; `onExpire` may name one further down, so slugs are declared first.
pub(super) fn plans(document: &Object<'_>, scope: &mut Scope<'_>) -> Vec<Plan> {
    let items = document.list("plans", LIST_LENGTH);
    let opened: Vec<(Object<'_>, Option<String>)> = items
        .into_iter()
        .filter_map(|(path, value)| Object::open(value, path, &KEYS, document.notes))
        .map(|object| {
            let slug = object.required("slug", object.slug("slug"));
            (object, slug)
        })
        .collect();
    for (object, slug) in &opened {
        if let Some(problem) = slug.as_deref().and_then(|slug| scope.add_plan(slug)) {
            object.problem("slug", problem);
        }
    }
    let read = opened
        .iter()
        .filter_map(|(object, slug)| plan(object, slug.as_deref(), scope));
    read.collect()
}

/// One plan with its cycles and entries.
pub(super) fn plan(object: &Object<'_>, slug: Option<&str>, scope: &Scope<'_>) -> Option<Plan> {
    let price = object.money("price").unwrap_or(0);
    let currency = object.currency("currency");
    let cycles = cycles(object, currency);
    let features = entry::entries(object, scope);
    judge_currency(object, price, &features);
    let trial_days = object.int("trialDays", 0..=TRIAL_DAYS).unwrap_or(0);
    let auto_enable = object.boolean("autoEnable", false);
    if auto_enable && price > 0 && trial_days == 0 {
        object.warn(
            "autoEnable",
            "new customers wait for a payment, because the plan has a price",
        );
    }
    let plan = Plan {
        slug: slug.unwrap_or_default().to_owned(),
        name: object
            .line("name")
            .unwrap_or_else(|| slug.unwrap_or_default().to_owned()),
        description: object.line("description"),
        price,
        currency,
        interval: object.interval("interval").unwrap_or(Interval::Monthly),
        billing_type: object
            .word("billingType", BillingType::WORDS, BillingType::parse)
            .unwrap_or(BillingType::Recurring),
        plan_group: object.slug("planGroup"),
        rank: object.int("rank", i64::from(i32::MIN)..=i64::from(i32::MAX)),
        trial_days,
        trial_card_required: object.boolean("trialCardRequired", false),
        auto_enable,
        is_addon: object.boolean("isAddon", false),
        provider: provider(object, "provider", scope),
        on_expire: on_expire(object, slug, scope),
        metadata: object.metadata("metadata"),
        active: object.flag("active"),
        cycles,
        features,
    };
    slug.map(|_| plan)
}

/// A price needs a currency; a price of zero needs none, whatever its usage costs: that is said, since
/// nobody can be billed for it.
fn judge_currency(object: &Object<'_>, price: i64, features: &[super::super::PlanFeature]) {
    if object.get("currency").is_some() {
        return;
    }
    if price > 0 {
        object.problem("currency", "is required where the price is not zero");
    } else if features.iter().any(|entry| entry.pricing.costs_money()) {
        object.warn(
            "currency",
            "usage has a price, which needs one to be billed",
        );
    }
}

fn on_expire(object: &Object<'_>, slug: Option<&str>, scope: &Scope<'_>) -> Option<String> {
    let next = object.slug("onExpire")?;
    if Some(next.as_str()) == slug {
        object.problem("onExpire", "a plan cannot follow itself");
    } else if !scope.has_plan(&next) {
        object.problem("onExpire", format!("no plan \"{next}\""));
    }
    Some(next)
}

fn cycles(plan: &Object<'_>, plan_currency: Option<Currency>) -> Vec<Cycle> {
    let mut seen = BTreeSet::new();
    let mut cycles = Vec::new();
    for (path, value) in plan.list("billingCycles", CYCLES) {
        let Some(object) = Object::open(value, path, &CYCLE_KEYS, plan.notes) else {
            continue;
        };
        if let Some(cycle) = cycle(&object, plan_currency) {
            if !seen.insert(cycle.key.clone()) {
                object.problem("key", format!("\"{}\" is named twice", cycle.key));
            }
            cycles.push(cycle);
        }
    }
    cycles
}

/// One billing cycle; without a currency it has its plan's.
pub(super) fn cycle(object: &Object<'_>, plan_currency: Option<Currency>) -> Option<Cycle> {
    let price = object.required("price", object.money("price"));
    let currency = match object.get("currency") {
        Some(_) => object.currency("currency"),
        None => plan_currency,
    };
    if price.is_some_and(|price| price > 0)
        && object.get("currency").is_none()
        && currency.is_none()
    {
        object.problem("currency", "is required where the price is not zero");
    }
    let interval = object.required("interval", object.interval("interval"));
    let interval_count = object.int("intervalCount", 1..=INTERVAL_COUNT).unwrap_or(1);
    if interval == Some(Interval::Never) && interval_count != 1 {
        object.problem("intervalCount", "must be 1 for an interval that never ends");
    }
    let external_id = object.text("externalId", SLUG_LENGTH);
    let key = object.required("key", object.slug("key"))?;
    Some(Cycle {
        key,
        price: price?,
        currency,
        interval: interval?,
        interval_count,
        external_id,
    })
}
