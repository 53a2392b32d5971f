//! Decisions: may this customer do it, and what does the answer say.
//!
//! Called by `flow/` with an expanded entitlement and what was used of its meters. Invariants: a
//! denial describes the unchanged state, a recorded track the state after it; a check says yes
//! exactly when a draw of the same amount would succeed. Deliberately absent: storing anything.

mod detail;
mod explain;
mod message;
mod number;

use serde_json::Value;

pub use explain::{Explained, explain, explain_entities};
pub use number::{Numbers, numbers};

use crate::draw::{After, BelowZero, Drawn, Shortage, Used, draw};
use crate::entitlement::{Entitlement, FeatureType, GrantState, SourceKind};
use crate::period::Time;
use crate::quantity::Quantity;

/// What an answer is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The feature is on, or covers the amount.
    AccessGranted,
    /// The allowance does not cover it, and overage is charged.
    OverageAllowed,
    /// Plan credits do not cover it, granted ones do.
    AddonCreditsUsed,
    /// Recorded.
    Tracked,
    /// Recorded, part of it as overage.
    TrackedOverage,
    /// Allowance spent, overage forbidden or exhausted.
    LimitExceeded,
    /// Neither allowance nor credits cover it.
    InsufficientCredits,
    /// Overage would pass the customer's money cap.
    SpendCapReached,
    /// Something grants, but not this feature.
    FeatureNotInPlan,
    /// Nothing grants anything.
    NoActiveSubscription,
    /// There is no such customer.
    CustomerNotFound,
    /// There is no such entity.
    EntityNotFound,
}

impl Code {
    /// The word that is returned.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessGranted => "access_granted",
            Self::OverageAllowed => "overage_allowed",
            Self::AddonCreditsUsed => "addon_credits_used",
            Self::Tracked => "tracked",
            Self::TrackedOverage => "tracked_overage",
            Self::LimitExceeded => "limit_exceeded",
            Self::InsufficientCredits => "insufficient_credits",
            Self::SpendCapReached => "spend_cap_reached",
            Self::FeatureNotInPlan => "feature_not_in_plan",
            Self::NoActiveSubscription => "no_active_subscription",
            Self::CustomerNotFound => "customer_not_found",
            Self::EntityNotFound => "entity_not_found",
        }
    }

    /// True where there is something, and not enough of it.
    #[must_use]
    pub const fn is_shortage(self) -> bool {
        matches!(
            self,
            Self::LimitExceeded | Self::InsufficientCredits | Self::SpendCapReached
        )
    }

    /// True for the codes that say yes.
    #[must_use]
    pub const fn allowed(self) -> bool {
        matches!(
            self,
            Self::AccessGranted
                | Self::OverageAllowed
                | Self::AddonCreditsUsed
                | Self::Tracked
                | Self::TrackedOverage
        )
    }
}

/// An answer, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Yes or no.
    pub allowed: bool,
    /// Why.
    pub code: Code,
    /// Drawn from allowances, plus overage.
    pub usage: Quantity,
    /// Allowances and rollover of the running periods; None: unlimited.
    pub usage_limit: Option<Quantity>,
    /// What can be drawn without overage, grants included; None: unlimited.
    pub balance: Option<Quantity>,
    /// Usage beyond the limit; None where nothing is counted.
    pub overage: Option<Quantity>,
    /// Soonest end of a period.
    pub resets_at: Option<Time>,
    /// How often that source starts over.
    pub reset_interval: Option<String>,
    /// Credits behind the feature.
    pub credits: Option<Value>,
    /// Message, plan, trial, pricing, what was drawn.
    pub details: Value,
}

impl Decision {
    /// The answer where no customer or entity was found.
    #[must_use]
    pub fn not_found(code: Code, slug: &str) -> Self {
        let numbers = Numbers::nothing();
        let message = message::not_found(code, slug);
        Self {
            allowed: false,
            code,
            usage: numbers.usage,
            usage_limit: numbers.usage_limit,
            balance: numbers.balance,
            overage: numbers.overage,
            resets_at: None,
            reset_interval: None,
            credits: None,
            details: serde_json::json!({ "message": message }),
        }
    }

    /// The message for a person.
    #[must_use]
    pub fn message(&self) -> &str {
        let message = self.details.get("message").and_then(Value::as_str);
        message.unwrap_or_default()
    }
}

