//! The answer to an attach, as `owo_attachment` has it.

use super::act::Deed;
use crate::db::checkout::Checkout;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Plan, Subscription};
use owostack_domain::switch::{Action, Attach};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The fields of `owo_attachment`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Attachment {
    pub success: bool,
    pub code: String,
    pub kind: Option<String>,
    pub requires_checkout: bool,
    pub checkout_id: Option<Uuid>,
    pub checkout_url: Option<String>,
    pub subscription_id: Option<Uuid>,
    pub status: Option<String>,
    pub trial: bool,
    pub trial_ends_at: Option<DateTime<Utc>>,
    pub effective_at: Option<DateTime<Utc>>,
    pub amount_due: i64,
    pub currency: Option<String>,
    pub invoice_id: Option<Uuid>,
    pub message: String,
}

/// The answer when nobody has that name.
pub fn customer_not_found(name: &str) -> Attachment {
    Attachment {
        code: "customer_not_found".to_owned(),
        message: format!("Customer \"{name}\" does not exist."),
        ..Attachment::default()
    }
}

/// The answer to a decision; `row` is the subscription that it is about.
pub fn answer(deed: &Deed, row: Option<&Subscription>, checkout: Option<&Checkout>) -> Attachment {
    let Deed { plan, decided, way } = deed;
    let action = decided.action;
    let waits = matches!(action, Action::Checkout { .. });
    let silent = waits && !way.has_page();
    let status = row.map(|row| row.status.as_str().to_owned());
    // A plan that is kept may be in its trial.
    let running = row.filter(|row| row.is_in_trial() && matches!(action, Action::Keep(_)));
    let trial_ends_at = decided
        .trial_ends_at
        .or(running.and_then(|row| row.trial_ends_at));
    Attachment {
        success: action.is_success(),
        code: if silent { "scheduled" } else { action.code() }.to_owned(),
        kind: Some(decided.kind.as_str().to_owned()),
        requires_checkout: waits && !silent,
        checkout_id: checkout.map(|one| one.id),
        checkout_url: checkout.and_then(|one| one.url.clone()),
        subscription_id: row.map(|row| row.id),
        status,
        trial: trial_ends_at.is_some(),
        trial_ends_at,
        // Only the provider knows when it has the money.
        effective_at: decided.effective_at.filter(|_| !silent),
        amount_due: checkout.map_or(decided.amount_due, |one| one.amount),
        currency: decided.terms.currency.clone(),
        invoice_id: None,
        message: match silent {
            true => format!(
                "Plan \"{}\" begins when the provider has confirmed the change.",
                plan.slug
            ),
            false => message(plan, decided),
        },
    }
}

/// One sentence for a person.
fn message(plan: &Plan, decided: &Attach) -> String {
    let slug = &plan.slug;
    match decided.action {
        Action::PlanInactive => format!("Plan \"{slug}\" is not active."),
        Action::AddonNeedsBase => format!("Add-on \"{slug}\" needs a live base plan."),
        Action::Keep(_) => format!("Plan \"{slug}\" is the current plan."),
        Action::Checkout { .. } => {
            format!("Plan \"{slug}\" begins when the checkout is completed.")
        }
        Action::Schedule { effective_at, .. } => {
            format!("Plan \"{slug}\" begins at {}.", effective_at.to_rfc3339())
        }
        Action::Start if decided.trial_ends_at.is_some() => {
            format!("The trial of plan \"{slug}\" has begun.")
        }
        Action::Start => format!("Plan \"{slug}\" is attached."),
    }
}
