//! What a customer may ask of a subscription: cancel, stay, pause, resume.
//!
//! Called by `api/attach`. Invariants: the state machine judges every command; what fell due acts
//! first; a command whose goal is reached already changes nothing.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::customer;
use crate::flow::life::Life;
use crate::flow::wallet;
use crate::meter;
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Status, Subscription};
use owostack_domain::subscription::state::Event;
use owostack_domain::subscription::step::Change;
use uuid::Uuid;

/// The subscription that a command is about, as its arguments name it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub customer: Option<&'a str>,
    pub plan: Option<&'a str>,
    pub subscription: Option<Uuid>,
}

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Leave when the period is over, where it has an end.
    CancelLater,
    /// Leave at once.
    CancelNow,
    /// Stay after all.
    Uncancel,
    /// Rest.
    Pause,
    /// Go on.
    Resume,
}

/// Runs a command; the customer's and the subscription's id, for the row.
///
/// # Errors
/// `23503` unknown customer, `42704` unknown plan or subscription, `21000` several subscriptions,
/// `23514` when there is none or its state forbids the step.
pub fn run(context: &Context, target: &Target, command: Command) -> Result<(Uuid, Uuid)> {
    let customer = customer::require(context, &Snapshot::latest()?, target.customer)?;
    meter::lock_customer(customer.id);
    let mut life = Life::load(context, &Snapshot::latest()?, customer)?;
    life.advance(context.now);
    let id = find(&life, target)?;
    match command {
        Command::CancelLater => cancel_later(&mut life, id)?,
        Command::CancelNow => cancel_now(&mut life, id)?,
        Command::Uncancel => uncancel(&mut life, id)?,
        Command::Pause => pause(&mut life, id)?,
        Command::Resume => resume(&mut life, id)?,
    }
    let customer_id = life.customer.id;
    life.save()?;
    Ok((customer_id, id))
}

/// Ends every subscription and checkout of a customer who is deleted; the lock is held.
///
/// # Errors
/// As the statements.
pub fn leave(context: &Context, customer: &Customer) -> Result<()> {
    let mut life = Life::load(context, &Snapshot::latest()?, customer.clone())?;
    life.advance(context.now);
    let waits = |row: &Subscription| row.status == Status::Incomplete;
    let rows = life.facts.subscriptions.iter();
    let ids: Vec<Uuid> = rows
        .filter(|row| row.is_live() || waits(row))
        .map(|row| row.id)
        .collect();
    for id in ids {
        cancel_now(&mut life, id)?;
    }
    // Those of credit packs belong to no subscription.
    let left = life.checkouts.clone();
    let packs = left.iter().filter(|one| one.subscription_id.is_none());
    for checkout in packs {
        let reason = Some("the customer was deleted");
        life.close(checkout, "expired", None, reason, context.now)?;
    }
    life.save()?;
    wallet::forget_all(context, customer.id)?;
    db::payment::erase(customer.id)?;
    db::subscription::erase(customer.id)
}

/// The live subscription to the plan, else one that waits, else the one that ended last.
fn find(life: &Life, target: &Target) -> Result<Uuid> {
    let plan = match (target.plan, target.subscription) {
        (None, None) => return Err(Error::null_argument("plan")),
        (Some(slug), _) => Some(plan_id(life, slug)?),
        (None, Some(_)) => None,
    };
    let named = |row: &&Subscription| target.subscription.is_none_or(|id| row.id == id);
    let of_plan = |row: &&Subscription| plan.is_none_or(|id| row.plan_id == id);
    let rows = life
        .facts
        .subscriptions
        .iter()
        .filter(named)
        .filter(of_plan);
    let rows: Vec<&Subscription> = rows.collect();
    let live: Vec<&&Subscription> = rows.iter().filter(|row| row.is_live()).collect();
    if let (2.., Some(slug)) = (live.len(), target.plan) {
        return Err(Error::ambiguous(format!(
            "customer \"{}\" has {} subscriptions to plan \"{slug}\"",
            life.customer.key,
            live.len()
        ))
        .hint("Name one with the argument subscription."));
    }
    let place = |row: &&&Subscription| {
        let waits = row.status == Status::Incomplete;
        (row.is_live(), waits, row.ended_at, row.started_at, row.id)
    };
    match (rows.iter().max_by_key(place), target.subscription) {
        (Some(row), _) => Ok(row.id),
        (None, Some(id)) => Err(Error::undefined(format!(
            "customer \"{}\" has no such subscription {id}",
            life.customer.key
        ))),
        (None, None) => Err(Error::forbidden(format!(
            "customer \"{}\" has no subscription to plan \"{}\"",
            life.customer.key,
            target.plan.unwrap_or_default()
        ))
        .hint("Attach the plan with owo_attach().")),
    }
}

