//! Money that a provider says came, failed to come, or is on its way.
//!
//! Invariants: one sum of money has one row under all of its ids; money that came is there for good;
//! what a subscription's payments say of it is heard like its snapshots; a purchase is given with
//! its money.

use super::paid;
use super::whom;
use super::{Applied, Case, waits, waits_of_plan};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::event::Event;
use crate::db::payment::{Payment as Row, Told};
use crate::db::provider::evidence;
use crate::db::provider::refer;
use crate::db::provider::reference::Kind;
use crate::error::Result;
use owostack_domain::ids;
use owostack_provider::link;
use owostack_provider::object::{MoneyStatus, ObjectKind, ObjectRef, Payment, Reason};
use owostack_provider::tag::Tag;
use serde_json::json;
use uuid::Uuid;

/// What a payment belongs to.
pub(super) struct Belongings {
    pub(super) id: Uuid,
    subscription: Option<Uuid>,
    pub(super) checkout: Option<Uuid>,
}

/// Applies a payment.
///
/// # Errors
/// As the statements.
pub fn apply(case: &Case, told: &Payment) -> Result<Applied> {
    if told.status == MoneyStatus::Succeeded && told.money.is_none() {
        return Ok(Applied::Look(ObjectRef {
            kind: ObjectKind::Payment,
            id: told.id.clone(),
        }));
    }
    let belongings = match belongings(case, told)? {
        Ok(belongings) => belongings,
        Err(waits) => return Ok(waits),
    };
    let (status, before) = store(case, told, &belongings)?;
    let was = before.as_ref().map(|row| row.status.as_str());
    tell(case, told, &belongings, status, was)?;
    paid::recover(case, told)?;
    if status == "succeeded" {
        let known = before.and_then(|row| row.checkout_id);
        if let Some(checkout_id) = belongings.checkout.or(known) {
            paid::deliver(case, told, checkout_id)?;
        }
        paid::return_capture(case, &belongings)?;
    }
    Ok(Applied::Done(format!("payment {} {status}", belongings.id)))
}

/// Applies that two ids name the same money.
///
/// # Errors
/// As the statements.
pub fn same(case: &Case, payment: &str, also: &str) -> Result<Applied> {
    let first = case.reference(Kind::Payment, payment)?;
    let second = case.reference(Kind::Payment, also)?;
    match (first, second) {
        (Some(one), None) => {
            case.link(Kind::Payment, also, one.local_id, &json!({}))?;
            Ok(Applied::Done(format!(
                "payment {} has another id",
                one.local_id
            )))
        }
        (None, Some(one)) => {
            case.link(Kind::Payment, payment, one.local_id, &json!({}))?;
            Ok(Applied::Done(format!(
                "payment {} has another id",
                one.local_id
            )))
        }
        (Some(one), Some(other)) if one.local_id == other.local_id => {
            Ok(Applied::Skipped("it was known".to_owned()))
        }
        (Some(_), Some(_)) => Ok(Applied::Conflict(
            "two payments turn out to be one".to_owned(),
        )),
        (None, None) => Ok(Applied::Park {
            reason: "the payment is not known yet".to_owned(),
            waits_for: Some(waits(Kind::Payment, payment)),
        }),
    }
}

/// The row of the payment, and what it is for; or what must come first.
fn belongings(case: &Case, told: &Payment) -> Result<std::result::Result<Belongings, Applied>> {
    let view = Snapshot::latest()?;
    let checkout = whom::checkout_id(&view, case.source, case.link)?;
    let organization_id = case.context.organization.id;
    let checkout = match checkout {
        Some(id) => db::checkout::find(&view, organization_id, id)?,
        None => None,
    };
    let mut subscription = checkout.as_ref().and_then(|one| one.subscription_id);
    // A mandate that single charges are made with is no subscription of ours.
    let single = matches!(told.reason, Reason::OffSession | Reason::OneOff);
    if let Some(external_id) = told.subscription.as_ref().filter(|_| !single) {
        match case.reference(Kind::Subscription, external_id)? {
            Some(found) => subscription = Some(found.local_id),
            None => {
                return Ok(Err(Applied::Park {
                    reason: format!("subscription {external_id} is not known yet"),
                    waits_for: Some(waits(Kind::Subscription, external_id)),
                }));
            }
        }
    } else if let (Some(plan), None) = (told.plan.as_ref().filter(|_| !single), subscription) {
        subscription = by_plan(case, plan)?;
        if subscription.is_none() {
            return Ok(Err(Applied::Park {
                reason: format!("the subscription to {plan} is not known yet"),
                waits_for: Some(waits_of_plan(case.customer.id, plan)),
            }));
        }
    }
    let mut known = case.reference(Kind::Payment, &told.id)?;
    for also in &told.also {
        if known.is_none() {
            known = case.reference(Kind::Payment, also)?;
        }
    }
    let id = match known {
        Some(found) => found.local_id,
        None => match asked_for(case, told)? {
            Some(id) => id,
            None => ids::derived(case.source.account_id, &format!("payment:{}", told.id)),
        },
    };
    Ok(Ok(Belongings {
        id,
        subscription,
        checkout: checkout.map(|one| one.id),
    }))
}

/// The subscription of the customer with that plan, where a payment names no more.
fn by_plan(case: &Case, plan: &str) -> Result<Option<Uuid>> {
    let Some(found) = case.reference(Kind::Plan, plan)? else {
        return Ok(None);
    };
    let life = case.life()?;
    let rows = life.facts.subscriptions.iter();
    let rows = rows.filter(|row| row.plan_id == found.local_id && row.linked);
    let latest = rows.max_by_key(|row| (row.is_live(), row.started_at, row.id));
    Ok(latest.map(|row| row.id))
}

