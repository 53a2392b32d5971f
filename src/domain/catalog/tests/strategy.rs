//! Catalogs of every shape that a document can have, for the property tests.

use super::super::*;
use crate::interval::{Interval, Reset, Span};
use crate::money::Currency;
use crate::quantity::Quantity;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, json};

fn quantity() -> BoxedStrategy<Quantity> {
    prop_oneof![
        Just(Quantity::ZERO),
        (1..10_000_i64).prop_map(Quantity::from_int),
        (1..i128::from(i64::MAX)).prop_map(Quantity::from_raw),
        Just(Quantity::from_raw(Quantity::LIMIT.raw() - 1)),
    ]
    .boxed()
}

fn positive() -> BoxedStrategy<Quantity> {
    quantity()
        .prop_filter("positive", |quantity| quantity.is_positive())
        .boxed()
}

fn currency() -> BoxedStrategy<Currency> {
    select(vec!["USD", "JPY", "KWD", "NGN"])
        .prop_map(|code| Currency::parse(code).unwrap())
        .boxed()
}

fn span() -> BoxedStrategy<Span> {
    (0..40_i64, 0..400_i64, 1..90_000_i64)
        .prop_map(|(months, days, seconds)| Span::new(months, days, seconds * 1_000_000).unwrap())
        .boxed()
}

fn metadata() -> BoxedStrategy<Map<String, serde_json::Value>> {
    proptest::collection::btree_map("[a-z]{1,4}", any::<i32>().prop_map(|n| json!([n])), 0..3)
        .prop_map(|map| map.into_iter().collect())
        .boxed()
}

fn pricing() -> BoxedStrategy<Pricing> {
    let tier = (1..1_000_i64, quantity(), quantity());
    let tiers = (vec(tier, 1..4), any::<bool>()).prop_map(|(steps, open)| {
        let mut bound = 0;
        let count = steps.len();
        let graded = steps
            .into_iter()
            .enumerate()
            .map(|(at, (step, unit_price, flat_fee))| {
                bound += step;
                let up_to = (!open || at + 1 < count).then(|| Quantity::from_int(bound));
                Tier {
                    up_to,
                    unit_price,
                    flat_fee,
                }
            });
        graded.collect::<Vec<Tier>>()
    });
    let models = (
        select(vec![
            UsageModel::Included,
            UsageModel::UsageBased,
            UsageModel::Prepaid,
        ]),
        select(vec![
            RatingModel::Package,
            RatingModel::Graduated,
            RatingModel::Volume,
        ]),
    );
    (models, quantity(), positive(), of(quantity()), tiers)
        .prop_map(
            |((usage_model, rating_model), price_per_unit, billing_units, overage_price, tiers)| {
                let tiers = if rating_model == RatingModel::Package {
                    Vec::new()
                } else {
                    tiers
                };
                Pricing {
                    usage_model,
                    rating_model,
                    price_per_unit,
                    billing_units,
                    tiers,
                    overage_price,
                }
            },
        )
        .boxed()
}

/// An entry of a metered feature, a credit system, or an entity feature.
fn counted(slug: String, entity: bool) -> BoxedStrategy<PlanFeature> {
    let resets: Vec<Reset> = Interval::ALL
        .into_iter()
        .map(Reset::Every)
        .chain([Reset::BillingPeriod])
        .collect();
    let limits = (
        of(quantity()),
        of(quantity()),
        of(quantity()),
        of(quantity()),
    );
    let switches = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (limits, switches, select(resets), of(span()), pricing())
        .prop_map(
            move |(
                (limit, trial_limit, rollover_limit, overage_limit),
                on,
                reset,
                expires,
                pricing,
            )| {
                let usage_based = pricing.usage_model == UsageModel::UsageBased;
                let charge = usage_based || (on.4 && pricing.usage_model == UsageModel::Included);
                PlanFeature {
                    slug: slug.clone(),
                    enabled: on.0,
                    value: None,
                    limit: limit.filter(|_| !usage_based),
                    trial_limit: trial_limit.filter(|_| !usage_based),
                    scope: if on.1 && !entity {
                        Scope::Entity
                    } else {
                        Scope::Customer
                    },
                    reset: if entity {
                        Reset::Every(Interval::Never)
                    } else {
                        reset
                    },
                    reset_anchor: if on.2 {
                        ResetAnchor::Calendar
                    } else {
                        ResetAnchor::Billing
                    },
                    reset_on_enable: on.3,
                    rollover: on.5 && !entity,
                    rollover_limit,
                    rollover_expires_after: expires,
                    pricing,
                    overage: if charge {
                        Overage::Charge
                    } else {
                        Overage::Block
                    },
                    overage_limit,
                    credit_cost: None,
                }
            },
        )
        .boxed()
}

fn entries() -> BoxedStrategy<Vec<PlanFeature>> {
    let cost = (counted("m".to_owned(), false), of(quantity())).prop_map(|(entry, credit_cost)| {
        PlanFeature {
            credit_cost,
            ..entry
        }
    });
    let monthly = Reset::Every(Interval::Monthly);
    let switch = any::<bool>().prop_map(move |enabled| PlanFeature {
        enabled,
        ..PlanFeature::new("b", monthly)
    });
    let fixed = of(any::<i32>()).prop_map(move |value| PlanFeature {
        value: value.map(|n| json!(n)),
        ..PlanFeature::new("t", monthly)
    });
    (
        cost,
        counted("e".to_owned(), true),
        counted("s".to_owned(), false),
        switch,
        fixed,
        0..6_usize,
    )
        .prop_map(|(cost, entity, system, switch, fixed, kept)| {
            let mut all = vec![cost, entity, system, switch, fixed];
            all.truncate(kept);
            all
        })
        .boxed()
}

