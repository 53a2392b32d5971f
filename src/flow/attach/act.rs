//! Doing what an attach decided.

use super::answer::{Attachment, answer};
use super::provider;
use crate::db::checkout::Checkout;
use crate::db::subscription::Label;
use crate::error::Result;
use crate::flow::life::Life;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Plan, PlanChange, Subscription};
use owostack_domain::subscription::open::{Opening, Origin};
use owostack_domain::subscription::state::Event;
use owostack_domain::subscription::step::Change;
use owostack_domain::switch::{Action, Attach, CheckoutKind};
use uuid::Uuid;

/// Does what was decided.
///
/// # Errors
/// `55000` when money is needed from a provider without account.
pub fn act(
    life: &mut Life,
    plan: &Plan,
    decided: &Attach,
    label: Label,
    callback: Option<String>,
) -> Result<Attachment> {
    match decided.action {
        Action::PlanInactive | Action::AddonNeedsBase => Ok(answer(plan, decided, None, None)),
        Action::Keep(id) => {
            life.unschedule(id);
            if let Some(row) = life.find_mut(id) {
                row.cancel_at = None;
            }
            Ok(answer(plan, decided, life.find(id), None))
        }
        Action::Schedule {
            subscription,
            effective_at,
        } => {
            schedule(life, decided, subscription, effective_at, label)?;
            Ok(answer(plan, decided, life.find(subscription), None))
        }
        Action::Checkout { kind, open } => {
            let checkout = match open.and_then(|id| life.checkout_of(id)) {
                Some(checkout) => checkout.clone(),
                None => {
                    provider::require_account(life.context, &label.provider)?;
                    wait(life, decided, kind, label, callback)?
                }
            };
            let waiting = checkout.subscription_id.and_then(|id| life.find(id));
            Ok(answer(plan, decided, waiting, Some(&checkout)))
        }
        Action::Start => {
            let id = start(life, decided, label)?;
            Ok(answer(plan, decided, life.find(id), None))
        }
    }
}

fn schedule(
    life: &mut Life,
    decided: &Attach,
    subscription_id: Uuid,
    effective_at: DateTime<Utc>,
    label: Label,
) -> Result<()> {
    let terms = decided.terms.clone();
    let change = PlanChange {
        id: life.new_id()?,
        subscription_id,
        to_plan_id: terms.plan_id,
        effective_at,
        cycle_key: terms.cycle_key,
        price: terms.price,
        currency: terms.currency,
        cadence: terms.cadence,
        one_time: terms.one_time,
    };
    // The latest wish counts: who chooses another plan does not leave.
    if let Some(row) = life.find_mut(subscription_id) {
        row.cancel_at = None;
    }
    life.schedule(change, label.metadata);
    Ok(())
}

/// Writes down what waits for the customer's money or card.
fn wait(
    life: &mut Life,
    decided: &Attach,
    kind: CheckoutKind,
    label: Label,
    callback: Option<String>,
) -> Result<Checkout> {
    let row = opening(life, decided, Origin::Nothing)?.wait();
    life.put(row.clone(), Some(label));
    life.note(row.id, Change::Created);
    let checkout = Checkout {
        kind: kind.as_str().to_owned(),
        amount: decided.amount_due,
        callback_url: callback,
        ..life.checkout_for(&row, life.new_id()?, life.now())
    };
    life.open_checkout(checkout.clone());
    Ok(checkout)
}

fn opening<'a>(life: &Life, decided: &'a Attach, origin: Origin<'a>) -> Result<Opening<'a>> {
    Ok(Opening {
        id: life.new_id()?,
        terms: &decided.terms,
        origin,
        trial_ends_at: decided.trial_ends_at,
        at: life.now(),
    })
}

/// Begins the subscription; the one that it replaces ends.
///
/// # Errors
/// When there is no randomness.
pub fn start(life: &mut Life, decided: &Attach, label: Label) -> Result<Uuid> {
    let row = opening(life, decided, decided.origin(&life.facts))?.open(&life.facts);
    let id = row.id;
    begin(life, row, decided.replaces, Some(label))?;
    Ok(id)
}

/// Puts a subscription that begins into the life, in place of the one that it replaces.
///
/// # Errors
/// When the replaced one is not loaded.
pub fn begin(
    life: &mut Life,
    row: Subscription,
    replaces: Option<Uuid>,
    label: Option<Label>,
) -> Result<()> {
    let (id, trial) = (row.id, row.is_in_trial());
    let is_new = life.find(id).is_none();
    life.put(row, label);
    if is_new {
        life.note(id, Change::Created);
    }
    match replaces {
        Some(from) => {
            life.apply(from, Event::SwitchedAway)?;
            life.note(id, Change::Changed { from });
        }
        None if !trial => life.note(id, Change::Activated),
        None => {}
    }
    Ok(())
}