/// The payment of ours that this is the charge of.
fn asked_for(case: &Case, told: &Payment) -> Result<Option<Uuid>> {
    if let Some(id) = case.subject {
        return Ok(Some(id));
    }
    let view = Snapshot::latest()?;
    let tagged = case.link.tags.get(Tag::Operation).and_then(ids::canonical);
    let texts = case.link.reference.iter().chain([&told.id]);
    let referenced = texts.filter_map(|text| link::referenced(text));
    for id in tagged.into_iter().chain(referenced) {
        let job = evidence::operation(&view, case.source.account_id, id)?;
        for id in job.map(|job| job.subject_id).into_iter().chain([id]) {
            let found = db::payment::find(&view, case.context.organization.id, id)?;
            if found.is_some_and(|one| one.customer_id == case.customer.id) {
                return Ok(Some(id));
            }
        }
    }
    Ok(None)
}

const fn rank(status: &str) -> u8 {
    match status.as_bytes() {
        b"succeeded" => 2,
        b"failed" => 1,
        _ => 0,
    }
}

/// Writes the row and its ids; its status, and the row as it was.
fn store(
    case: &Case,
    told: &Payment,
    belongings: &Belongings,
) -> Result<(&'static str, Option<Row>)> {
    let view = Snapshot::latest()?;
    let organization_id = case.context.organization.id;
    let before = db::payment::find(&view, organization_id, belongings.id)?;
    let said = match told.status {
        MoneyStatus::Succeeded => "succeeded",
        MoneyStatus::Failed => "failed",
        MoneyStatus::Pending => "pending",
    };
    let was = before.as_ref().map(|row| row.status.as_str());
    let status = match was {
        Some("succeeded") => "succeeded",
        Some("failed") if rank(said) < rank("failed") => "failed",
        _ => said,
    };
    let known = case.reference(Kind::Payment, &told.id)?;
    let place = |order: &owostack_provider::event::Order| (order.stage, order.at, order.noticed_at);
    let known_order = known.as_ref().and_then(|found| found.order);
    let newer = known_order.is_none_or(|known| place(case.order) >= place(&known));
    let external_ids = [&told.id].into_iter().chain(&told.also);
    for external_id in external_ids {
        let is_known = if external_id == &told.id {
            known.is_some()
        } else {
            case.reference(Kind::Payment, external_id)?.is_some()
        };
        if !is_known {
            let order = (external_id == &told.id).then_some(case.order);
            let (kind, detail) = (Kind::Payment, json!({}));
            case.link_at(kind, external_id, belongings.id, &detail, order)?;
        }
    }
    let currency = told.money.as_ref().map(|money| money.currency.as_str());
    let known_amount = before.as_ref().and_then(|row| row.amount);
    let known_currency = before.as_ref().and_then(|row| row.currency.as_deref());
    let method = told.method.as_ref();
    let failure = told.failure.as_ref();
    db::payment::store(
        &Told {
            customer_id: case.customer.id,
            id: belongings.id,
            organization_id,
            account_id: case.source.account_id,
            provider: case.source.provider,
            status,
            reason: reason(told.reason),
            amount: told.money.map(|money| money.amount).or(known_amount),
            currency: currency.or(known_currency),
            tax_amount: told.tax,
            subscription_id: belongings.subscription,
            checkout_id: belongings.checkout,
            payment_method_id: method.map(|one| case.method_id(&one.token)),
            external_id: &told.id,
            failure_code: failure.and_then(|one| one.code.as_deref()),
            failure_message: failure.map(|one| one.message.as_str()),
            action_url: told.action_url.as_deref(),
            next_attempt_at: told.next_attempt_at,
            paid_at: told.paid_at.unwrap_or(case.order.at),
            paid: said == "succeeded",
            newer,
            at: case.order.at,
        },
        case.context.now,
    )?;
    if newer && known.is_some() {
        let (account_id, at) = (case.source.account_id, case.context.now);
        let order = Some(case.order);
        refer::know(account_id, Kind::Payment, &told.id, None, order, at)?;
    }
    // What was not there had no refunds.
    if before.is_some() {
        db::refund::recount(case.customer.id, belongings.id, case.context.now)?;
    }
    Ok((status, before))
}

const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::First => "first",
        Reason::Renewal => "renewal",
        Reason::Update => "update",
        Reason::OneOff => "one_off",
        Reason::OffSession => "off_session",
        Reason::Subscription => "subscription",
    }
}

/// Money that came is told once, each attempt that failed once.
fn tell(
    case: &Case,
    told: &Payment,
    belongings: &Belongings,
    status: &str,
    was: Option<&str>,
) -> Result<()> {
    let (kind, name) = match (status, told.status) {
        ("succeeded", _) if was != Some("succeeded") => (
            "payment.succeeded",
            format!("payment_succeeded:{}", belongings.id),
        ),
        ("failed", MoneyStatus::Failed) => (
            "payment.failed",
            format!(
                "payment_failed:{}:{}",
                belongings.id,
                case.order.at.timestamp_micros()
            ),
        ),
        _ => return Ok(()),
    };
    let data = json!({
        "payment_id": belongings.id,
        "subscription_id": belongings.subscription,
        "checkout_id": belongings.checkout,
        "amount": told.money.map(|money| money.amount),
        "currency": told.money.as_ref().map(|money| money.currency.as_str()),
        "reason": reason(told.reason),
        "failure_code": told.failure.as_ref().and_then(|one| one.code.clone()),
        "next_attempt_at": told.next_attempt_at,
    });
    let organization = &case.context.organization;
    let event = Event {
        kind,
        organization_id: organization.id,
        organization: &organization.slug,
        customer_id: case.customer.id,
        at: case.context.now,
        data,
    };
    db::event::append_once(&event, &name)
}
