//! Paystack's hosted page: a transaction that the customer completes.
//!
//! There is no page without money: a card is saved by a small charge, which the webhook's purpose
//! tag tells the caller to refund. A trial is such a page too; the subscription is started at the
//! trial's end. The reference is our checkout's id, so the webhook leads back to it.

use serde_json::json;

use super::wire;
use crate::call::Call;
use crate::json::{owned, text};
use crate::link;
use crate::money::Money;
use crate::object::{Checkout, CheckoutStatus, Object};
use crate::operation::{CheckoutDraft, Purchase};
use crate::outcome::{Outcome, Refusal};
use crate::reply::{Fault, Problem, Reply, done};
use crate::request::Request;
use crate::tag::{PURPOSE_CARD_SETUP, PURPOSE_TRIAL, Tag};

/// Most references that are tried for one checkout.
const REFERENCES_MAX: u32 = 5;

/// What a page is to do.
struct Page<'a> {
    amount: i64,
    currency: &'static str,
    plan: Option<&'a str>,
    purpose: Option<&'static str>,
    saves_card: bool,
}

fn page(draft: &CheckoutDraft) -> Result<Page<'_>, Refusal> {
    let capture = |currency: owostack_domain::money::Currency, purpose| {
        Ok(Page {
            amount: wire::capture(currency)?,
            currency: currency.as_str(),
            plan: None,
            purpose: Some(purpose),
            saves_card: true,
        })
    };
    match &draft.purchase {
        Purchase::Subscription { quantity, .. } if *quantity != 1 => Err(Refusal::unsupported(
            "a subscription at Paystack has a quantity of one",
        )),
        Purchase::Subscription {
            money,
            trial_days: Some(_),
            ..
        } => capture(money.currency, PURPOSE_TRIAL),
        Purchase::Subscription { plan, money, .. } => Ok(Page {
            amount: wire::amount(*money)?,
            currency: money.currency.as_str(),
            plan: Some(&plan.product),
            purpose: None,
            saves_card: true,
        }),
        Purchase::OneTime {
            money,
            quantity,
            save_method,
            ..
        } => {
            let amount = money
                .amount
                .checked_mul(i64::from(*quantity))
                .ok_or_else(|| Refusal::invalid("the amount is out of range"))?;
            Ok(Page {
                amount: wire::amount(Money { amount, ..*money })?,
                currency: money.currency.as_str(),
                plan: None,
                purpose: None,
                saves_card: *save_method,
            })
        }
        Purchase::CardSetup { currency, .. } => capture(*currency, PURPOSE_CARD_SETUP),
    }
}

/// The request that opens a page.
pub(super) fn request(call: &Call<'_>, draft: &CheckoutDraft) -> Result<Request, Refusal> {
    let email = draft
        .buyer
        .email
        .as_deref()
        .ok_or_else(|| Refusal::incomplete("an e-mail address"))?;
    let page = page(draft)?;
    let tags = match page.purpose {
        Some(purpose) => draft.marks().with(Tag::Purpose, purpose),
        None => draft.marks(),
    };
    let mut metadata = tags.metadata();
    if let Some(fields) = metadata.as_object_mut() {
        if page.saves_card {
            fields.insert("custom_filters".to_owned(), json!({"recurring": true}));
        }
        if let Some(url) = &draft.cancel_url {
            fields.insert("cancel_action".to_owned(), json!(url));
        }
    }
    let body = json!({
        "email": email,
        "amount": page.amount,
        "currency": page.currency,
        "plan": page.plan,
        "reference": link::reference(draft.id, call.progress.group),
        "callback_url": draft.success_url,
        "channels": page.purpose.map(|_| ["card"]),
        "metadata": metadata,
    });
    Ok(wire::post(call, "/transaction/initialize", body))
}

/// The page of the answer. A page whose address was lost is left alone and another one opened.
pub(super) fn read(call: &Call<'_>, reply: Reply) -> Outcome {
    let value = match reply {
        Ok(value) => value,
        Err(problem) if problem.fault == Fault::Exists && call.progress.group < REFERENCES_MAX => {
            return Outcome::Next(call.progress.clone().again());
        }
        Err(problem) => return problem.renew(call),
    };
    let (Some(id), Some(_)) = (
        owned(&value, "/data/reference"),
        text(&value, "/data/authorization_url"),
    ) else {
        return Problem::incomplete().renew(call);
    };
    done(Object::Checkout(Checkout {
        id,
        status: CheckoutStatus::Open,
        url: owned(&value, "/data/authorization_url"),
        expires_at: None,
        paid: false,
        subscription: None,
        payment: None,
        setup: None,
    }))
}
