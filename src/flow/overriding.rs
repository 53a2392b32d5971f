//! Overrides: what replaces a plan's value for one customer or subscription (`api.md` 5).

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::facts::Wanted;
use crate::error::{Error, Result};
use crate::flow::check;
use crate::flow::context::Context;
use crate::flow::customer;
use crate::flow::standing::Standing;
use crate::flow::text;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::{Feature, FeatureType, Override, Subscription};
use owostack_domain::ids;
use owostack_domain::quantity::Quantity;
use serde_json::Value;
use uuid::Uuid;

/// What is asked for; None: not overridden.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    pub enabled: Option<bool>,
    pub usage_limit: Option<Quantity>,
    pub unlimited: bool,
    pub value: Option<Value>,
    pub expires_at: Option<DateTime<Utc>>,
    pub until_renewal: bool,
    pub subscription_id: Option<Uuid>,
}

impl Wish {
    /// Checks the wish against the type of the feature.
    fn check(&self, context: &Context, feature: &Feature) -> Result<()> {
        let limits = self.usage_limit.is_some() || self.unlimited;
        if self.enabled.is_none() && !limits && self.value.is_none() {
            return Err(Error::invalid("nothing is overridden").hint(
                "Give enabled, usage_limit, unlimited or value; owo_override_remove() ends one.",
            ));
        }
        if let Some(value) = &self.value {
            text::json_size("value", value)?;
        }
        if self.usage_limit.is_some() && self.unlimited {
            return Err(Error::invalid(
                "an override is unlimited or has a usage_limit, not both",
            ));
        }
        if self.usage_limit.is_some_and(Quantity::is_negative) {
            return Err(Error::invalid("usage_limit must not be negative"));
        }
        if self.expires_at.is_some_and(|at| at <= context.now) {
            return Err(Error::invalid("expires_at must lie in the future"));
        }
        if self.expires_at.is_some() && self.until_renewal {
            return Err(Error::invalid("give expires_at or until_renewal, not both"));
        }
        let slug = &feature.slug;
        match feature.feature_type {
            FeatureType::Boolean if limits || self.value.is_some() => Err(Error::invalid(format!(
                "feature \"{slug}\" is boolean: only enabled applies"
            ))),
            FeatureType::Static if limits => Err(Error::invalid(format!(
                "feature \"{slug}\" is static: only enabled and value apply"
            ))),
            FeatureType::Metered | FeatureType::Entity if self.value.is_some() => {
                Err(Error::invalid(format!(
                    "feature \"{slug}\" is counted: enabled, usage_limit and unlimited apply"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// Overrides, replacing an earlier override of the same feature and subscription; the ids of
/// customer and override.
///
/// # Errors
/// `22023` for a wish that does not fit the feature, `42704` for a subscription of somebody else,
/// `23514` for one that has ended.
pub fn set(
    context: &Context,
    customer: Option<&str>,
    feature: Option<&str>,
    wish: Wish,
    reason: Option<&str>,
) -> Result<(Uuid, Uuid)> {
    let snapshot = Snapshot::latest()?;
    let feature = check::feature(context, &snapshot, feature)?;
    let customer = &customer::require(context, &snapshot, customer)?;
    wish.check(context, &feature)?;
    if let Some(reason) = reason {
        text::bounded("reason", reason, text::NAME_LENGTH)?;
    }
    customer::lock_living(customer)?;
    let snapshot = Snapshot::latest()?;
    let standing = Standing::load(context, &snapshot, customer, Wanted::Feature(feature.id))?;
    let subscription = wish
        .subscription_id
        .map(|id| owned(&standing, id))
        .transpose()?;
    let expires_at = if wish.until_renewal {
        Some(renewal(context, &standing, &feature, subscription)?)
    } else {
        wish.expires_at
    };
    let row = Override {
        id: override_id(customer.id, feature.id, wish.subscription_id),
        subscription_id: wish.subscription_id,
        feature_id: feature.id,
        enabled: wish.enabled,
        usage_limit: wish.usage_limit,
        unlimited: wish.unlimited,
        value: wish.value,
        expires_at,
    };
    db::override_row::store(customer.id, &row, reason, context.now)?;
    Ok((customer.id, row.id))
}

/// The same for every override of one place: what is counted under it counts on when the override
/// is replaced, or removed and made again.
fn override_id(customer_id: Uuid, feature_id: Uuid, subscription_id: Option<Uuid>) -> Uuid {
    let place = subscription_id.map_or_else(String::new, |id| format!(" {id}"));
    ids::derived(customer_id, &format!("override {feature_id}{place}"))
}

fn owned(standing: &Standing, id: Uuid) -> Result<&Subscription> {
    let found = standing
        .facts()
        .subscriptions
        .iter()
        .find(|row| row.id == id);
    let row =
        found.ok_or_else(|| Error::undefined(format!("the customer has no subscription {id}")))?;
    if row.ended_at.is_some() {
        return Err(
            Error::forbidden(format!("subscription {id} is {}", row.status.as_str()))
                .hint("Override the customer, or the subscription that took its place."),
        );
    }
    Ok(row)
}

/// The next period end of the subscription, else of the base plan that has the feature.
fn renewal(
    context: &Context,
    standing: &Standing,
    feature: &Feature,
    subscription: Option<&Subscription>,
) -> Result<DateTime<Utc>> {
    let base = || standing.base_of(feature.id, context.now);
    let row = subscription.or_else(base).filter(|row| row.is_live());
    row.and_then(|row| row.period_end)
        .filter(|end| *end > context.now)
        .ok_or_else(|| {
            Error::invalid(format!(
                "feature \"{}\" has no plan that renews",
                feature.slug
            ))
            .hint("Give expires_at instead of until_renewal.")
        })
}

/// Ends an override; whether there was one.
///
/// # Errors
/// `42704` unknown feature.
pub fn remove(
    context: &Context,
    customer: Option<&str>,
    feature: Option<&str>,
    subscription_id: Option<Uuid>,
) -> Result<bool> {
    let snapshot = Snapshot::latest()?;
    let feature = check::feature(context, &snapshot, feature)?;
    let customer = customer::require(context, &snapshot, customer)?;
    customer::lock_living(&customer)?;
    db::override_row::delete(customer.id, feature.id, subscription_id)
}
