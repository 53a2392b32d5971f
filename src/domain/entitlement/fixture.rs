//! A small world for unit tests: one customer and its catalog.

mod book;

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

pub use book::{Book, drawn_of, figures};

use super::facts::*;
use super::{Entitlement, resolve};
use crate::interval::{Cadence, Interval, Reset};
use crate::period::Time;
use crate::quantity::Quantity;

pub fn time(text: &str) -> Time {
    let full = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    full.parse().unwrap()
}

pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

/// The metered feature that most tests ask about.
pub const CALLS: Uuid = Uuid::from_u128(10);
/// Another one, paid from the same credits.
pub const IMAGES: Uuid = Uuid::from_u128(11);
pub const SSO: Uuid = Uuid::from_u128(12);
pub const SEATS: Uuid = Uuid::from_u128(13);
pub const REGION: Uuid = Uuid::from_u128(14);
pub const CREDITS: Uuid = Uuid::from_u128(20);
/// The exclusive group of `plan`.
pub const GROUP: Uuid = Uuid::from_u128(30);

/// Facts that tests add to.
#[derive(Clone)]
pub struct World {
    pub facts: Facts,
}

impl World {
    /// A customer of 2026 without anything, and five features.
    pub fn new() -> Self {
        let mut features = BTreeMap::new();
        for (id, slug, feature_type) in [
            (CALLS, "calls", FeatureType::Metered),
            (IMAGES, "images", FeatureType::Metered),
            (SSO, "sso", FeatureType::Boolean),
            (SEATS, "seats", FeatureType::Entity),
            (REGION, "region", FeatureType::Static),
        ] {
            let feature = Feature {
                id,
                slug: slug.to_owned(),
                feature_type,
                default_value: None,
                free_at_period_end: false,
            };
            features.insert(id, feature);
        }
        Self {
            facts: Facts {
                customer_id: id(1),
                customer_created_at: time("2026-01-01"),
                zone: chrono_tz::UTC,
                grace_days: 7,
                subscriptions: Vec::new(),
                plan_changes: Vec::new(),
                plans: BTreeMap::new(),
                plan_features: Vec::new(),
                overrides: Vec::new(),
                grants: Vec::new(),
                features,
                credit_systems: BTreeMap::new(),
                has_payment_method: false,
                entity_count: 0,
                entity_added: BTreeMap::new(),
            },
        }
    }

    /// A world where plan 100 gives `limit` calls a month since 15 January.
    pub fn with_calls(limit: &str) -> Self {
        let mut world = Self::new();
        world.plan(100);
        world.entry(100, Subject::Feature(CALLS)).limit = Some(quantity(limit));
        world.subscribe(200, 100, "2026-01-15");
        world
    }

    /// The same with credits: calls cost two, images five.
    pub fn with_credits(limit: &str) -> Self {
        let mut world = Self::new();
        world.system();
        world.plan(100);
        world.entry(100, Subject::CreditSystem(CREDITS)).limit = Some(quantity(limit));
        world.subscribe(200, 100, "2026-01-15");
        world
    }

    pub fn system(&mut self) -> &mut CreditSystem {
        let costs = [(CALLS, quantity("2")), (IMAGES, quantity("5"))];
        let system = CreditSystem {
            id: CREDITS,
            slug: "credits".to_owned(),
            costs: costs.into_iter().collect(),
        };
        self.facts.credit_systems.entry(CREDITS).or_insert(system)
    }

    pub fn feature(&mut self, id: Uuid) -> &mut Feature {
        self.facts.features.get_mut(&id).unwrap()
    }

    /// A monthly base plan of the exclusive group.
    pub fn plan(&mut self, number: u128) -> &mut Plan {
        let plan = Plan {
            id: id(number),
            slug: format!("plan{number}"),
            group_id: GROUP,
            exclusive: true,
            rank: None,
            price: 1000,
            currency: Some("USD".to_owned()),
            cadence: Cadence::every(Interval::Monthly),
            one_time: false,
            trial_days: 0,
            trial_card_required: false,
            auto_enable: false,
            is_addon: false,
            active: true,
            on_expire: None,
            cycles: Vec::new(),
        };
        self.facts.plans.entry(id(number)).or_insert(plan)
    }

