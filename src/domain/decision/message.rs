//! The sentence of an answer, for a person who meets it in a log or an error.
//!
//! Called by `decision`. Invariant: lower-case start, no full stop, names quoted, the value and the
//! limit in it. Deliberately absent: hints, which belong to errors.

use super::Code;
use super::number::{Numbers, cost};
use crate::entitlement::{Entitlement, FeatureType, Reason};
use crate::quantity::Quantity;

/// What the answer says in words.
pub(super) fn message(
    entitlement: &Entitlement,
    numbers: &Numbers,
    code: Code,
    value: Quantity,
) -> String {
    let slug = &entitlement.slug;
    match code {
        Code::AccessGranted | Code::OverageAllowed | Code::AddonCreditsUsed
            if !is_counted(entitlement) =>
        {
            format!("\"{slug}\" is included")
        }
        // The numbers stand in their own columns; this text is the same until the plan changes.
        Code::AccessGranted => format!("\"{slug}\" is available"),
        Code::OverageAllowed => {
            format!("the allowance of \"{slug}\" is spent, more is charged as overage")
        }
        Code::AddonCreditsUsed => {
            format!("\"{slug}\" is paid from granted credits{}", left(numbers))
        }
        Code::Tracked if value.is_negative() => {
            let value = value.negate();
            format!("gave back {value} of \"{slug}\"{}", left(numbers))
        }
        Code::Tracked => format!("recorded {value} of \"{slug}\""),
        Code::TrackedOverage => format!("recorded {value} of \"{slug}\", part of it as overage"),
        Code::LimitExceeded => limit_exceeded(entitlement, numbers, value),
        Code::InsufficientCredits => insufficient_credits(entitlement, numbers, value),
        Code::SpendCapReached => {
            format!("overage of \"{slug}\" would pass the spend cap, {value} asked")
        }
        Code::FeatureNotInPlan => not_in_plan(entitlement),
        Code::NoActiveSubscription => {
            format!("no active subscription, override, grant or default gives \"{slug}\"")
        }
        Code::CustomerNotFound | Code::EntityNotFound => not_found(code, slug),
    }
}

/// What an answer about nobody says.
pub(super) fn not_found(code: Code, slug: &str) -> String {
    let who = if code == Code::EntityNotFound {
        "entity"
    } else {
        "customer"
    };
    format!("{who} not found, asked for \"{slug}\"")
}

fn is_counted(entitlement: &Entitlement) -> bool {
    matches!(
        entitlement.feature_type,
        FeatureType::Metered | FeatureType::Entity
    )
}

fn left(numbers: &Numbers) -> String {
    match numbers.balance {
        Some(balance) => format!(", {balance} left"),
        None => String::new(),
    }
}

fn limit_exceeded(entitlement: &Entitlement, numbers: &Numbers, value: Quantity) -> String {
    let slug = &entitlement.slug;
    let usage = numbers.usage;
    let limit = numbers.usage_limit.unwrap_or_default();
    let why = if entitlement.overage.is_some() {
        "the most overage allowed is reached"
    } else if entitlement.overage_blocked {
        "a trial allows no overage"
    } else {
        return format!("limit of {limit} \"{slug}\" reached: {usage} used, {value} asked");
    };
    format!("limit of {limit} \"{slug}\" reached: {usage} used, {value} asked, {why}")
}

fn insufficient_credits(entitlement: &Entitlement, numbers: &Numbers, value: Quantity) -> String {
    let slug = &entitlement.slug;
    let balance = numbers.balance.unwrap_or_default();
    let cost = cost(entitlement);
    let system = entitlement
        .credit
        .as_ref()
        .map_or("", |credit| credit.slug.as_str());
    format!(
        "not enough \"{system}\" for \"{slug}\": {value} asked at {cost} credits each, {balance} left"
    )
}

fn not_in_plan(entitlement: &Entitlement) -> String {
    let slug = &entitlement.slug;
    let switched_off = |reason: Reason| {
        let mut ignored = entitlement.ignored.iter();
        ignored.any(|ignored| ignored.reason == reason)
    };
    match &entitlement.plan {
        _ if switched_off(Reason::OverriddenOff) => {
            format!("\"{slug}\" is switched off by an override")
        }
        Some(plan) => format!("plan \"{plan}\" does not include \"{slug}\""),
        None => format!("nothing includes \"{slug}\""),
    }
}
