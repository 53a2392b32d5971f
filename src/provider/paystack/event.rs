//! Paystack's events.
//!
//! They carry neither an id nor a moment: an id is made from what cannot repeat, and snapshots
//! are ordered by receipt only, so a doubtful one is fetched. A renewal is announced twice, as a
//! charge and as an invoice; both name the same reference.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{object, wire};
use crate::event::{Change, Effect, Event, Order, Reading, Unreadable};
use crate::json::{flag, id, int, iso, list, owned, text};
use crate::link::Link;
use crate::object::{
    Checkout, CheckoutStatus, Customer, MoneyStatus, Payment, Period, Reason, Snapshot,
};
use crate::outcome::Failure;
use crate::signature;
use crate::tag::{Tag, Tags};
use crate::webhook::Delivery;

/// One event with what is read often.
struct Notice<'v> {
    data: &'v Value,
    at: DateTime<Utc>,
    /// Whether `at` is Paystack's and not that of the receipt.
    certain: bool,
}

/// Reads an event.
pub(super) fn read(delivery: &Delivery<'_>) -> Result<Event, Unreadable> {
    let body: Value = serde_json::from_slice(delivery.body)
        .map_err(|_| Unreadable::new("the body is no JSON"))?;
    let kind = owned(&body, "/event").ok_or_else(|| Unreadable::new("the event has no name"))?;
    let data = body
        .get("data")
        .filter(|data| data.is_object() || data.is_array())
        .ok_or_else(|| Unreadable::new("the event has no data"))?;
    let stated = iso(data, "/paid_at").or_else(|| iso(data, "/paidAt"));
    let notice = Notice {
        data,
        at: stated.unwrap_or(delivery.received_at),
        certain: stated.is_some(),
    };
    let effects = notice.effects(&kind, delivery.received_at);
    Ok(Event {
        id: identity(&kind, data, delivery),
        reading: match &effects {
            Some(effects) if effects.is_empty() => Reading::Ignored,
            Some(_) => Reading::Used,
            None => Reading::Unknown,
        },
        kind,
        account: id(data, "/integration"),
        live: text(data, "/domain").map(|domain| domain == "live"),
        at: notice.at,
        effects: effects.unwrap_or_default(),
    })
}

/// An id that every delivery of an event has and no other event.
fn identity(kind: &str, data: &Value, delivery: &Delivery<'_>) -> String {
    let part = |path: &str| id(data, path).unwrap_or_default();
    match kind {
        "charge.success" => format!("{kind}:{}:{}", part("/domain"), part("/id")),
        // Ended and kept in turn gives equal bodies: the day of receipt tells them apart, and a
        // repeat after midnight does no harm.
        _ if kind.starts_with("subscription.") => format!(
            "{kind}:{}:{}:{}:{}:{}",
            part("/subscription_code"),
            part("/status"),
            part("/next_payment_date"),
            delivery.received_at.date_naive(),
            signature::digest(delivery.body),
        ),
        _ if kind.starts_with("invoice.") => format!(
            "{kind}:{}:{}:{}",
            part("/invoice_code"),
            part("/status"),
            part("/paid_at"),
        ),
        _ if kind.starts_with("refund.") => {
            let refund = id(data, "/refund_reference").or_else(|| id(data, "/id"));
            format!(
                "{kind}:{}:{}:{}",
                part("/transaction_reference"),
                refund.unwrap_or_default(),
                part("/amount"),
            )
        }
        _ => format!(
            "{kind}:{}:{}",
            part("/id"),
            signature::digest(delivery.body)
        ),
    }
}

