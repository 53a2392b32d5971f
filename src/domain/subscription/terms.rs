//! Terms: which plan at which price and rhythm, as pinned by an attach or a scheduled change.
//!
//! Read from the catalog once, when the customer chooses; later catalog prices reach new
//! subscribers only. Deliberately absent: when and how the terms begin, see `open`.

use crate::entitlement::facts::{Plan, PlanChange, Subscription};
use crate::interval::Cadence;
use std::cmp::Ordering;
use uuid::Uuid;

/// A plan with one of its cycles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The plan.
    pub plan_id: Uuid,
    /// Its group, or itself when it names none.
    pub group_id: Uuid,
    /// True for a base plan of an exclusive group.
    pub base: bool,
    /// The cycle's key; `None` for the plan's own price and interval.
    pub cycle_key: Option<String>,
    /// Minor units per period.
    pub price: i64,
    /// ISO 4217; may be absent for a plan that costs nothing.
    pub currency: Option<String>,
    /// Billing period.
    pub cadence: Cadence,
    /// Paid once, without periods.
    pub one_time: bool,
}

/// How one choice relates to the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing is replaced.
    New,
    /// More than before.
    Upgrade,
    /// Less than before.
    Downgrade,
    /// As much as before.
    Lateral,
    /// The very same plan and cycle.
    Unchanged,
}

impl Kind {
    /// The word of `owo_attachment.type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Lateral => "lateral",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Why terms cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermsError {
    /// The plan has no cycle of that name.
    UnknownCycle,
    /// Unranked plans in two currencies cannot be compared.
    CurrencyMismatch { current: String, wanted: String },
}

impl Terms {
    /// The terms of a plan's own price and interval.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Self {
        Self {
            plan_id: plan.id,
            group_id: plan.group_id,
            base: plan.exclusive && !plan.is_addon,
            cycle_key: None,
            price: plan.price,
            currency: plan.currency.clone(),
            cadence: plan.cadence,
            one_time: plan.one_time,
        }
    }

    /// The terms of one of a plan's cycles, by key or, failing that, by interval.
    ///
    /// # Errors
    /// When no cycle has that key or interval.
    pub fn of_cycle(plan: &Plan, cycle: Option<&str>) -> Result<Self, TermsError> {
        let own = Self::of_plan(plan);
        let Some(wanted) = cycle else { return Ok(own) };
        let cadence = Cadence::parse(wanted).ok();
        let by_key = plan.cycles.iter().find(|one| one.key == wanted);
        if by_key.is_none() && !plan.one_time && cadence == Some(plan.cadence) {
            return Ok(own);
        }
        let by_cadence = || plan.cycles.iter().find(|one| cadence == Some(one.cadence));
        let found = by_key.or_else(by_cadence).ok_or(TermsError::UnknownCycle)?;
        Ok(Self {
            cycle_key: Some(found.key.clone()),
            price: found.price,
            currency: found.currency.clone().or_else(|| plan.currency.clone()),
            cadence: found.cadence,
            one_time: false,
            ..own
        })
    }

    /// The terms that a scheduled change pinned.
    #[must_use]
    pub fn of_change(change: &PlanChange, plan: &Plan) -> Self {
        Self {
            cycle_key: change.cycle_key.clone(),
            price: change.price,
            currency: change.currency.clone(),
            cadence: change.cadence,
            one_time: change.one_time,
            ..Self::of_plan(plan)
        }
    }

    /// The terms that a subscription has.
    #[must_use]
    pub fn of_subscription(subscription: &Subscription) -> Self {
        Self {
            plan_id: subscription.plan_id,
            group_id: subscription.group_id,
            base: subscription.base,
            cycle_key: subscription.cycle_key.clone(),
            price: subscription.price,
            currency: subscription.currency.clone(),
            cadence: subscription.cadence,
            one_time: subscription.one_time,
        }
    }

    /// True when both name the same plan and cycle.
    #[must_use]
    pub fn is_same_choice(&self, subscription: &Subscription) -> bool {
        self.plan_id == subscription.plan_id && self.cycle_key == subscription.cycle_key
    }
}

/// How the wanted terms relate to the current subscription of the group.
///
/// Ranks decide when both plans have one, else the price per month. Two cycles of one plan have no
/// rank among themselves.
///
/// # Errors
/// When the plans are unranked and priced in different currencies.
pub fn classify(
    current: &Subscription,
    current_rank: Option<i32>,
    wanted: &Terms,
    wanted_rank: Option<i32>,
) -> Result<Kind, TermsError> {
    if wanted.is_same_choice(current) {
        return Ok(Kind::Unchanged);
    }
    let order = match (wanted_rank, current_rank) {
        (Some(new), Some(old)) if wanted.plan_id != current.plan_id => new.cmp(&old),
        _ => compare_price(current, wanted)?,
    };
    Ok(match order {
        Ordering::Greater => Kind::Upgrade,
        Ordering::Less => Kind::Downgrade,
        Ordering::Equal => Kind::Lateral,
    })
}

/// Compares prices per month; a plan that costs nothing compares with any currency.
fn compare_price(current: &Subscription, wanted: &Terms) -> Result<Ordering, TermsError> {
    if current.price != 0 && wanted.price != 0 && current.currency != wanted.currency {
        return Err(TermsError::CurrencyMismatch {
            current: current.currency.clone().unwrap_or_default(),
            wanted: wanted.currency.clone().unwrap_or_default(),
        });
    }
    Ok(wanted
        .cadence
        .compare_per_month(wanted.price, current.cadence, current.price))
}