fn plan_id(life: &Life, slug: &str) -> Result<Uuid> {
    let organization_id = life.context.organization.id;
    let found = db::facts::plan_by_slug(&Snapshot::latest()?, organization_id, slug)?;
    found.ok_or_else(|| {
        Error::undefined(format!("plan \"{slug}\" does not exist"))
            .hint("Plans are listed by owo_plans() and created by owo_sync().")
    })
}

/// When a subscription that is left now would end.
fn end_of(row: &Subscription, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let end = if row.is_in_trial() {
        row.trial_ends_at
    } else {
        row.period_end
    };
    end.filter(|end| *end > now)
}

fn cancel_later(life: &mut Life, id: Uuid) -> Result<()> {
    let now = life.now();
    let Some(end) = life.find(id).and_then(|row| end_of(row, now)) else {
        return cancel_now(life, id);
    };
    life.apply(id, Event::CancelLater)?;
    life.demand_undo(id)?;
    life.unschedule(id);
    let Some(row) = life.find_mut(id) else {
        return Ok(());
    };
    if row.is_live() && row.cancel_at != Some(end) {
        row.cancel_at = Some(end);
        life.note(id, Change::CancelScheduled);
    }
    Ok(())
}

fn cancel_now(life: &mut Life, id: Uuid) -> Result<()> {
    let now = life.now();
    life.apply(id, Event::CancelNow)?;
    life.note(id, Change::Canceled);
    if let Some(checkout) = life.checkout_of(id).cloned() {
        life.close(
            &checkout,
            "expired",
            None,
            Some("the subscription was canceled"),
            now,
        )?;
    }
    Ok(())
}

fn uncancel(life: &mut Life, id: Uuid) -> Result<()> {
    life.apply(id, Event::Uncancel)?;
    if let Some(row) = life.find_mut(id) {
        row.cancel_at = None;
    }
    Ok(())
}

fn pause(life: &mut Life, id: Uuid) -> Result<()> {
    let now = life.now();
    let before = life.find(id).map(|row| row.status);
    let after = life.apply(id, Event::Pause)?;
    if before == Some(after) {
        return Ok(());
    }
    if let Some(desk) = life.desk_of(id)? {
        desk.demand(desk.capabilities().pause)?;
    }
    if let Some(row) = life.find_mut(id) {
        row.paused_at = Some(now);
    }
    life.note(id, Change::Paused);
    Ok(())
}

fn resume(life: &mut Life, id: Uuid) -> Result<()> {
    let (now, zone) = (life.now(), life.facts.zone);
    let Some(row) = life.find(id) else {
        return Ok(());
    };
    let (before, trial) = (row.status, row.is_in_trial());
    let past_due = row.past_due_since.is_some();
    let after = life.apply(id, Event::Resume { trial, past_due })?;
    if before == after {
        return Ok(());
    }
    if let Some(desk) = life.desk_of(id)? {
        desk.demand(desk.capabilities().resume)?;
    }
    if let Some(row) = life.find_mut(id) {
        row.paused_at = None;
        // The period that runs now, counted from the anchor as if it had run on.
        if !trial {
            row.enter_period(zone, now);
        }
    }
    life.note(id, Change::Resumed);
    Ok(())
}
