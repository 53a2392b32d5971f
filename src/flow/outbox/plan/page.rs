//! Pages where customers pay or save a card, and their end.

use super::{Task, obsolete, price_key, refused, send};
use crate::db;
use crate::db::checkout::Checkout;
use crate::db::provider::offer;
use crate::db::provider::reference::Kind;
use crate::error::Result;
use crate::flow::outbox::Planned;
use owostack_domain::entitlement::facts::Subscription;
use owostack_domain::money::Currency;
use owostack_provider::operation::Operation;
use owostack_provider::tag::{Tag, Tags};
use owostack_provider::wish::{Page, Sale, Wish};
use uuid::Uuid;

/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

pub(super) fn open(task: &Task, checkout_id: Uuid) -> Result<Planned> {
    let organization = &task.context.organization;
    let found = db::checkout::find(&task.snapshot, organization.id, checkout_id)?;
    let Some(checkout) = found.filter(|one| one.status == "open" && one.url.is_none()) else {
        return Ok(obsolete("the checkout is not open any more"));
    };
    let Some(sale) = sale(task, &checkout)? else {
        return Ok(refused("what the checkout sells has no price there"));
    };
    task.judge(&Wish::Page(Page {
        id: checkout.id,
        buyer: task.buyer()?,
        sale,
        return_url: checkout.callback_url.clone(),
        // The clock of a sandbox is not the provider's.
        expires_at: checkout.expires_at.filter(|_| !organization.sandbox),
        tags: tags(task, &checkout),
    }))
}

fn tags(task: &Task, checkout: &Checkout) -> Tags {
    let mut tags = task.tags();
    let ids = [
        (Tag::Plan, checkout.plan_id),
        (Tag::Subscription, checkout.subscription_id),
        (Tag::Pack, checkout.pack.as_ref().map(|pack| pack.pack_id)),
    ];
    for (tag, id) in ids {
        if let Some(id) = id {
            tags = tags.with(tag, id.to_string());
        }
    }
    match &checkout.pack {
        Some(pack) => tags.with(Tag::Quantity, pack.quantity.to_string()),
        None => tags,
    }
}

fn sale(task: &Task, checkout: &Checkout) -> Result<Option<Sale>> {
    let currency = checkout.currency.as_deref();
    if let Some(pack) = &checkout.pack {
        let quantity = u32::try_from(pack.quantity).unwrap_or(1).max(1);
        // The amount was the price times the quantity.
        let unit = checkout.amount / i64::from(quantity);
        return once(task, pack.pack_id, unit, currency, quantity);
    }
    let Some(subscription_id) = checkout.subscription_id else {
        let currency = currency.and_then(|code| Currency::parse(code).ok());
        return Ok(currency.map(|currency| Sale::Card { currency }));
    };
    let Some(row) = task.subscription(subscription_id)? else {
        return Ok(None);
    };
    if row.one_time && checkout.kind == "setup" {
        let currency = currency.and_then(|code| Currency::parse(code).ok());
        return Ok(currency.map(|currency| Sale::Card { currency }));
    }
    if row.one_time {
        return once(task, row.plan_id, checkout.amount, currency, 1);
    }
    let key = price_key(
        row.plan_id,
        row.price,
        row.currency.as_deref(),
        Some(row.cadence),
    );
    Ok(key.map(|key| Sale::Plan {
        key,
        trial_days: trial_days(&row),
    }))
}

fn once(
    task: &Task,
    id: Uuid,
    amount: i64,
    currency: Option<&str>,
    quantity: u32,
) -> Result<Option<Sale>> {
    let words = offer::words(&task.snapshot, id)?;
    let key = price_key(id, amount, currency, None);
    Ok(key.zip(words).map(|(key, words)| Sale::Once {
        key,
        name: words.name,
        quantity,
    }))
}

/// The days of trial that were promised when the checkout was opened.
fn trial_days(row: &Subscription) -> Option<u32> {
    let seconds = (row.trial_ends_at? - row.started_at).num_seconds();
    // A local day may last an hour more or less.
    let days = (seconds + DAY_SECONDS / 2) / DAY_SECONDS;
    u32::try_from(days).ok().filter(|days| *days > 0)
}

pub(super) fn close(task: &Task, checkout_id: Uuid) -> Result<Planned> {
    if !task
        .work
        .provider
        .capabilities()
        .close_checkout
        .is_possible()
    {
        return Ok(obsolete("the provider's pages end by themselves"));
    }
    Ok(match task.external(Kind::Checkout, checkout_id)? {
        Some(checkout) => send(Operation::CloseCheckout { checkout }),
        None => obsolete("the checkout was never opened there"),
    })
}
