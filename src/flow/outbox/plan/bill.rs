//! Charges of saved methods, and money that goes back.

use super::{Task, obsolete, refused, send};
use crate::db;
use crate::db::payment::Payment;
use crate::db::provider::offer;
use crate::error::Result;
use crate::flow::outbox::Planned;
use owostack_domain::money::Currency;
use owostack_provider::money::Money;
use owostack_provider::operation::{Operation, RefundDraft};
use owostack_provider::tag::{Tag, Tags};
use owostack_provider::wish::{Bill, Wish};
use uuid::Uuid;

fn money(amount: Option<i64>, currency: Option<&str>) -> Option<Money> {
    let currency = Currency::parse(currency?).ok()?;
    Some(Money {
        amount: amount?,
        currency,
    })
}

pub(super) fn charge(task: &Task, payment_id: Uuid) -> Result<Planned> {
    let organization_id = task.context.organization.id;
    let found = db::payment::find(&task.snapshot, organization_id, payment_id)?;
    let Some(payment) = found.filter(|one| one.status == "pending") else {
        return Ok(obsolete("the payment is not awaited any more"));
    };
    if let Some(checkout_id) = payment.checkout_id {
        let checkout = db::checkout::find(&task.snapshot, organization_id, checkout_id)?;
        if checkout.is_none_or(|one| one.status != "open") {
            return Ok(obsolete("nobody waits for the money any more"));
        }
    }
    let Some(money) = money(payment.amount, payment.currency.as_deref()) else {
        return Ok(refused("the payment has no amount"));
    };
    task.judge(&Wish::Bill(Bill {
        buyer: task.buyer()?,
        method: task.method(&payment)?,
        money,
        description: description(task, &payment)?,
        tags: tags(task, &payment),
    }))
}

/// What the customer reads: the name of what is bought.
fn description(task: &Task, payment: &Payment) -> Result<Option<String>> {
    let organization_id = task.context.organization.id;
    let Some(checkout_id) = payment.checkout_id else {
        return Ok(None);
    };
    let checkout = db::checkout::find(&task.snapshot, organization_id, checkout_id)?;
    let sold = checkout.and_then(|one| one.pack.map(|pack| pack.pack_id).or(one.plan_id));
    let Some(id) = sold else { return Ok(None) };
    Ok(offer::words(&task.snapshot, id)?.map(|words| words.name))
}

fn tags(task: &Task, payment: &Payment) -> Tags {
    let tags = task
        .tags()
        .with(Tag::Customer, payment.customer_id.to_string());
    let ids = [
        (Tag::Checkout, payment.checkout_id),
        (Tag::Subscription, payment.subscription_id),
    ];
    ids.into_iter().fold(tags, |tags, (tag, id)| match id {
        Some(id) => tags.with(tag, id.to_string()),
        None => tags,
    })
}

pub(super) fn refund(task: &Task, refund_id: Uuid) -> Result<Planned> {
    let organization_id = task.context.organization.id;
    let found = db::refund::find(&task.snapshot, organization_id, refund_id)?;
    let Some(refund) = found.filter(|one| one.status == "pending") else {
        return Ok(obsolete("the refund is not awaited any more"));
    };
    let payment = db::payment::find(&task.snapshot, organization_id, refund.payment_id)?;
    let Some(payment) = payment else {
        return Ok(refused("the payment of the refund is gone"));
    };
    let Some(external_id) = payment.external_id else {
        return Ok(refused("the payment has no id at the provider"));
    };
    // Providers that know parts by line items alone give a whole payment back without them.
    let is_whole = payment.amount == Some(refund.amount);
    let part = money(Some(refund.amount), Some(&refund.currency)).filter(|_| !is_whole);
    Ok(send(Operation::Refund(RefundDraft {
        payment: external_id,
        money: part,
        reason: refund.reason,
        tags: task
            .tags()
            .with(Tag::Customer, refund.customer_id.to_string())
            .with(Tag::Refund, refund.id.to_string()),
    })))
}

impl Task<'_> {
    /// What a payment is charged by: its own method while it is there, else the customer's.
    fn method(&self, payment: &Payment) -> Result<Option<String>> {
        let all = db::method::list(&self.snapshot, payment.customer_id)?;
        let own = all
            .into_iter()
            .find(|one| Some(one.id) == payment.payment_method_id);
        match own.and_then(|one| one.external_id) {
            Some(token) => Ok(Some(token)),
            None => self.saved_method(payment.customer_id),
        }
    }

    /// The method of a customer that the account charges.
    pub(super) fn saved_method(&self, customer_id: Uuid) -> Result<Option<String>> {
        let account_id = self.work.whose.account_id;
        let found = db::method::chargeable(&self.snapshot, customer_id, account_id)?;
        Ok(found.and_then(|one| one.external_id))
    }
}
