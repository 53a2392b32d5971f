//! What follows from money that came or did not: for subscriptions, purchases and saved cards.
//!
//! Invariants: a subscription hears of its payments as of its snapshots; a purchase is given once,
//! with its money; money that was taken only to save a card goes back, once.

use super::Case;
use super::checkout;
use super::payment::Belongings;
use super::subscription;
use crate::backend::clock;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::refund::Refund;
use crate::error::Result;
use crate::flow::life::Origin;
use crate::flow::outbox::enqueue::{Whose, enqueue};
use crate::flow::outbox::job::Job;
use owostack_domain::ids;
use owostack_domain::subscription::heard::Word;
use owostack_provider::object::{Checkout, CheckoutStatus, MoneyStatus, Payment, Reason};
use owostack_provider::tag::{PURPOSE_CARD_SETUP, PURPOSE_TRIAL, Tag};
use uuid::Uuid;

/// What a payment says of its subscription.
pub(super) fn recover(case: &Case, told: &Payment) -> Result<()> {
    let word = match (told.status, told.reason) {
        (_, Reason::OneOff | Reason::OffSession) | (MoneyStatus::Pending, _) => return Ok(()),
        (MoneyStatus::Succeeded, _) => Word::Paid,
        // Whether a change of plan that was not paid leaves a debt only its snapshot says.
        (MoneyStatus::Failed, Reason::Update) => return Ok(()),
        (MoneyStatus::Failed, _) => Word::Failed,
    };
    match &told.subscription {
        Some(external_id) => {
            let mut life = case.life()?;
            life.origin = Origin::Provider;
            subscription::hear(case, life, external_id, word).map(|_| ())
        }
        None => Ok(()),
    }
}

/// Gives what was bought with the money, once.
pub(super) fn deliver(case: &Case, told: &Payment, checkout_id: Uuid) -> Result<()> {
    let view = Snapshot::latest()?;
    let found = db::checkout::find(&view, case.context.organization.id, checkout_id)?;
    let Some(row) = found.filter(|row| row.status != "completed") else {
        return Ok(());
    };
    let mut life = case.life()?;
    life.origin = Origin::Provider;
    if row.kind == "subscription" && !row.has_page && row.status == "open" {
        return checkout::paid_for(life, &row);
    }
    if row.kind != "pack" {
        return Ok(());
    }
    let bought = Checkout {
        id: told.id.clone(),
        status: CheckoutStatus::Completed,
        url: None,
        expires_at: None,
        paid: true,
        subscription: None,
        payment: Some(told.id.clone()),
        setup: None,
    };
    checkout::pay_pack(case, life, &row, &bought)
}

/// Money that was taken only to save a card goes back, once.
pub(super) fn return_capture(case: &Case, belongings: &Belongings) -> Result<()> {
    let purpose = case.link.tags.get(Tag::Purpose);
    if !purpose.is_some_and(|purpose| [PURPOSE_CARD_SETUP, PURPOSE_TRIAL].contains(&purpose)) {
        return Ok(());
    }
    let view = Snapshot::latest()?;
    let organization_id = case.context.organization.id;
    let id = ids::derived(belongings.id, "capture");
    let payment = db::payment::find(&view, organization_id, belongings.id)?;
    let paid = payment.and_then(|row| row.amount.zip(row.currency));
    let Some((amount, currency)) = paid.filter(|(amount, _)| *amount > 0) else {
        return Ok(());
    };
    let gone = db::refund::sum_of(&view, belongings.id)?;
    if gone > 0 || db::refund::find(&view, organization_id, id)?.is_some() {
        return Ok(());
    }
    let refund = Refund {
        customer_id: case.customer.id,
        id,
        organization_id,
        payment_id: belongings.id,
        status: "pending".to_owned(),
        amount,
        currency,
        reason: Some("taken to save the card".to_owned()),
    };
    db::refund::insert(&refund, case.context.now)?;
    let whose = Whose {
        organization_id,
        account_id: case.source.account_id,
        customer_id: Some(case.customer.id),
    };
    enqueue(&whose, &Job::Refund { refund_id: id }, clock::wall_time()).map(|_| ())
}