/// Whether `value` units may be used; what is drawn if so.
///
/// # Errors
/// The code that says no.
pub fn judge(
    entitlement: &Entitlement,
    used: &dyn Used,
    value: Quantity,
) -> Result<(Code, Drawn), Code> {
    match entitlement.grant {
        GrantState::Nothing => return Err(Code::NoActiveSubscription),
        GrantState::NotInPlan => return Err(Code::FeatureNotInPlan),
        GrantState::Granted => {}
    }
    if entitlement.feature_type != FeatureType::Metered || value.is_zero() {
        return Ok((Code::AccessGranted, Drawn::default()));
    }
    let cost = entitlement.credit.as_ref().map(|credit| credit.cost);
    let drawn =
        draw(&entitlement.sources, entitlement.overage, used, value, cost).map_err(|shortage| {
            match shortage {
                Shortage::LimitExceeded | Shortage::MaxOverage => Code::LimitExceeded,
                Shortage::InsufficientCredits => Code::InsufficientCredits,
            }
        })?;
    let granted = |index: usize| {
        let source = entitlement.sources.get(index);
        source.is_some_and(|source| source.kind == SourceKind::Grant)
    };
    let code = if drawn.overage_units.is_positive() {
        Code::OverageAllowed
    } else if drawn.lines.iter().any(|line| granted(line.source)) {
        Code::AddonCreditsUsed
    } else {
        Code::AccessGranted
    };
    Ok((code, drawn))
}

/// Whether `value` units may be used; nothing else. The short way for filters and policies.
#[must_use]
pub fn allowed(entitlement: &Entitlement, used: &dyn Used, value: Quantity) -> bool {
    judge(entitlement, used, value).is_ok()
}

/// Whether `value` units may be used, with the state as it is.
#[must_use]
pub fn check(entitlement: &Entitlement, used: &dyn Used, value: Quantity) -> Decision {
    let code = match judge(entitlement, used, value) {
        Ok((code, _)) | Err(code) => code,
    };
    state(entitlement, used, code, value)
}

/// Draws `value` units: the state after, and the lines to record; a denial has none.
#[must_use]
pub fn track(entitlement: &Entitlement, used: &dyn Used, value: Quantity) -> (Decision, Drawn) {
    match judge(entitlement, used, value) {
        Ok((code, drawn)) => {
            let after = After {
                used,
                lines: &drawn.lines,
            };
            let decision = recorded(entitlement, &after, code, value, &drawn);
            (decision, drawn)
        }
        Err(code) => (state(entitlement, used, code, value), Drawn::default()),
    }
}

/// Draws `value` units for later: as [`track`], but nothing is recorded as used yet.
#[must_use]
pub fn hold(entitlement: &Entitlement, used: &dyn Used, value: Quantity) -> (Decision, Drawn) {
    match judge(entitlement, used, value) {
        Ok((code, drawn)) => {
            let after = After {
                used,
                lines: &drawn.lines,
            };
            let mut decision = state(entitlement, &after, code, value);
            detail::add_drawn(&mut decision.details, entitlement, &drawn);
            (decision, drawn)
        }
        Err(code) => (state(entitlement, used, code, value), Drawn::default()),
    }
}

/// What one source gave of a settled hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What gave it.
    pub kind: SourceKind,
    /// In units of its meter.
    pub amount: Quantity,
    /// Beyond the limits.
    pub overage: bool,
}

/// The answer when a hold became `value` units of usage; `after` is what is used then.
///
/// The hold was granted when it was taken, so this says yes whatever is granted now.
#[must_use]
pub fn settled(
    entitlement: &Entitlement,
    after: &dyn Used,
    value: Quantity,
    parts: &[Part],
) -> Decision {
    let code = if parts.iter().any(|part| part.overage) {
        Code::TrackedOverage
    } else if parts.iter().any(|part| part.kind == SourceKind::Grant) {
        Code::AddonCreditsUsed
    } else if value.is_zero() {
        Code::AccessGranted
    } else {
        Code::Tracked
    };
    let mut decision = state(entitlement, after, code, value);
    detail::add_parts(&mut decision.details, parts);
    decision
}

