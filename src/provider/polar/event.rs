//! Polar's events.
//!
//! Snapshots are ordered by when the object was modified. Money follows from orders that are
//! paid and from refunds that have succeeded; what an order says of its refunds is cumulative
//! and is not counted again.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::object;
use crate::event::{Change, Effect, Event, Order, Reading, Unreadable};
use crate::json::{iso, owned, text};
use crate::link::Link;
use crate::object::{CheckoutStatus, Method, MoneyStatus};
use crate::signature;
use crate::tag::Tags;
use crate::webhook::Delivery;

/// One event with what is read often.
struct Notice<'v> {
    kind: &'v str,
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
        kind: &kind,
        data,
        at: iso(&body, "/timestamp").unwrap_or(delivery.received_at),
    };
    let effects = notice.effects();
    Ok(Event {
        id: id.to_owned(),
        reading: match &effects {
            Some(effects) if effects.is_empty() => Reading::Ignored,
            Some(_) => Reading::Used,
            None => Reading::Unknown,
        },
        account: owned(data, "/organization_id")
            .or_else(|| owned(data, "/customer/organization_id")),
        live: None,
        at: notice.at,
        effects: effects.unwrap_or_default(),
        kind,
    })
}

impl Notice<'_> {
    /// What follows; `None` for a kind that is not known.
    fn effects(&self) -> Option<Vec<Effect>> {
        Some(match self.kind {
            "checkout.updated" | "checkout.expired" => self.checkout(),
            "customer.created" | "customer.updated" => self.customer(),
            "subscription.created"
            | "subscription.active"
            | "subscription.updated"
            | "subscription.canceled"
            | "subscription.uncanceled"
            | "subscription.cycled"
            | "subscription.past_due"
            | "subscription.paused"
            | "subscription.resumed"
            | "subscription.revoked"
            | "subscription.migrated" => self.subscription(),
            "order.paid" | "order.updated" => self.order(),
            "refund.created" | "refund.updated" => {
                vec![self.once(Change::Refund(object::refund(self.data)))]
            }
            // They repeat what the events above say, or say nothing to us.
            "checkout.created"
            | "order.created"
            | "order.refunded"
            | "customer.deleted"
            | "customer.state_changed" => Vec::new(),
            kind if [
                "product.",
                "discount.",
                "benefit.",
                "benefit_grant.",
                "member.",
                "customer_seat.",
                "organization.",
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
        let of = |family: &str| self.kind.starts_with(family);
        let (customer, external) = if of("customer.") {
            ("/id", "/external_id")
        } else {
            ("/customer_id", "/customer/external_id")
        };
        let email = ["/customer/email", "/customer_email", "/email"];
        Link {
            customer: owned(data, customer),
            external_id: owned(data, external)
                .or_else(|| owned(data, "/external_customer_id"))
                .or_else(|| owned(data, "/customer_external_id")),
            checkout: if of("checkout.") {
                owned(data, "/id")
            } else {
                owned(data, "/checkout_id")
            },
            reference: None,
            subscription: if of("subscription.") {
                owned(data, "/id")
            } else {
                owned(data, "/subscription_id")
            },
            email: email
                .iter()
                .find_map(|path| text(data, path))
                .map(str::to_lowercase),
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

    fn checkout(&self) -> Vec<Effect> {
        object::checkout(self.data)
            .filter(|checkout| checkout.status != CheckoutStatus::Open)
            .map(|checkout| self.once(Change::Checkout(checkout)))
            .into_iter()
            .collect()
    }

    /// There are no events of saved cards; a customer's default one tells of the last.
    fn customer(&self) -> Vec<Effect> {
        let customer = object::customer(self.data).map(Change::Customer);
        let saved = owned(self.data, "/default_payment_method_id").map(|token| {
            Change::MethodSaved(Method {
                token,
                reusable: true,
                ..Method::default()
            })
        });
        customer
            .into_iter()
            .chain(saved)
            .map(|change| self.once(change))
            .collect()
    }

    fn subscription(&self) -> Vec<Effect> {
        let effect = |snapshot| Effect {
            link: self.link(),
            order: Order::snapshot(&snapshot, self.modified_at(), self.at),
            change: Change::Subscription(snapshot),
        };
        object::snapshot(self.data)
            .map(effect)
            .into_iter()
            .collect()
    }

    /// When the subscription or the change that it waits for was last modified.
    fn modified_at(&self) -> DateTime<Utc> {
        let of = |path: &str| {
            iso(self.data, &format!("{path}/modified_at"))
                .or_else(|| iso(self.data, &format!("{path}/created_at")))
        };
        of("").max(of("/pending_update")).unwrap_or(self.at)
    }

    fn order(&self) -> Vec<Effect> {
        let Some(payment) = object::payment(self.data) else {
            return Vec::new();
        };
        let announced = match payment.status {
            MoneyStatus::Succeeded => self.kind == "order.paid",
            MoneyStatus::Failed => self.kind == "order.updated",
            MoneyStatus::Pending => false,
        };
        // An order of nothing, as at the start of a trial, moves no money.
        let moves = payment.money.is_none_or(|money| money.amount > 0);
        (announced && moves)
            .then(|| self.once(Change::Payment(payment)))
            .into_iter()
            .collect()
    }
}
