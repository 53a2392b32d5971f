//! Dodo's hosted checkout.
//!
//! A second session does no harm: only one address is handed out, and an unused session comes to
//! nothing. So a lost answer is answered by opening another.

use serde_json::{Value, json};

use super::wire;
use crate::call::Call;
use crate::json::{owned, text};
use crate::object::{Checkout, CheckoutStatus, Object};
use crate::operation::{CheckoutDraft, Person, Purchase};
use crate::outcome::{Outcome, Refusal};
use crate::reply::{Problem, Reply, done};
use crate::request::Request;

/// The customer by id, or by what we know; never both.
fn customer(buyer: &Person) -> Value {
    match (&buyer.reference, &buyer.email) {
        (Some(reference), _) => json!({"customer_id": reference}),
        (None, Some(email)) => json!({
            "email": email, "name": buyer.name, "phone_number": buyer.phone,
        }),
        (None, None) => Value::Null,
    }
}

/// The request that opens a session.
pub(super) fn request(call: &Call<'_>, draft: &CheckoutDraft) -> Result<Request, Refusal> {
    let needed = |product: &Option<String>| {
        product
            .clone()
            .ok_or_else(|| Refusal::incomplete("a product"))
    };
    let (product, quantity, currency, subscription) = match &draft.purchase {
        Purchase::Subscription {
            plan,
            money,
            quantity,
            trial_days,
        } => {
            // Without it the trial of the product itself would count.
            let trial = json!({"trial_period_days": trial_days.unwrap_or(0)});
            (plan.product.clone(), *quantity, money.currency, trial)
        }
        Purchase::OneTime {
            product,
            money,
            quantity,
            ..
        } => (needed(product)?, *quantity, money.currency, Value::Null),
        Purchase::CardSetup { product, currency } => (
            needed(product)?,
            1,
            *currency,
            json!({"on_demand": {"mandate_only": true}}),
        ),
    };
    let body = json!({
        "product_cart": [{"product_id": product, "quantity": quantity}],
        "customer": customer(&draft.buyer),
        "return_url": draft.success_url,
        "cancel_url": draft.cancel_url,
        "billing_currency": currency.as_str(),
        "subscription_data": subscription,
        "metadata": draft.marks().metadata(),
    });
    Ok(wire::post(call, "/checkouts", &body))
}

/// The session of the answer.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    match reply {
        Ok(value) => match opened(&value).filter(|_| text(&value, "/checkout_url").is_some()) {
            Some(checkout) => done(Object::Checkout(checkout)),
            None => Problem::incomplete().repeat(call),
        },
        Err(problem) => problem.repeat(call),
    }
}

/// A session that has just been opened.
pub(super) fn opened(value: &Value) -> Option<Checkout> {
    Some(Checkout {
        id: owned(value, "/session_id")?,
        status: CheckoutStatus::Open,
        url: owned(value, "/checkout_url"),
        expires_at: None,
        paid: false,
        subscription: None,
        payment: owned(value, "/payment_id"),
        setup: None,
    })
}