impl Notice<'_> {
    /// What follows; `None` for a kind that is not known.
    fn effects(&self, kind: &str, received_at: DateTime<Utc>) -> Option<Vec<Effect>> {
        Some(match kind {
            "charge.success" => self.charge(),
            "subscription.create" | "subscription.not_renew" | "subscription.disable" => {
                let mut effects = self.snapshot(object::snapshot(self.data), received_at);
                if kind == "subscription.create" {
                    effects.extend(self.saved());
                }
                effects
            }
            "subscription.expiring_cards" => self.expiring(),
            "invoice.update" => self.invoice(received_at),
            "invoice.payment_failed" => self.invoice_failed(received_at),
            _ if kind.starts_with("refund.") => {
                vec![self.once(Change::Refund(object::refund(self.data)))]
            }
            "customeridentification.success" => self.identified(),
            "charge.dispute.create" => vec![self.once(Change::Dispute {
                payment: owned(self.data, "/transaction/reference"),
            })],
            // A renewal that is about to come, and what is not ours.
            "invoice.create"
            | "charge.dispute.remind"
            | "charge.dispute.resolve"
            | "customeridentification.failed" => Vec::new(),
            _ if [
                "dedicatedaccount.",
                "direct_debit.",
                "paymentrequest.",
                "transfer.",
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
        let email = text(data, "/customer/email").or_else(|| text(data, "/email"));
        Link {
            customer: owned(data, "/customer/customer_code")
                .or_else(|| owned(data, "/customer_code")),
            external_id: None,
            checkout: None,
            reference: owned(data, "/reference")
                .or_else(|| owned(data, "/transaction_reference"))
                .or_else(|| owned(data, "/transaction/reference")),
            subscription: owned(data, "/subscription_code")
                .or_else(|| owned(data, "/subscription/subscription_code")),
            email: email.map(str::to_lowercase),
            tags: Tags::read(data.get("metadata")),
        }
    }

    fn once(&self, change: Change) -> Effect {
        Effect {
            link: self.link(),
            order: if self.certain {
                Order::of(&change, self.at)
            } else {
                Order::of(&change, self.at).uncertain()
            },
            change,
        }
    }

    fn saved(&self) -> Option<Effect> {
        let method = self.data.get("authorization").and_then(object::method)?;
        method
            .reusable
            .then(|| self.once(Change::MethodSaved(method)))
    }

    /// Money that came: the first of a checkout, a renewal, or a charge of our own.
    fn charge(&self) -> Vec<Effect> {
        let Some(payment) = object::payment(self.data) else {
            return Vec::new();
        };
        let tags = Tags::read(self.data.get("metadata"));
        let mut effects = Vec::new();
        if tags.get(Tag::Checkout).is_some() {
            let mut effect = self.once(Change::Checkout(Checkout {
                id: payment.id.clone(),
                status: CheckoutStatus::Completed,
                url: None,
                expires_at: None,
                paid: true,
                subscription: None,
                payment: Some(payment.id.clone()),
                setup: None,
            }));
            effect.link.checkout = Some(payment.id.clone());
            effects.push(effect);
        }
        effects.push(self.once(Change::Payment(payment)));
        effects.extend(self.saved());
        effects
    }

    fn snapshot(&self, snapshot: Option<Snapshot>, received_at: DateTime<Utc>) -> Vec<Effect> {
        let effect = |snapshot| Effect {
            link: self.link(),
            order: Order::snapshot(&snapshot, received_at, received_at).uncertain(),
            change: Change::Subscription(snapshot),
        };
        snapshot.map(effect).into_iter().collect()
    }

    /// The subscription inside an invoice, which lacks its plan.
    fn invoiced(&self) -> Option<Snapshot> {
        let inner = self.data.get("subscription")?;
        Some(Snapshot {
            customer: owned(self.data, "/customer/customer_code"),
            method: owned(self.data, "/authorization/authorization_code"),
            period: self.period().filter(|_| flag(self.data, "/paid")),
            ..object::snapshot(inner)?
        })
    }

    /// The time that an invoice pays. Its own end is a second short of the next payment.
    fn period(&self) -> Option<Period> {
        let start = iso(self.data, "/period_start")?;
        let stated = iso(self.data, "/period_end")?;
        let next = iso(self.data, "/subscription/next_payment_date");
        let end = next.filter(|next| *next > stated).unwrap_or(stated);
        (start < end).then_some(Period { start, end })
    }

    fn billed(&self, id: String, status: MoneyStatus) -> Option<Payment> {
        // Invoices name no currency; their transaction or plan may.
        let currency = text(self.data, "/transaction/currency")
            .or_else(|| text(self.data, "/currency"))
            .or_else(|| text(self.data, "/plan/currency"))
            .or_else(|| text(self.data, "/subscription/plan/currency"));
        Some(Payment {
            id,
            also: owned(self.data, "/invoice_code").into_iter().collect(),
            status,
            money: wire::money(int(self.data, "/amount"), currency),
            tax: None,
            reason: Reason::Renewal,
            subscription: owned(self.data, "/subscription/subscription_code"),
            plan: None,
            period: self.period(),
            paid_at: iso(self.data, "/paid_at").filter(|_| status == MoneyStatus::Succeeded),
            method: self.data.get("authorization").and_then(object::method),
            failure: (status == MoneyStatus::Failed)
                .then(|| Failure::new(0, Some("payment_failed"), "")),
            next_attempt_at: None,
            action_url: None,
        })
    }

    fn invoice(&self, received_at: DateTime<Utc>) -> Vec<Effect> {
        if !flag(self.data, "/paid") {
            return Vec::new();
        }
        let mut effects = self.snapshot(self.invoiced(), received_at);
        let payment = owned(self.data, "/transaction/reference")
            .and_then(|reference| self.billed(reference, MoneyStatus::Succeeded));
        effects.extend(payment.map(|payment| self.once(Change::Payment(payment))));
        effects
    }

    fn invoice_failed(&self, received_at: DateTime<Utc>) -> Vec<Effect> {
        let mut effects = self.snapshot(self.invoiced(), received_at);
        let id = owned(self.data, "/transaction/reference")
            .or_else(|| owned(self.data, "/invoice_code"));
        let payment = id.and_then(|id| self.billed(id, MoneyStatus::Failed));
        effects.extend(payment.map(|payment| self.once(Change::Payment(payment))));
        effects
    }

    fn identified(&self) -> Vec<Effect> {
        owned(self.data, "/customer_code")
            .map(|id| {
                self.once(Change::Customer(Customer {
                    id,
                    email: text(self.data, "/email").map(str::to_lowercase),
                    ..Customer::default()
                }))
            })
            .into_iter()
            .collect()
    }

    /// One notice for each card in the list.
    fn expiring(&self) -> Vec<Effect> {
        let effect = |item: &Value| {
            let inner = Notice {
                data: item,
                at: self.at,
                certain: self.certain,
            };
            let last4 = text(item, "/description")
                .and_then(|text| text.split_whitespace().last())
                .map(str::to_owned);
            inner.once(Change::MethodExpiring {
                subscription: owned(item, "/subscription/subscription_code"),
                last4,
            })
        };
        list(self.data, "").iter().map(effect).collect()
    }
}
