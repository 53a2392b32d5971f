//! Stripe's events.
//!
//! The order of delivery says nothing; the second of creation orders snapshots, and of equal
//! seconds the later stage. An event of any version of the interface is read.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{invoice, object, wire};
use crate::event::{Change, Effect, Event, Order, Reading, Unreadable};
use crate::json::{id, int, owned, text, unix};
use crate::link::Link;
use crate::object::{
    Checkout, CheckoutStatus, MoneyStatus, ObjectKind, ObjectRef, Payment, Reason, Refund,
};
use crate::outcome::Failure;
use crate::tag::Tags;
use crate::webhook::Delivery;

/// From this version on, every refund is announced by events of its own.
const REFUND_EVENTS_SINCE: &str = "2024-10-28";

/// One event with what is read often.
struct Notice<'v> {
    at: DateTime<Utc>,
    version: &'v str,
    object: &'v Value,
    previous: &'v Value,
}

/// Reads an event.
pub(super) fn read(delivery: &Delivery<'_>) -> Result<Event, Unreadable> {
    let body: Value = serde_json::from_slice(delivery.body)
        .map_err(|_| Unreadable::new("the body is no JSON"))?;
    let kind = owned(&body, "/type").ok_or_else(|| Unreadable::new("the event has no type"))?;
    let notice = Notice {
        at: unix(&body, "/created").unwrap_or(delivery.received_at),
        version: text(&body, "/api_version").unwrap_or_default(),
        object: body.pointer("/data/object").unwrap_or(&Value::Null),
        previous: body
            .pointer("/data/previous_attributes")
            .unwrap_or(&Value::Null),
    };
    let effects = notice.effects(&kind);
    Ok(Event {
        id: owned(&body, "/id").ok_or_else(|| Unreadable::new("the event has no id"))?,
        reading: match &effects {
            Some(effects) if effects.is_empty() => Reading::Ignored,
            Some(_) => Reading::Used,
            None => Reading::Unknown,
        },
        kind,
        account: owned(&body, "/account"),
        live: body.get("livemode").and_then(Value::as_bool),
        at: notice.at,
        effects: effects.unwrap_or_default(),
    })
}