fn cycles() -> BoxedStrategy<Vec<Cycle>> {
    let cycle = (
        0..i64::MAX,
        currency(),
        select(Interval::ALL.to_vec()),
        1..=1_000_i32,
        of("[a-z_]{1,9}"),
    );
    vec(cycle, 0..3)
        .prop_map(|cycles| {
            let keyed = cycles.into_iter().enumerate().map(
                |(at, (price, currency, interval, count, external_id))| Cycle {
                    key: format!("cycle {at}"),
                    price,
                    currency: Some(currency),
                    interval,
                    interval_count: if interval == Interval::Never {
                        1
                    } else {
                        count
                    },
                    external_id,
                },
            );
            keyed.collect()
        })
        .boxed()
}

fn plan(at: usize) -> BoxedStrategy<Plan> {
    let money = (0..=i64::MAX, currency(), select(Interval::ALL.to_vec()));
    let words = (
        "[ -~]{0,12}",
        of("\\PC{0,12}"),
        of(select(vec!["g", "h", "implied"])),
        of(any::<i32>()),
    );
    let switches = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        of(any::<bool>()),
        any::<bool>(),
    );
    let rest = (
        0..=3_650_i32,
        metadata(),
        of(select(vec!["plan 0", "plan 1"])),
    );
    (money, words, switches, rest, cycles(), entries())
        .prop_map(
            move |(
                (price, currency, interval),
                words,
                on,
                (trial_days, metadata, next),
                cycles,
                features,
            )| {
                let slug = format!("plan {at}");
                Plan {
                    name: words.0,
                    description: words.1,
                    price,
                    currency: Some(currency),
                    interval,
                    billing_type: if on.0 {
                        BillingType::OneTime
                    } else {
                        BillingType::Recurring
                    },
                    plan_group: words.2.map(str::to_owned),
                    rank: words.3,
                    trial_days,
                    trial_card_required: on.1,
                    // In the group that is not exclusive, or in none, any number may.
                    auto_enable: on.2 && matches!(words.2, None | Some("h")),
                    is_addon: on.4,
                    provider: None,
                    on_expire: next.filter(|next| *next != slug).map(str::to_owned),
                    slug,
                    metadata,
                    active: on.3,
                    cycles,
                    features,
                }
            },
        )
        .boxed()
}

fn features() -> Vec<Feature> {
    let feature = |slug: &str, feature_type, default_value| Feature {
        slug: slug.to_owned(),
        feature_type,
        name: format!("feature {slug}"),
        unit: Some("unit".to_owned()),
        default_value,
        free_at: FreeAt::PeriodEnd,
    };
    vec![
        feature("m", FeatureType::Metered, Some(json!(5))),
        feature("e", FeatureType::Entity, None),
        feature("b", FeatureType::Boolean, Some(json!(true))),
        feature("t", FeatureType::Static, Some(json!({"any": ["value"]}))),
    ]
}

fn packs() -> BoxedStrategy<Vec<CreditPack>> {
    let pack = (
        positive(),
        0..i64::MAX,
        currency(),
        of(span()),
        metadata(),
        of(any::<bool>()),
    );
    vec(pack, 0..3)
        .prop_map(|packs| {
            let named = packs.into_iter().enumerate().map(
                |(at, (credits, price, currency, expires, metadata, active))| CreditPack {
                    slug: format!("pack{at}"),
                    name: String::new(),
                    description: None,
                    credits,
                    price,
                    currency: Some(currency),
                    credit_system: "s".to_owned(),
                    provider: None,
                    expires_after: expires,
                    metadata,
                    active,
                },
            );
            named.collect()
        })
        .boxed()
}

/// A catalog as `parse` makes it.
pub(super) fn catalog() -> BoxedStrategy<Catalog> {
    (plan(0), plan(1), packs(), quantity(), of("[a-z]{1,8}"))
        .prop_map(|(one, other, packs, credit_cost, default_provider)| {
            let group = |slug: &str, exclusive, features: &[&str]| PlanGroup {
                slug: slug.to_owned(),
                name: "group".to_owned(),
                exclusive,
                features: features.iter().map(|slug| (*slug).to_owned()).collect(),
            };
            let mut plan_groups = vec![group("g", true, &["m", "b"]), group("h", false, &[])];
            let mut plans = vec![one, other];
            for plan in &mut plans {
                plan.provider.clone_from(&default_provider);
            }
            if plans
                .iter()
                .any(|plan| plan.plan_group.as_deref() == Some("implied"))
            {
                plan_groups.push(PlanGroup::implied("implied"));
            }
            let mut credit_packs = packs;
            for pack in &mut credit_packs {
                pack.provider.clone_from(&default_provider);
            }
            let system = CreditSystem {
                slug: "s".to_owned(),
                name: "system".to_owned(),
                description: Some("of credits".to_owned()),
                features: vec![CreditCost {
                    feature: "m".to_owned(),
                    credit_cost,
                }],
            };
            Catalog {
                default_provider,
                features: features(),
                credit_systems: vec![system],
                credit_packs,
                plan_groups,
                plans,
            }
        })
        .boxed()
}
