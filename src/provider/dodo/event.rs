//! Dodo's events.
//!
//! A subscription's state follows from its data, whatever the event is called; money follows from
//! payment events only, although a renewal is announced by both.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{object, snapshot};
use crate::event::{Change, Effect, Event, Order, Reading, Unreadable};
use crate::json::{flag, iso, owned, text};
use crate::link::Link;
use crate::object::{Checkout, CheckoutStatus, Method, MoneyStatus, Payment, Reason, Status};
use crate::signature;
use crate::tag::Tags;
use crate::webhook::Delivery;

/// One event with what is read often.
struct Notice<'v> {
    data: &'v Value,
    at: DateTime<Utc>,
}

/// Reads an event.
pub(super) fn read(delivery: &Delivery<'_>) -> Result<Event, Unreadable> {
    let body: Value = serde_json::from_slice(delivery.body)
        .map_err(|_| Unreadable::new("the body is no JSON"))?;
    let kind = owned(&body, "/type").ok_or_else(|| Unreadable::new("the event has no type"))?;
    let id = signature::message_id(delivery.headers)
        .ok_or_else(|| Unreadable::new("the event has no id"))?;
    let data = body
        .get("data")
        .filter(|data| data.is_object())
        .ok_or_else(|| Unreadable::new("the event has no data"))?;
    let notice = Notice {
        data,
        at: iso(&body, "/timestamp").unwrap_or(delivery.received_at),
    };
    let effects = notice.effects(&kind);
    Ok(Event {
        id: id.to_owned(),
        reading: match &effects {
            Some(effects) if effects.is_empty() => Reading::Ignored,
            Some(_) => Reading::Used,
            None => Reading::Unknown,
        },
        kind,
        account: owned(&body, "/business_id"),
        live: None,
        at: notice.at,
        effects: effects.unwrap_or_default(),
    })
}

impl Notice<'_> {
    /// What follows; `None` for a kind that is not known.
    fn effects(&self, kind: &str) -> Option<Vec<Effect>> {
        Some(match kind {
            "subscription.active"
            | "subscription.renewed"
            | "subscription.on_hold"
            | "subscription.past_due"
            | "subscription.paused"
            | "subscription.unpaused"
            | "subscription.cancelled"
            | "subscription.failed"
            | "subscription.expired"
            | "subscription.plan_changed"
            | "subscription.updated" => self.subscription(),
            "subscription.update_payment_method" => {
                let mut effects = self.subscription();
                effects.extend(self.saved());
                effects
            }
            "payment.succeeded" | "payment.failed" | "payment.cancelled" => self.payment(),
            "refund.succeeded" | "refund.failed" => {
                vec![self.once(Change::Refund(object::refund(self.data)))]
            }
            "dispute.opened" => vec![self.once(Change::Dispute {
                payment: owned(self.data, "/payment_id"),
            })],
            "payment.processing" => Vec::new(),
            _ if [
                "dispute.",
                "license_key.",
                "payout.",
                "credit.",
                "abandoned_checkout.",
                "dunning.",
                "entitlement_grant.",
            ]
            .iter()
            .any(|family| kind.starts_with(family)) =>
            {
                Vec::new()
            }
            _ => return None,
        })
    }

    fn link(&self) -> Link {
        let data = self.data;
        Link {
            customer: owned(data, "/customer/customer_id"),
            external_id: None,
            checkout: owned(data, "/checkout_session_id"),
            reference: None,
            subscription: owned(data, "/subscription_id"),
            email: text(data, "/customer/email").map(str::to_lowercase),
            tags: Tags::read(data.get("metadata")),
        }
    }

    fn once(&self, change: Change) -> Effect {
        Effect {
            link: self.link(),
            order: Order::of(&change, self.at),
            change,
        }
    }

    fn saved(&self) -> Option<Effect> {
        let token = owned(self.data, "/payment_method_id")?;
        Some(self.once(Change::MethodSaved(Method {
            token,
            brand: text(self.data, "/card_network").map(str::to_lowercase),
            last4: owned(self.data, "/card_last_four"),
            reusable: true,
            ..Method::default()
        })))
    }

    /// A mandate is a saved card and no subscription of ours.
    fn subscription(&self) -> Vec<Effect> {
        let Some(found) = snapshot::read(self.data, self.at) else {
            return Vec::new();
        };
        if !snapshot::is_mandate(self.data) {
            return vec![Effect {
                link: self.link(),
                order: Order::snapshot(&found, self.at, self.at),
                change: Change::Subscription(found),
            }];
        }
        let change = match found.status {
            Status::Canceled => Some(Change::MethodRemoved { token: found.id }),
            Status::Active | Status::Trialing => {
                snapshot::mandate(self.data).map(Change::MethodSaved)
            }
            Status::Incomplete | Status::PastDue | Status::Paused => None,
        };
        change.map(|change| self.once(change)).into_iter().collect()
    }

    fn payment(&self) -> Vec<Effect> {
        let Some(payment) = object::payment(self.data) else {
            return Vec::new();
        };
        // A card was changed; what it paid for that is nothing, or an older debt.
        if flag(self.data, "/is_update_payment_method")
            && payment.status == MoneyStatus::Succeeded
            && payment.money.is_none_or(|money| money.amount == 0)
        {
            return self.saved().into_iter().collect();
        }
        let mut effects = Vec::new();
        let checkout = owned(self.data, "/checkout_session_id")
            .filter(|_| payment.status == MoneyStatus::Succeeded);
        if let Some(id) = checkout {
            effects.push(self.once(Change::Checkout(Checkout {
                id,
                status: CheckoutStatus::Completed,
                url: None,
                expires_at: None,
                paid: true,
                subscription: payment.subscription.clone(),
                payment: Some(payment.id.clone()),
                setup: None,
            })));
        }
        let kept = kept_card(&payment);
        // A payment of nothing is the beginning of a trial.
        if payment.money.is_none_or(|money| money.amount > 0) {
            effects.push(self.once(Change::Payment(payment)));
        }
        effects.extend(kept.map(|method| self.once(Change::MethodSaved(method))));
        effects
    }
}

/// The card that a subscription has been paid with: its renewals are, so it is saved. What pays a
/// mandate is behind the mandate, which is the card that we know.
fn kept_card(payment: &Payment) -> Option<Method> {
    let renews = matches!(payment.reason, Reason::First | Reason::Subscription);
    let method = payment.method.as_ref()?;
    (renews && payment.status == MoneyStatus::Succeeded).then(|| Method {
        reusable: true,
        ..method.clone()
    })
}
