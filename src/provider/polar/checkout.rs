//! Polar's hosted checkout, and its portal where a card is saved without buying.
//!
//! A second checkout does no harm: only one address is handed out, and an unused one ends within
//! the hour. So a lost answer is answered by opening another.

use serde_json::{Value, json};

use super::{customer, object, wire};
use crate::call::Call;
use crate::json::{iso, owned};
use crate::money::Money;
use crate::object::{Checkout, CheckoutStatus, Object};
use crate::operation::{CheckoutDraft, Purchase};
use crate::outcome::{Outcome, Refusal};
use crate::reply::{Problem, Reply, done};
use crate::request::Request;
use crate::tag::{Tag, Tags};

/// The customer by Polar's id, or by ours.
fn buyer(draft: &CheckoutDraft) -> Value {
    match &draft.buyer.reference {
        Some(reference) => json!({"customer_id": reference}),
        None => json!({"external_customer_id": draft.buyer.id.to_string()}),
    }
}

/// The request that opens a page.
pub(super) fn request(call: &Call<'_>, draft: &CheckoutDraft) -> Result<Request, Refusal> {
    let purchase = match &draft.purchase {
        Purchase::CardSetup { .. } => {
            let url = draft.success_url.as_deref();
            return Ok(customer::session(call, &buyer(draft), url));
        }
        Purchase::Subscription { quantity, .. } if *quantity != 1 => {
            return Err(Refusal::unsupported(
                "a subscription at Polar has a quantity of one",
            ));
        }
        Purchase::Subscription {
            plan,
            money,
            trial_days,
            ..
        } => json!({
            "products": [plan.product],
            "currency": wire::currency(money.currency),
            "allow_trial": trial_days.is_some(),
            "trial_interval": trial_days.map(|_| "day"),
            "trial_interval_count": trial_days,
        }),
        Purchase::OneTime {
            product,
            money,
            quantity,
            ..
        } => one_time(product.as_deref(), *money, *quantity)?,
    };
    let tags = Tags::default().with(Tag::Customer, draft.buyer.id.to_string());
    let unknown = draft.buyer.reference.is_none();
    let mut body = json!({
        "customer_email": draft.buyer.email.as_ref().filter(|_| unknown),
        "customer_name": draft.buyer.name.as_ref().filter(|_| unknown),
        "success_url": draft.success_url,
        "return_url": draft.cancel_url,
        "metadata": draft.marks().metadata(),
        "customer_metadata": tags.metadata(),
    });
    if let Some(body) = body.as_object_mut() {
        for part in [buyer(draft), purchase] {
            body.extend(part.as_object().cloned().unwrap_or_default());
        }
    }
    Ok(wire::post(call, "/v1/checkouts/", &body))
}

/// Carts know no quantity: the product is given the whole amount as its price, this once.
fn one_time(product: Option<&str>, money: Money, quantity: u32) -> Result<Value, Refusal> {
    let product = product.ok_or_else(|| Refusal::incomplete("a product"))?;
    let amount = money
        .amount
        .checked_mul(i64::from(quantity))
        .ok_or_else(|| Refusal::invalid("the amount is out of range"))?;
    let currency = wire::currency(money.currency);
    let price = json!({
        "amount_type": "fixed",
        "price_amount": wire::amount(Money { amount, ..money })?,
        "price_currency": currency,
    });
    Ok(json!({"products": [product], "currency": currency, "prices": {product: [price]}}))
}

/// The page of the answer.
pub(super) fn read(call: &Call<'_>, draft: &CheckoutDraft, reply: Reply) -> Outcome {
    let portal = matches!(draft.purchase, Purchase::CardSetup { .. });
    match reply {
        Ok(value) => {
            let checkout = if portal {
                opened_portal(&value)
            } else {
                object::checkout(&value)
            };
            match checkout.filter(|checkout| checkout.url.is_some()) {
                Some(checkout) => done(Object::Checkout(checkout)),
                None => Problem::incomplete().repeat(call),
            }
        }
        Err(problem) => problem.repeat(call),
    }
}

/// A session of the portal as a page to save a card.
fn opened_portal(value: &Value) -> Option<Checkout> {
    Some(Checkout {
        id: owned(value, "/id")?,
        status: CheckoutStatus::Open,
        url: owned(value, "/customer_portal_url"),
        expires_at: iso(value, "/expires_at"),
        paid: false,
        subscription: None,
        payment: None,
        setup: None,
    })
}
