//! Dodo's subscriptions in our words.
//!
//! The state follows from status and dates together: a trial is an active subscription before its
//! first billing date, and a cancelled one whose date lies ahead has only been told to end.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::wire;
use crate::json::{flag, int, iso, owned, small, text};
use crate::object::{Method, PendingChange, Period, Snapshot, Status};
use crate::tag::Tags;

/// The subscription as it is at that moment.
pub(super) fn read(value: &Value, at: DateTime<Utc>) -> Option<Snapshot> {
    let stated = text(value, "/status")?;
    let next = iso(value, "/next_billing_date");
    let flagged = flag(value, "/cancel_at_next_billing_date");
    let only_told = stated == "cancelled" && flagged && next.is_some_and(|next| next > at);
    let trial_ends_at = trial_end(value, next);
    let status = match stated {
        "pending" => Status::Incomplete,
        "active" if trial_ends_at.is_some_and(|end| at < end) => Status::Trialing,
        "active" => Status::Active,
        "past_due" | "on_hold" => Status::PastDue,
        "paused" => Status::Paused,
        "cancelled" if only_told => Status::Active,
        "cancelled" | "expired" | "failed" => Status::Canceled,
        _ => return None,
    };
    let cancels = flagged && !status.has_ended();
    let start = iso(value, "/previous_billing_date");
    Some(Snapshot {
        id: owned(value, "/subscription_id")?,
        status,
        given_up: false,
        customer: owned(value, "/customer/customer_id"),
        product: owned(value, "/product_id"),
        price: None,
        quantity: small(value, "/quantity"),
        amount: wire::money(
            int(value, "/recurring_pre_tax_amount"),
            text(value, "/currency"),
        ),
        period: start
            .zip(next)
            .filter(|(start, end)| start < end)
            .map(|(start, end)| Period { start, end }),
        trial_ends_at: trial_ends_at.filter(|_| status == Status::Trialing),
        cancels,
        cancel_at: next.filter(|_| cancels),
        canceled_at: iso(value, "/cancelled_at"),
        ended_at: status
            .has_ended()
            .then(|| {
                iso(value, "/cancelled_at")
                    .or_else(|| iso(value, "/expires_at").filter(|end| *end <= at))
            })
            .flatten(),
        end_reason: owned(value, "/cancel_reason")
            .or_else(|| status.has_ended().then(|| stated.to_owned())),
        pending: value
            .get("scheduled_change")
            .filter(|change| change.is_object())
            .map(|change| PendingChange {
                product: owned(change, "/product_id"),
                at: iso(change, "/effective_at"),
            }),
        method: owned(value, "/payment_method_id"),
        checkout: None,
        tags: Tags::read(value.get("metadata")),
    })
}

/// The first billing date is the end of the trial; later ones are not.
fn trial_end(value: &Value, next: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let days = int(value, "/trial_period_days").filter(|days| (1..=3_650).contains(days))?;
    let created = iso(value, "/created_at")?;
    // The billing hour may differ from that of the beginning.
    let latest = created + TimeDelta::days(days + 1);
    next.filter(|next| *next <= latest)
}

/// Whether it is a saved card rather than a subscription.
pub(super) fn is_mandate(value: &Value) -> bool {
    flag(value, "/on_demand")
}

/// The saved card that an on-demand subscription is.
pub(super) fn mandate(value: &Value) -> Option<Method> {
    Some(Method {
        token: owned(value, "/subscription_id")?,
        kind: Some("mandate".to_owned()),
        reusable: true,
        ..Method::default()
    })
}
