//! Doing what an attach decided.

use super::answer::{Attachment, answer};
use super::way::Way;
use crate::db::checkout::Checkout;
use crate::db::subscription::Label;
use crate::error::{Error, Result};
use crate::flow::life::Life;
use crate::flow::payment::{self, Reason};
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Plan, PlanChange, Subscription};
use owostack_domain::subscription::open::{Opening, Origin};
use owostack_domain::subscription::step::Change;
use owostack_domain::switch::{Action, Attach, CheckoutKind};
use uuid::Uuid;

/// What is to be done, and how.
pub struct Deed<'a> {
    pub plan: &'a Plan,
    pub decided: &'a Attach,
    pub way: &'a Way,
}

/// Does what was decided.
///
/// # Errors
/// `55000` when another change of the same plan is on its way.
pub fn act(
    life: &mut Life,
    deed: &Deed,
    label: Label,
    callback: Option<String>,
) -> Result<Attachment> {
    let decided = deed.decided;
    match decided.action {
        Action::PlanInactive | Action::AddonNeedsBase => Ok(answer(deed, None, None)),
        Action::Keep(id) => {
            life.unschedule(id);
            if let Some(row) = life.find_mut(id) {
                row.cancel_at = None;
            }
            Ok(answer(deed, life.find(id), None))
        }
        Action::Schedule {
            subscription,
            effective_at,
        } => {
            schedule(life, decided, subscription, effective_at, label)?;
            Ok(answer(deed, life.find(subscription), None))
        }
        Action::Checkout { kind, .. } => {
            let checkout = match open_checkout(life, deed, &label.provider)? {
                Some(checkout) => checkout,
                None => wait(life, deed, kind, label, callback)?,
            };
            let waiting = checkout.subscription_id.and_then(|id| life.find(id));
            Ok(answer(deed, waiting, Some(&checkout)))
        }
        Action::Start => {
            let id = start(life, decided, label)?;
            if let (Way::GoOn, Some(from)) = (deed.way, decided.replaces) {
                life.take_over(from, id);
            }
            Ok(answer(deed, life.find(id), None))
        }
    }
}

/// The checkout that waits for the same already.
///
/// # Errors
/// `55000` when the provider is about to carry out another change of the same plan.
pub fn open_checkout(life: &Life, deed: &Deed, provider: &str) -> Result<Option<Checkout>> {
    let terms = &deed.decided.terms;
    let waits = |one: &&Checkout| {
        let row = one.subscription_id.and_then(|id| life.find(id));
        row.is_some_and(|row| row.base && terms.base && row.group_id == terms.group_id)
    };
    let same = |one: &&Checkout| {
        let row = one.subscription_id.and_then(|id| life.find(id));
        row.is_some_and(|row| terms.is_same_choice(row)) && one.provider == provider
    };
    let mut silent = life.checkouts.iter().filter(|one| !one.has_page);
    if let Some(other) = silent.find(waits).filter(|one| !same(one)) {
        return Err(Error::wrong_state(format!(
            "provider \"{}\" is about to change the plan of customer \"{}\"",
            other.provider, life.customer.key
        ))
        .hint("Attach again when the provider has confirmed that change."));
    }
    let mut open = life.checkouts.iter().filter(same);
    Ok(open
        .find(|one| one.has_page == deed.way.has_page())
        .cloned())
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
    deed: &Deed,
    kind: CheckoutKind,
    label: Label,
    callback: Option<String>,
) -> Result<Checkout> {
    let decided = deed.decided;
    let row = opening(life, decided, Origin::Nothing)?.wait();
    life.put(row.clone(), Some(label));
    life.note(row.id, Change::Created);
    let checkout = Checkout {
        kind: kind.as_str().to_owned(),
        amount: decided.amount_due,
        callback_url: callback,
        has_page: deed.way.has_page(),
        ..life.checkout_for(&row, life.new_id()?, life.now())
    };
    if let Way::Charge(desk, method) = deed.way {
        payment::charge(life.context, desk, &checkout, Reason::Update, method)?;
    }
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
            life.replace(from)?;
            life.note(id, Change::Changed { from });
        }
        None if !trial => life.note(id, Change::Activated),
        None => {}
    }
    Ok(())
}
