//! Stripe's invoices as payments of subscriptions, in the shapes before and after 2025.

use serde_json::Value;

use super::wire;
use crate::json::{flag, id, int, list, owned, text, unix};
use crate::object::{MoneyStatus, Payment, Period, Reason};
use crate::outcome::Failure;
use crate::tag::Tags;

/// The subscription of an invoice.
pub(super) fn subscription(value: &Value) -> Option<String> {
    id(value, "/parent/subscription_details/subscription").or_else(|| id(value, "/subscription"))
}

/// Our tags, as the subscription had them.
pub(super) fn tags(value: &Value) -> Tags {
    let current = value.pointer("/parent/subscription_details/metadata");
    let before = || value.pointer("/subscription_details/metadata");
    let tags = Tags::read(current.or_else(before));
    if tags.is_empty() {
        Tags::read(value.get("metadata"))
    } else {
        tags
    }
}

/// The money of an invoice; its id is the invoice's, whatever else it is known by.
pub(super) fn payment(value: &Value) -> Option<Payment> {
    let status = match text(value, "/status") {
        Some("paid") => MoneyStatus::Succeeded,
        Some("uncollectible" | "void") => MoneyStatus::Failed,
        _ => MoneyStatus::Pending,
    };
    let paid = status == MoneyStatus::Succeeded;
    let amount = if paid { "/amount_paid" } else { "/amount_due" };
    let also = [
        "/payment_intent",
        "/charge",
        "/payments/data/0/payment/payment_intent",
    ];
    Some(Payment {
        id: owned(value, "/id")?,
        also: also.iter().filter_map(|path| id(value, path)).collect(),
        status,
        money: wire::money(int(value, amount), text(value, "/currency")),
        tax: None,
        reason: reason(value),
        subscription: subscription(value),
        plan: None,
        period: period(value),
        paid_at: unix(value, "/status_transitions/paid_at").filter(|_| paid),
        method: None,
        failure: None,
        next_attempt_at: unix(value, "/next_payment_attempt").filter(|_| !paid),
        action_url: owned(value, "/hosted_invoice_url").filter(|_| !paid),
    })
}

/// The money of an invoice that was asked for in vain.
pub(super) fn failed(value: &Value, why: &str) -> Option<Payment> {
    let message = text(value, "/last_finalization_error/message").unwrap_or_default();
    Some(Payment {
        status: MoneyStatus::Failed,
        failure: Some(Failure::new(0, Some(why), message)),
        ..payment(value)?
    })
}

fn reason(value: &Value) -> Reason {
    match text(value, "/billing_reason") {
        Some("subscription_create") => Reason::First,
        Some("subscription_cycle" | "subscription_threshold") => Reason::Renewal,
        Some("subscription_update") => Reason::Update,
        _ if subscription(value).is_some() => Reason::Subscription,
        _ => Reason::OneOff,
    }
}

/// The period of the line that is no proration; an invoice's own period is the one before.
fn period(value: &Value) -> Option<Period> {
    list(value, "/lines/data")
        .iter()
        .filter(|line| {
            !flag(line, "/proration") && !flag(line, "/parent/subscription_item_details/proration")
        })
        .filter_map(|line| {
            let start = unix(line, "/period/start")?;
            let end = unix(line, "/period/end").filter(|end| *end > start)?;
            Some(Period { start, end })
        })
        .max_by_key(|period| period.end)
}
