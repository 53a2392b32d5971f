//! Checkouts that a provider reports: completed, failed or expired.
//!
//! Invariants: one checkout has one effect, however often it is reported; money that came for a page
//! that had closed here is not lost: credits are given, and a subscription goes on as a new row.

use super::subscription;
use super::whom;
use super::{Applied, Case};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::checkout::Checkout as Row;
use crate::db::provider::reference::Kind;
use crate::error::Result;
use crate::flow::checkout;
use crate::flow::life::{Life, Origin};
use crate::flow::purchase;
use crate::flow::reversal;
use owostack_domain::entitlement::facts::Status;
use owostack_domain::subscription::heard::Word;
use owostack_domain::subscription::state::Event;
use owostack_domain::subscription::step::Change;
use owostack_provider::object::{Checkout, CheckoutStatus};
use serde_json::json;

/// Applies what became of a checkout.
///
/// # Errors
/// As the statements.
pub fn apply(case: &Case, told: &Checkout) -> Result<Applied> {
    let Some(row) = find(case, told)? else {
        return Ok(Applied::Skipped(format!(
            "checkout {} is none of ours",
            told.id
        )));
    };
    if case.reference(Kind::Checkout, &told.id)?.is_none() {
        case.link(Kind::Checkout, &told.id, row.id, &json!({}))?;
    }
    match told.status {
        CheckoutStatus::Open => opened(&row, told, case),
        CheckoutStatus::Completed if !told.paid => Ok(Applied::Done(format!(
            "checkout {} waits for its money",
            row.id
        ))),
        CheckoutStatus::Completed => completed(case, &row, told),
        CheckoutStatus::Failed => closed(case, &row, "failed", Event::CheckoutFailed),
        CheckoutStatus::Expired => closed(case, &row, "expired", Event::CheckoutExpired),
    }
}

fn find(case: &Case, told: &Checkout) -> Result<Option<Row>> {
    let view = Snapshot::latest()?;
    let id = match case.reference(Kind::Checkout, &told.id)? {
        Some(found) => Some(found.local_id),
        None => whom::checkout_id(&view, case.source, case.link)?.or(case.subject),
    };
    let Some(id) = id else { return Ok(None) };
    let found = db::checkout::find(&view, case.context.organization.id, id)?;
    Ok(found.filter(|row| row.customer_id == case.customer.id))
}

/// A page is there: its address.
fn opened(row: &Row, told: &Checkout, case: &Case) -> Result<Applied> {
    if let Some(url) = told.url.as_deref().filter(|_| row.status == "open") {
        db::checkout::set_url(row.customer_id, row.id, url, case.context.now)?;
    }
    Ok(Applied::Done(format!("checkout {} is open", row.id)))
}

fn completed(case: &Case, row: &Row, told: &Checkout) -> Result<Applied> {
    let mut life = case.life()?;
    life.origin = Origin::Provider;
    let now = life.now();
    let is_open = row.status == "open";
    match (row.kind.as_str(), row.subscription_id) {
        ("pack", _) => {
            if row.status == "completed" {
                return Ok(Applied::Skipped("it was completed before".to_owned()));
            }
            pay_pack(case, life, row, told)?;
        }
        (_, Some(id)) => {
            begin(case, &mut life, row, id)?;
            if is_open {
                life.close(row, "completed", None, None, now)?;
            }
            match &told.subscription {
                Some(external_id) => {
                    subscription::link(case, &mut life, id, external_id)?;
                    subscription::hear(case, life, external_id, Word::Completed)?;
                }
                None => life.save().map(|_| ())?,
            }
        }
        _ => {
            if is_open {
                life.close(row, "completed", None, None, now)?;
            }
            life.save()?;
        }
    }
    Ok(Applied::Done(format!("checkout {} is completed", row.id)))
}

/// Gives what a pack's checkout sold.
///
/// # Errors
/// As the statements.
pub fn pay_pack(case: &Case, life: Life, row: &Row, told: &Checkout) -> Result<()> {
    let reference = told.payment.as_deref().unwrap_or(&told.id);
    purchase::fulfil(case.context, &case.customer, row)?;
    let paid = db::payment::of_checkout(&Snapshot::latest()?, row.customer_id, row.id)?;
    if let Some(payment) = paid {
        reversal::follow(case.context, payment.id, None)?;
    }
    db::checkout::reopen(row.customer_id, row.id)?;
    life.close(row, "completed", Some(reference), None, life.now())?;
    life.save().map(|_| ())
}

/// The difference of a change of plan was paid: the new plan begins, and the provider is told.
///
/// # Errors
/// As the statements.
pub fn paid_for(mut life: Life, row: &Row) -> Result<()> {
    let waiting = row.subscription_id.and_then(|id| life.find(id));
    let waiting = waiting.filter(|one| one.status == Status::Incomplete);
    let Some(waiting) = waiting.cloned() else {
        return Ok(());
    };
    checkout::begin(&mut life, &waiting, row)?;
    life.close(row, "completed", None, None, life.now())?;
    life.save().map(|_| ())
}

/// The row that waits begins; one that does not wait stays as it is.
fn begin(case: &Case, life: &mut Life, row: &Row, id: uuid::Uuid) -> Result<()> {
    let waiting = life.find(id).filter(|one| one.status == Status::Incomplete);
    let Some(waiting) = waiting.cloned() else {
        return Ok(());
    };
    if row.kind == "setup" {
        life.facts.has_payment_method = true;
        let view = Snapshot::latest()?;
        let group_id = waiting.group_id;
        // Two pages for one trial: the second is paid for like any other.
        if db::subscription::trial_used(&view, case.customer.id, group_id)? {
            let row = Row {
                kind: "subscription".to_owned(),
                ..row.clone()
            };
            return checkout::begin(life, &waiting, &row);
        }
    }
    let linked = waiting.linked;
    checkout::begin(life, &waiting, row)?;
    if let Some(row) = life.find_mut(id) {
        row.linked = linked;
    }
    Ok(())
}

fn closed(case: &Case, row: &Row, status: &str, event: Event) -> Result<Applied> {
    if row.status != "open" {
        return Ok(Applied::Skipped(format!(
            "checkout {} was {} before",
            row.id, row.status
        )));
    }
    let mut life = case.life()?;
    life.origin = Origin::Provider;
    if let Some(id) = row.subscription_id {
        let waits = |row: &owostack_domain::entitlement::facts::Subscription| {
            row.status == Status::Incomplete
        };
        if life.find(id).is_some_and(waits) {
            life.apply(id, event)?;
            life.note(id, Change::Expired);
        }
    }
    let now = life.now();
    life.close(row, status, None, None, now)?;
    life.save()?;
    Ok(Applied::Done(format!("checkout {} is {status}", row.id)))
}
