//! What is made once at the provider: customers, prices, products.

use super::{Task, buyer, obsolete, refused, send};
use crate::db::provider::offer;
use crate::db::provider::reference::{self, Kind};
use crate::error::Result;
use crate::flow::outbox::Planned;
use owostack_domain::money::Currency;
use owostack_provider::operation::Operation;
use owostack_provider::wish::{self, PriceKey, Purpose};
use uuid::Uuid;

pub(super) fn customer(task: &Task, customer_id: Uuid) -> Result<Planned> {
    if task.external(Kind::Customer, customer_id)?.is_some() {
        return Ok(obsolete("the customer is linked"));
    }
    let customer = task.customer(customer_id)?;
    if customer.deleted_at.is_some() {
        return Ok(obsolete("the customer was deleted"));
    }
    let wanted = buyer(customer).ensure(task.work.provider, task.tags());
    Ok(wanted.map_or_else(|reason| refused(&reason), send))
}

pub(super) fn price(task: &Task, key: &str) -> Result<Planned> {
    let Some(wanted) = PriceKey::parse(key) else {
        return Ok(refused("the key of the price cannot be read"));
    };
    let account_id = task.work.whose.account_id;
    let linked = reference::of(&task.snapshot, account_id, Kind::Plan, wanted.plan_id, key)?;
    if linked.is_some() {
        return Ok(obsolete("the price is linked"));
    }
    let Some(words) = offer::words(&task.snapshot, wanted.plan_id)? else {
        return Ok(obsolete("what is sold is gone"));
    };
    let description = words.description.as_deref();
    let draft = wish::offer(wanted, &words.name, description, task.tags());
    Ok(match task.work.provider.check_plan(&draft) {
        Ok(()) => send(Operation::EnsurePlan(draft)),
        Err(refusal) => refused(&refusal.message),
    })
}

pub(super) fn product(task: &Task, purpose: &str, currency: &str) -> Result<Planned> {
    let (Some(purpose), Ok(currency)) = (Purpose::parse(purpose), Currency::parse(currency)) else {
        return Ok(refused("the purpose of the product cannot be read"));
    };
    let job = &task.work.job;
    let id = job.subject(task.work.whose.account_id);
    let account_id = task.work.whose.account_id;
    let linked = reference::of(
        &task.snapshot,
        account_id,
        Kind::Product,
        id,
        &job.link_key(),
    )?;
    if linked.is_some() {
        return Ok(obsolete("the product is linked"));
    }
    Ok(send(wish::product(id, purpose, currency, task.tags())))
}