/// Gives `value` units back: the state after, and the lines to record.
///
/// # Errors
/// When less was used in the running periods.
pub fn give_back(
    entitlement: &Entitlement,
    used: &dyn Used,
    value: Quantity,
) -> Result<(Decision, Drawn), BelowZero> {
    let cost = entitlement.credit.as_ref().map(|credit| credit.cost);
    let drawn =
        crate::draw::give_back(&entitlement.sources, entitlement.overage, used, value, cost)?;
    let after = After {
        used,
        lines: &drawn.lines,
    };
    let code = Code::AccessGranted;
    let decision = recorded(entitlement, &after, code, value.negate(), &drawn);
    Ok((decision, drawn))
}

/// Gives back as much of `value` units as was used: the state after, and the lines to record.
#[must_use]
pub fn give_back_at_most(
    entitlement: &Entitlement,
    used: &dyn Used,
    value: Quantity,
) -> (Decision, Drawn) {
    let cost = entitlement.credit.as_ref().map(|credit| credit.cost);
    let (sources, overage) = (&entitlement.sources, entitlement.overage);
    let (drawn, missing) = crate::draw::give_back_at_most(sources, overage, used, value, cost);
    let after = After {
        used,
        lines: &drawn.lines,
    };
    let given = value.saturating_sub_to_zero(missing);
    let code = Code::AccessGranted;
    let decision = recorded(entitlement, &after, code, given.negate(), &drawn);
    (decision, drawn)
}

/// The answer to a track that was drawn; `after` is what is used with its lines in it.
///
/// `code` is what `judge` said.
#[must_use]
pub fn recorded(
    entitlement: &Entitlement,
    after: &dyn Used,
    code: Code,
    value: Quantity,
    drawn: &Drawn,
) -> Decision {
    let code = match code {
        _ if drawn.lines.is_empty() => code,
        Code::AccessGranted => Code::Tracked,
        Code::OverageAllowed => Code::TrackedOverage,
        other => other,
    };
    let mut decision = state(entitlement, after, code, value);
    detail::add_drawn(&mut decision.details, entitlement, drawn);
    decision
}

/// An answer about the state as it is: a check, or a denial.
#[must_use]
pub fn state(entitlement: &Entitlement, used: &dyn Used, code: Code, value: Quantity) -> Decision {
    let numbers = numbers(entitlement, used);
    let credits = detail::credits(entitlement, used);
    answer(entitlement, &numbers, credits, code, value)
}

/// Whether `asked` more of an entity feature fit beside the `count` there are.
#[must_use]
pub fn entity(entitlement: &Entitlement, count: i64, asked: Quantity) -> Decision {
    let count = Quantity::from_int(count);
    let numbers = number::of_entities(entitlement, count);
    let code = match entitlement.grant {
        GrantState::Nothing => Code::NoActiveSubscription,
        GrantState::NotInPlan => Code::FeatureNotInPlan,
        GrantState::Granted => entity_code(entitlement, count, &numbers, asked),
    };
    answer(entitlement, &numbers, None, code, asked)
}

fn entity_code(
    entitlement: &Entitlement,
    count: Quantity,
    numbers: &Numbers,
    asked: Quantity,
) -> Code {
    let beyond = match numbers.usage_limit {
        Some(limit) if !asked.is_zero() => count
            .checked_add(asked)
            .map_or(Quantity::LIMIT, |total| total.saturating_sub_to_zero(limit)),
        _ => Quantity::ZERO,
    };
    if beyond.is_zero() {
        return Code::AccessGranted;
    }
    match entitlement.overage {
        Some(overage) if overage.max.is_none_or(|max| beyond <= max) => Code::OverageAllowed,
        _ => Code::LimitExceeded,
    }
}

fn answer(
    entitlement: &Entitlement,
    numbers: &Numbers,
    credits: Option<Value>,
    code: Code,
    value: Quantity,
) -> Decision {
    Decision {
        allowed: code.allowed(),
        code,
        usage: numbers.usage,
        usage_limit: numbers.usage_limit,
        balance: numbers.balance,
        overage: numbers.overage,
        resets_at: entitlement.resets_at,
        reset_interval: entitlement.reset_interval.clone(),
        credits,
        details: detail::details(entitlement, numbers, code, value),
    }
}

#[cfg(test)]
mod tests;