impl Notice<'_> {
    /// What follows; `None` for a kind that is not known.
    fn effects(&self, kind: &str) -> Option<Vec<Effect>> {
        Some(match kind {
            "checkout.session.completed"
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.async_payment_failed"
            | "checkout.session.expired" => self.checkout(kind),
            "customer.subscription.created"
            | "customer.subscription.updated"
            | "customer.subscription.deleted"
            | "customer.subscription.paused"
            | "customer.subscription.resumed" => self.subscription(),
            "customer.subscription.trial_will_end" => self.trial_ending(),
            "invoice.paid" => self.invoice(invoice::payment(self.object)),
            "invoice.payment_failed" => {
                self.invoice(invoice::failed(self.object, "payment_failed"))
            }
            "invoice.payment_action_required" => {
                self.invoice(invoice::failed(self.object, "action_required"))
            }
            "invoice_payment.paid" => self.invoice_payment(),
            "payment_intent.succeeded" | "payment_intent.payment_failed" => self.intent(),
            "refund.created" | "refund.updated" | "refund.failed" => {
                vec![self.once(Change::Refund(object::refund(self.object)))]
            }
            "charge.refunded" => self.charge_refunded(),
            "payment_method.attached" => object::method(self.object)
                .map(|method| self.once(Change::MethodSaved(method)))
                .into_iter()
                .collect(),
            "payment_method.detached" => self.detached(),
            "setup_intent.succeeded" => object::setup(self.object)
                .map(|method| self.once(Change::MethodSaved(method)))
                .into_iter()
                .collect(),
            "customer.created" | "customer.updated" => object::customer(self.object)
                .map(|customer| self.once(Change::Customer(customer)))
                .into_iter()
                .collect(),
            "charge.dispute.created" => vec![self.once(Change::Dispute {
                payment: id(self.object, "/payment_intent").or_else(|| id(self.object, "/charge")),
            })],
            // They repeat what the events above say.
            "invoice.payment_succeeded"
            | "invoice.created"
            | "invoice.finalized"
            | "invoice.updated"
            | "invoice.upcoming"
            | "charge.succeeded"
            | "charge.failed"
            | "charge.updated"
            | "charge.refund.updated"
            | "payment_intent.created"
            | "payment_intent.processing"
            | "payment_intent.requires_action"
            | "setup_intent.created"
            | "customer.deleted"
            | "payment_method.updated"
            | "subscription_schedule.created"
            | "subscription_schedule.updated"
            | "subscription_schedule.released"
            | "subscription_schedule.completed"
            | "subscription_schedule.canceled" => Vec::new(),
            // So-called thin events carry no object.
            _ if kind.starts_with("v2.") => Vec::new(),
            _ => return None,
        })
    }

    /// Whom the object concerns.
    fn link(&self) -> Link {
        let object = self.object;
        let email = ["/customer_details/email", "/customer_email", "/email"];
        let whose = if text(object, "/object") == Some("customer") {
            id(object, "/id")
        } else {
            id(object, "/customer")
        };
        let subscription = if text(object, "/object") == Some("subscription") {
            owned(object, "/id")
        } else {
            invoice::subscription(object)
        };
        Link {
            customer: whose,
            external_id: None,
            checkout: None,
            reference: owned(object, "/client_reference_id"),
            subscription,
            email: email
                .iter()
                .find_map(|path| text(object, path))
                .map(str::to_lowercase),
            tags: Tags::read(object.get("metadata")),
        }
    }

    fn once(&self, change: Change) -> Effect {
        Effect {
            link: self.link(),
            order: Order::of(&change, self.at),
            change,
        }
    }

    fn checkout(&self, kind: &str) -> Vec<Effect> {
        let Some(found) = object::checkout(self.object) else {
            return Vec::new();
        };
        let failed = kind.ends_with("async_payment_failed");
        let paid = found.paid || kind.ends_with("async_payment_succeeded");
        let checkout = Checkout {
            status: match kind {
                "checkout.session.expired" => CheckoutStatus::Expired,
                _ if failed => CheckoutStatus::Failed,
                _ => CheckoutStatus::Completed,
            },
            paid: paid && !failed,
            url: None,
            ..found
        };
        let mut changes = vec![Change::Checkout(checkout.clone())];
        if text(self.object, "/mode") == Some("payment") && (checkout.paid || failed) {
            changes.extend(self.bought(&checkout, failed).map(Change::Payment));
        }
        if let Some(setup) = checkout.setup.clone().filter(|_| !failed) {
            // The session names the attempt, not the card.
            changes.push(Change::Look(ObjectRef {
                kind: ObjectKind::Setup,
                id: setup,
            }));
        }
        let effect = |change| {
            let mut effect = self.once(change);
            effect.link.checkout = Some(checkout.id.clone());
            effect
        };
        changes.into_iter().map(effect).collect()
    }

    /// The money of a session in payment mode.
    fn bought(&self, checkout: &Checkout, failed: bool) -> Option<Payment> {
        let status = if failed {
            MoneyStatus::Failed
        } else {
            MoneyStatus::Succeeded
        };
        let money = wire::money(
            int(self.object, "/amount_total"),
            text(self.object, "/currency"),
        );
        Some(Payment {
            id: checkout.payment.clone()?,
            also: Vec::new(),
            status,
            money,
            tax: None,
            reason: Reason::OneOff,
            subscription: None,
            plan: None,
            period: None,
            paid_at: (!failed).then_some(self.at),
            method: None,
            failure: failed.then(|| Failure::new(0, Some("async_payment_failed"), "")),
            next_attempt_at: None,
            action_url: None,
        })
    }

    fn subscription(&self) -> Vec<Effect> {
        let effect = |snapshot| Effect {
            link: self.link(),
            order: Order::snapshot(&snapshot, self.at, self.at),
            change: Change::Subscription(snapshot),
        };
        object::snapshot(self.object)
            .map(effect)
            .into_iter()
            .collect()
    }

    fn trial_ending(&self) -> Vec<Effect> {
        let mut effects = self.subscription();
        if let Some(subscription) = owned(self.object, "/id") {
            effects.push(self.once(Change::TrialEnding {
                subscription,
                at: unix(self.object, "/trial_end"),
            }));
        }
        effects
    }

    fn invoice(&self, payment: Option<Payment>) -> Vec<Effect> {
        // An invoice of nothing, as at the start of a trial, moves no money.
        let moved = payment.filter(|payment| payment.money.is_none_or(|money| money.amount > 0));
        let mut effects: Vec<Effect> = moved
            .map(|payment| self.once(Change::Payment(payment)))
            .into_iter()
            .collect();
        for effect in &mut effects {
            effect.link.tags = invoice::tags(self.object);
        }
        effects
    }

    fn invoice_payment(&self) -> Vec<Effect> {
        let also = id(self.object, "/payment/payment_intent")
            .or_else(|| id(self.object, "/payment/charge"));
        id(self.object, "/invoice")
            .zip(also)
            .map(|(payment, also)| self.once(Change::SamePayment { payment, also }))
            .into_iter()
            .collect()
    }

    /// An intent counts only with our tags; any other belongs to an invoice or to somebody else.
    fn intent(&self) -> Vec<Effect> {
        let ours = !Tags::read(self.object.get("metadata")).is_empty();
        object::intent(self.object)
            .filter(|_| ours)
            .map(|payment| self.once(Change::Payment(payment)))
            .into_iter()
            .collect()
    }

    /// Only where refunds have no events of their own: the field counts all refunds together.
    fn charge_refunded(&self) -> Vec<Effect> {
        if self.version >= REFUND_EVENTS_SINCE {
            return Vec::new();
        }
        let total = int(self.object, "/amount_refunded").unwrap_or_default();
        let before = int(self.previous, "/amount_refunded").unwrap_or_default();
        let delta = total.checked_sub(before).filter(|delta| *delta > 0);
        let charge = owned(self.object, "/id");
        delta
            .zip(charge)
            .map(|(delta, charge)| {
                self.once(Change::Refund(Refund {
                    id: Some(format!("{charge}:{total}")),
                    reference: None,
                    payment: id(self.object, "/payment_intent").or(Some(charge)),
                    status: MoneyStatus::Succeeded,
                    money: wire::money(Some(delta), text(self.object, "/currency")),
                    failure: None,
                    needs_attention: false,
                    tags: Tags::default(),
                }))
            })
            .into_iter()
            .collect()
    }

    fn detached(&self) -> Vec<Effect> {
        let Some(token) = owned(self.object, "/id") else {
            return Vec::new();
        };
        let mut effect = self.once(Change::MethodRemoved { token });
        // A detached method has no customer any more.
        effect.link.customer = id(self.previous, "/customer").or(effect.link.customer);
        vec![effect]
    }
}
