//! Writes a catalog as the document that `parse` reads, in camelCase and without defaults.

use super::{
    BillingType, Catalog, CreditPack, CreditSystem, Cycle, Feature, FreeAt, Overage, Plan,
    PlanFeature, PlanGroup, Pricing, RatingModel, ResetAnchor, Scope, Tier, UsageModel,
};
use crate::interval::{Interval, Reset};
use crate::quantity::Quantity;
use serde_json::{Map, Value, json};

/// The document of a catalog; `parse` reads the same catalog from it.
pub fn print(catalog: &Catalog) -> Value {
    let mut lines = Lines::default();
    lines.maybe("defaultProvider", catalog.default_provider.as_deref());
    lines.list("features", &catalog.features, feature);
    lines.list("creditSystems", &catalog.credit_systems, credit_system);
    lines.list("creditPacks", &catalog.credit_packs, credit_pack);
    lines.list("planGroups", &catalog.plan_groups, plan_group);
    lines.list("plans", &catalog.plans, plan);
    lines.done()
}

/// An object in the making: keys are put when they say more than the default.
#[derive(Default)]
struct Lines(Map<String, Value>);

impl Lines {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn unless<T: PartialEq>(&mut self, key: &str, value: T, default: T, print: fn(T) -> Value) {
        if value != default {
            self.put(key, print(value));
        }
    }

    fn flag(&mut self, key: &str, value: bool, default: bool) {
        self.unless(key, value, default, Value::Bool);
    }

