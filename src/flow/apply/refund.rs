//! Money that a provider says went back, failed to, or is on its way.
//!
//! Invariants: a refund belongs to a payment we know, under any of its ids; one refund has one row,
//! also where its notices name no id of its own, and two that give back as much are two; what a
//! payment says of refunds is their sum; the credits of a pack follow it.

use super::{Applied, Case, waits};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::event::Event;
use crate::db::provider::evidence;
use crate::db::provider::reference::Kind;
use crate::db::refund::{Refund as Row, Told};
use crate::error::Result;
use crate::flow::reversal;
use owostack_domain::ids;
use owostack_provider::object::{MoneyStatus, Refund};
use owostack_provider::tag::Tag;
use serde_json::json;
use uuid::Uuid;

/// Applies a refund.
///
/// # Errors
/// As the statements.
pub fn apply(case: &Case, told: &Refund) -> Result<Applied> {
    let Some(payment_id) = payment_of(case, told)? else {
        return Ok(Applied::Park {
            reason: "the payment that is refunded is not known yet".to_owned(),
            waits_for: told.payment.as_ref().map(|id| waits(Kind::Payment, id)),
        });
    };
    let view = Snapshot::latest()?;
    let (customer_id, now) = (case.customer.id, case.context.now);
    let all = db::refund::of_payment(&view, customer_id, payment_id)?;
    let id = identify(case, told, payment_id, &all)?;
    let before = all.iter().find(|row| row.id == id);
    let money = told.money.map(|money| (money.amount, money.currency));
    let money = money.map(|(amount, currency)| (amount, currency.as_str().to_owned()));
    let known = before.map(|row| (row.amount, row.currency.clone()));
    let Some((amount, currency)) = money.or(known).filter(|(amount, _)| *amount > 0) else {
        return Ok(Applied::Skipped("a refund without an amount".to_owned()));
    };
    let was = before.map(|row| row.status.clone());
    let status = latest(was.as_deref(), told.status);
    let notice = json!({"notice": true});
    for (external_id, detail) in [(&told.id, json!({})), (&told.reference, notice)] {
        if let Some(external_id) = external_id
            && case.reference(Kind::Refund, external_id)?.is_none()
        {
            case.link(Kind::Refund, external_id, id, &detail)?;
        }
    }
    let row = Row {
        customer_id,
        id,
        organization_id: case.context.organization.id,
        payment_id,
        status: status.to_owned(),
        amount,
        currency,
        reason: before.and_then(|row| row.reason.clone()),
    };
    let external_id = told.id.as_deref().or(told.reference.as_deref());
    let failure = told.failure.as_ref().map(|one| one.message.as_str());
    let stored = Told {
        row: row.clone(),
        external_id,
        failure_message: failure,
    };
    db::refund::store(&stored, case.order.at, now)?;
    db::refund::recount(customer_id, payment_id, now)?;
    reversal::follow(case.context, payment_id, Some(id))?;
    if status == "succeeded" {
        tell(case, &row)?;
    }
    let attention = if told.needs_attention {
        ", and waits for a person at the provider"
    } else {
        ""
    };
    Ok(Applied::Done(format!("refund {id} {status}{attention}")))
}

fn payment_of(case: &Case, told: &Refund) -> Result<Option<Uuid>> {
    if let Some(external_id) = &told.payment {
        let found = case.reference(Kind::Payment, external_id)?;
        if let Some(found) = found.filter(|one| one.customer_id == Some(case.customer.id)) {
            return Ok(Some(found.local_id));
        }
    }
    let view = Snapshot::latest()?;
    for external_id in [&told.id, &told.reference].into_iter().flatten() {
        if let Some(found) = case.reference(Kind::Refund, external_id)? {
            let organization_id = case.context.organization.id;
            let row = db::refund::find(&view, organization_id, found.local_id)?;
            return Ok(row.map(|row| row.payment_id));
        }
    }
    Ok(None)
}

/// The row of a refund: by its ids, by our own mark, else by what it gives back.
fn identify(case: &Case, told: &Refund, payment_id: Uuid, all: &[Row]) -> Result<Uuid> {
    for external_id in [&told.id, &told.reference].into_iter().flatten() {
        if let Some(found) = case.reference(Kind::Refund, external_id)? {
            return Ok(found.local_id);
        }
    }
    let view = Snapshot::latest()?;
    let tags = [&told.tags, &case.link.tags];
    let marked = |tag| {
        tags.iter()
            .find_map(|tags| tags.get(tag))
            .and_then(ids::canonical)
    };
    let operation = match marked(Tag::Operation) {
        Some(id) => evidence::operation(&view, case.source.account_id, id)?,
        None => None,
    };
    let named = [
        case.subject,
        marked(Tag::Refund),
        operation.map(|job| job.subject_id),
    ];
    let ours = |id: &Uuid| all.iter().any(|row| row.id == *id);
    if let Some(id) = named.into_iter().flatten().find(ours) {
        return Ok(id);
    }
    let account_id = case.source.account_id;
    let derived = |name: String| ids::derived(account_id, &format!("refund:{name}"));
    if let Some(id) = &told.id {
        return Ok(derived(id.clone()));
    }
    let amount = told.money.map(|money| money.amount);
    let noticed = match &told.reference {
        Some(_) => evidence::noticed_refunds(&view, account_id, case.customer.id, payment_id)?,
        None => Vec::new(),
    };
    let same = all
        .iter()
        .filter(|row| Some(row.amount) == amount && !noticed.contains(&row.id));
    let fitting = same.filter_map(|row| Some((fit(&row.status, told.status)?, row.id)));
    // Of two that fit as well it is the older one.
    if let Some((_, id)) = fitting.min_by_key(|(fit, _)| *fit) {
        return Ok(id);
    }
    let first = derived(format!("{payment_id}:{}", amount.unwrap_or_default()));
    let is_taken = all.iter().any(|row| row.id == first);
    let own = told.reference.clone().filter(|_| is_taken);
    Ok(own.map_or(first, derived))
}

/// How well a notice without an id of its own fits a refund that gives back as much, best first: it
/// is on its way, it ended like that, it came back, it is the one that a late word is of.
fn fit(status: &str, said: MoneyStatus) -> Option<u8> {
    match (status, said) {
        ("pending", _) => Some(0),
        ("succeeded", MoneyStatus::Succeeded) | ("failed", MoneyStatus::Failed) => Some(1),
        ("succeeded", MoneyStatus::Failed) => Some(2),
        (_, MoneyStatus::Pending) => Some(3),
        _ => None,
    }
}

/// Money that went back and came back again has not gone.
fn latest(was: Option<&str>, said: MoneyStatus) -> &'static str {
    match (was, said) {
        (Some("failed"), _) | (_, MoneyStatus::Failed) => "failed",
        (Some("succeeded"), _) | (_, MoneyStatus::Succeeded) => "succeeded",
        _ => "pending",
    }
}

fn tell(case: &Case, row: &Row) -> Result<()> {
    let organization = &case.context.organization;
    let event = Event {
        kind: "payment.refunded",
        organization_id: organization.id,
        organization: &organization.slug,
        customer_id: case.customer.id,
        at: case.context.now,
        data: json!({
            "payment_id": row.payment_id,
            "refund_id": row.id,
            "amount": row.amount,
            "currency": row.currency,
        }),
    };
    db::event::append_once(&event, &format!("payment_refunded:{}", row.id))
}