    pub fn addon(&mut self, number: u128) -> &mut Plan {
        let plan = self.plan(number);
        plan.is_addon = true;
        plan.exclusive = false;
        plan.group_id = plan.id;
        plan
    }

    /// What a plan says: enabled, unlimited, monthly, nothing else.
    pub fn entry(&mut self, plan: u128, subject: Subject) -> &mut PlanFeature {
        let number = 1000 + self.facts.plan_features.len() as u128;
        self.facts.plan_features.push(PlanFeature {
            id: id(number),
            plan_id: id(plan),
            subject,
            enabled: true,
            value: None,
            limit: None,
            trial_limit: None,
            scope: Scope::Customer,
            reset: Reset::Every(Interval::Monthly),
            reset_anchor: ResetAnchor::Billing,
            reset_on_enable: false,
            rollover: false,
            rollover_limit: None,
            rollover_expires_after: None,
            usage_based: false,
            overage_charged: false,
            overage_limit: None,
            credit_cost: None,
            pricing: json!({}),
            created_at: time("2025-01-01"),
            history: Vec::new(),
        });
        self.facts.plan_features.last_mut().unwrap()
    }

    pub fn subscribe(&mut self, number: u128, plan: u128, at: &str) -> &mut Subscription {
        let terms = self.facts.plans[&id(plan)].clone();
        let base = !terms.is_addon && terms.exclusive;
        let mut before = self.facts.subscriptions.iter().rev();
        let before = before.find(|one| base && one.base && one.group_id == terms.group_id);
        let follows = before.map(|one| one.id);
        self.facts.subscriptions.push(Subscription {
            id: id(number),
            plan_id: terms.id,
            group_id: terms.group_id,
            base,
            status: Status::Active,
            anchor_at: time(at),
            anchor_moved_at: None,
            earlier: None,
            period_over: false,
            count_number: 1,
            feature_starts: BTreeMap::new(),
            started_at: time(at),
            follows,
            period_start: Some(time(at)),
            period_end: None,
            trial_ends_at: None,
            cancel_at: None,
            past_due_since: None,
            given_up_at: None,
            paused_at: None,
            ended_at: None,
            cycle_key: None,
            price: terms.price,
            currency: terms.currency,
            cadence: terms.cadence,
            one_time: terms.one_time,
            linked: false,
        });
        self.facts.subscriptions.last_mut().unwrap()
    }

    pub fn subscription(&mut self, number: u128) -> &mut Subscription {
        let mut all = self.facts.subscriptions.iter_mut();
        all.find(|one| one.id == id(number)).unwrap()
    }

    /// What plan 100 says first.
    pub fn first_entry(&mut self) -> &mut PlanFeature {
        &mut self.facts.plan_features[0]
    }

    /// An override of the customer that says nothing yet.
    pub fn overrule(&mut self, number: u128, feature_id: Uuid) -> &mut Override {
        self.facts.overrides.push(Override {
            id: id(number),
            subscription_id: None,
            feature_id,
            enabled: None,
            usage_limit: None,
            unlimited: false,
            value: None,
            expires_at: None,
        });
        self.facts.overrides.last_mut().unwrap()
    }

    pub fn grant(&mut self, number: u128, amount: &str) -> &mut Grant {
        self.facts.grants.push(Grant {
            id: id(number),
            credit_system_id: CREDITS,
            amount: quantity(amount),
            priority: 100,
            created_at: time("2026-01-20"),
            expires_at: None,
            closed: None,
        });
        self.facts.grants.last_mut().unwrap()
    }

    pub fn resolve(&self, feature_id: Uuid, at: &str) -> Entitlement {
        resolve(&self.facts, feature_id, None, time(at))
    }
}