    fn maybe(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn quantity(&mut self, key: &str, value: Option<Quantity>) {
        self.maybe(key, value.map(number));
    }

    fn list<T>(&mut self, key: &str, items: &[T], print: fn(&T) -> Value) {
        if !items.is_empty() {
            self.put(key, items.iter().map(print).collect::<Vec<Value>>());
        }
    }

    fn map(&mut self, key: &str, map: &Map<String, Value>) {
        if !map.is_empty() {
            self.put(key, map.clone());
        }
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

fn number(quantity: Quantity) -> Value {
    json!(quantity)
}

fn feature(feature: &Feature) -> Value {
    let mut lines = Lines::default();
    lines.put("slug", feature.slug.as_str());
    lines.put("type", feature.feature_type.as_str());
    lines.put("name", feature.name.as_str());
    lines.maybe("unit", feature.unit.as_deref());
    lines.maybe("default", feature.default_value.clone());
    lines.unless("freeAt", feature.free_at, FreeAt::Immediate, |at| {
        at.as_str().into()
    });
    lines.done()
}

fn credit_system(system: &CreditSystem) -> Value {
    let mut lines = Lines::default();
    lines.put("slug", system.slug.as_str());
    lines.put("name", system.name.as_str());
    lines.maybe("description", system.description.as_deref());
    lines.list(
        "features",
        &system.features,
        |cost| json!({"feature": cost.feature, "creditCost": cost.credit_cost}),
    );
    lines.done()
}

fn credit_pack(pack: &CreditPack) -> Value {
    let mut lines = Lines::default();
    lines.put("slug", pack.slug.as_str());
    lines.put("name", pack.name.as_str());
    lines.maybe("description", pack.description.as_deref());
    lines.put("credits", number(pack.credits));
    lines.put("price", pack.price);
    lines.maybe("currency", pack.currency.map(|currency| currency.as_str()));
    lines.put("creditSystem", pack.credit_system.as_str());
    lines.maybe("provider", pack.provider.as_deref());
    lines.maybe(
        "expiresAfter",
        pack.expires_after.map(|span| span.to_string()),
    );
    lines.map("metadata", &pack.metadata);
    lines.maybe("active", pack.active);
    lines.done()
}

fn plan_group(group: &PlanGroup) -> Value {
    let mut lines = Lines::default();
    lines.put("slug", group.slug.as_str());
    lines.put("name", group.name.as_str());
    lines.flag("exclusive", group.exclusive, true);
    lines.list("features", &group.features, |slug| slug.as_str().into());
    lines.done()
}

fn plan(plan: &Plan) -> Value {
    let mut lines = Lines::default();
    lines.put("slug", plan.slug.as_str());
    lines.put("name", plan.name.as_str());
    lines.maybe("description", plan.description.as_deref());
    lines.put("price", plan.price);
    lines.maybe("currency", plan.currency.map(|currency| currency.as_str()));
    lines.put("interval", plan.interval.as_str());
    lines.unless(
        "billingType",
        plan.billing_type,
        BillingType::Recurring,
        |billing| billing.as_str().into(),
    );
    lines.maybe("planGroup", plan.plan_group.as_deref());
    lines.maybe("rank", plan.rank);
    lines.unless("trialDays", plan.trial_days, 0, Value::from);
    lines.flag("trialCardRequired", plan.trial_card_required, false);
    lines.flag("autoEnable", plan.auto_enable, false);
    lines.flag("isAddon", plan.is_addon, false);
    lines.maybe("provider", plan.provider.as_deref());
    lines.maybe("onExpire", plan.on_expire.as_deref());
    lines.map("metadata", &plan.metadata);
    lines.maybe("active", plan.active);
    lines.list("billingCycles", &plan.cycles, print_cycle);
    lines.list("features", &plan.features, print_plan_feature);
    lines.done()
}

/// One entry of a plan's `billingCycles`.
pub fn print_cycle(cycle: &Cycle) -> Value {
    let mut lines = Lines::default();
    lines.put("key", cycle.key.as_str());
    lines.put("price", cycle.price);
    lines.maybe("currency", cycle.currency.map(|currency| currency.as_str()));
    lines.put("interval", cycle.interval.as_str());
    lines.unless("intervalCount", cycle.interval_count, 1, Value::from);
    lines.maybe("externalId", cycle.external_id.as_deref());
    lines.done()
}

/// One entry of a plan's `features`.
pub fn print_plan_feature(entry: &PlanFeature) -> Value {
    let mut lines = Lines::default();
    lines.put("slug", entry.slug.as_str());
    lines.put("enabled", entry.enabled);
    lines.maybe("value", entry.value.clone());
    lines.quantity("limit", entry.limit);
    lines.quantity("trialLimit", entry.trial_limit);
    lines.unless("scope", entry.scope, Scope::Customer, |scope| {
        scope.as_str().into()
    });
    let monthly = Reset::Every(Interval::Monthly);
    lines.unless("reset", entry.reset, monthly, |reset| reset.as_str().into());
    lines.unless(
        "resetAnchor",
        entry.reset_anchor,
        ResetAnchor::Billing,
        |anchor| anchor.as_str().into(),
    );
    lines.flag("resetOnEnable", entry.reset_on_enable, false);
    lines.flag("rollover", entry.rollover, false);
    lines.quantity("maxRollover", entry.rollover_limit);
    let expires = entry.rollover_expires_after.map(|span| span.to_string());
    lines.maybe("rolloverExpiresAfter", expires);
    pricing(&mut lines, &entry.pricing);
    // What the usage model decides is not said again.
    if entry.pricing.usage_model == UsageModel::Included {
        lines.unless("overage", entry.overage, Overage::Block, |overage| {
            overage.as_str().into()
        });
    }
    lines.quantity("maxOverageUnits", entry.overage_limit);
    lines.quantity("creditCost", entry.credit_cost);
    lines.done()
}

fn pricing(lines: &mut Lines, pricing: &Pricing) {
    lines.unless(
        "usageModel",
        pricing.usage_model,
        UsageModel::Included,
        |model| model.as_str().into(),
    );
    lines.unless(
        "ratingModel",
        pricing.rating_model,
        RatingModel::Package,
        |model| model.as_str().into(),
    );
    lines.unless(
        "pricePerUnit",
        pricing.price_per_unit,
        Quantity::ZERO,
        number,
    );
    lines.unless("billingUnits", pricing.billing_units, Quantity::ONE, number);
    lines.list("tiers", &pricing.tiers, tier);
    lines.quantity("overagePrice", pricing.overage_price);
}

fn tier(tier: &Tier) -> Value {
    let mut lines = Lines::default();
    lines.put("upTo", tier.up_to.map_or(Value::Null, number));
    lines.put("unitPrice", number(tier.unit_price));
    lines.unless("flatFee", tier.flat_fee, Quantity::ZERO, number);
    lines.done()
}
