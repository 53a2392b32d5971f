//! Giving a customer a plan, or saying what that would mean.
//!
//! Called by `api/attach` and at a customer's creation. Invariants: one decision for the attach and
//! its preview; nothing is granted before it is paid; what fell due is written first. Deliberately
//! absent: the rules, which are `domain::switch`.

mod act;
mod answer;
pub mod provider;
mod request;
pub mod way;

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::subscription::Label;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::customer::{self, Profile};
use crate::flow::idempotency;
use crate::flow::life::Life;
use crate::meter;
use owostack_domain::entitlement::facts::Plan;
use owostack_domain::ids;
use owostack_domain::switch::{Action, Attach, TermsError, Wish, plan_attach};
use serde_json::json;
use uuid::Uuid;

use act::Deed;
pub use act::begin;
use answer::answer;
pub use answer::{Attachment, customer_not_found};
pub use request::Request;
use way::{Offer, Way};

/// Attaches the plan.
///
/// # Errors
/// `42704` unknown plan, `22023` unknown cycle or currencies that cannot be compared.
pub fn attach(context: &Context, request: &Request) -> Result<Attachment> {
    let plan_id = plan_id(context, &request.plan)?;
    let provider = provider::chosen(context, plan_id, request.provider.as_deref())?;
    let Some(customer) = customer_for(context, request)? else {
        return Ok(customer_not_found(&request.customer));
    };
    meter::lock_customer(customer.id);
    if !customer::is_living(customer.id)? {
        return Ok(customer_not_found(&request.customer));
    }
    let mut life = Life::load(context, &Snapshot::latest()?, customer)?;
    life.advance(context.now);
    let (plan, decided, way) = decide(&mut life, plan_id, request, &provider)?;
    let label = Label {
        metadata: request.metadata.clone().unwrap_or_else(|| json!({})),
        provider,
    };
    let callback = request.callback_url.clone();
    let deed = Deed {
        plan: &plan,
        decided: &decided,
        way: &way,
    };
    let attachment = act::act(&mut life, &deed, label, callback)?;
    life.save()?;
    Ok(attachment)
}

/// Attaches the plan once per idempotency key.
///
/// # Errors
/// As [`attach`]; `23505` when the key was used for another request.
pub fn attach_once(context: &Context, request: &Request, key: Option<&str>) -> Result<Attachment> {
    let Some(key) = key else {
        return attach(context, request);
    };
    idempotency::check(key)?;
    let name = &request.customer;
    let organization = &context.organization;
    let customer_id = match customer::find(context, &Snapshot::latest()?, name)? {
        Some(customer) => customer.id,
        None => ids::customer_id(organization.id, name, organization.sandbox),
    };
    idempotency::lock_key(customer_id, key);
    let asked = request.identity();
    let snapshot = Snapshot::latest()?;
    if let Some(stored) = idempotency::replay(context, &snapshot, customer_id, key, &asked)? {
        return serde_json::from_value(stored)
            .map_err(|error| Error::internal(format!("a stored attachment: {error}")));
    }
    let attachment = attach(context, request)?;
    // A denial frees the key.
    if attachment.success {
        idempotency::store(context, customer_id, key, &asked, &json!(attachment))?;
    }
    Ok(attachment)
}

/// What `attach` would answer now.
///
/// # Errors
/// As [`attach`].
pub fn preview(context: &Context, request: &Request) -> Result<Attachment> {
    let plan_id = plan_id(context, &request.plan)?;
    let provider = provider::chosen(context, plan_id, request.provider.as_deref())?;
    let snapshot = Snapshot::latest()?;
    let found = customer::find(context, &snapshot, &request.customer)?;
    let is_new = found.is_none();
    let customer = match (found, &request.customer_data) {
        (Some(customer), _) => customer,
        (None, None) => return Ok(customer_not_found(&request.customer)),
        (None, Some(data)) => {
            Profile::from_json(data.clone())?;
            unborn(context, &request.customer)
        }
    };
    let mut life = Life::load(context, &snapshot, customer)?;
    life.advance(context.now);
    if is_new {
        enable_plans(&mut life, &snapshot)?;
    }
    let (plan, decided, way) = decide(&mut life, plan_id, request, &provider)?;
    let deed = Deed {
        plan: &plan,
        decided: &decided,
        way: &way,
    };
    let open = match decided.action {
        Action::Checkout { .. } => act::open_checkout(&life, &deed, &provider)?,
        _ => None,
    };
    let current = match decided.action {
        Action::Keep(id)
        | Action::Schedule {
            subscription: id, ..
        } => life.find(id).cloned(),
        _ => None,
    };
    Ok(answer(&deed, current.as_ref(), open.as_ref()))
}

/// Attaches the auto-enable plans of the organization to a new customer; the lock is held.
///
/// # Errors
/// As the statements.
pub fn auto_enable(context: &Context, customer: &Customer) -> Result<()> {
    let snapshot = Snapshot::latest()?;
    let mut life = Life::load(context, &snapshot, customer.clone())?;
    life.advance(context.now);
    enable_plans(&mut life, &snapshot)?;
    life.save().map(|_| ())
}

/// Base plans first, since add-ons stand on them; what needs money or a card is left out.
fn enable_plans(life: &mut Life, snapshot: &Snapshot) -> Result<()> {
    let mut plans: Vec<Plan> = life
        .facts
        .plans
        .values()
        .filter(|plan| plan.auto_enable)
        .cloned()
        .collect();
    plans.sort_by(|left, right| (left.is_addon, &left.slug).cmp(&(right.is_addon, &right.slug)));
    for plan in plans {
        let wish = Wish {
            plan: &plan,
            cycle: None,
            timing: None,
            trial_used: trial_used(life, snapshot, &plan)?,
        };
        let Ok(decided) = plan_attach(&life.facts, wish, life.now()) else {
            continue;
        };
        if decided.action == Action::Start && decided.replaces.is_none() {
            let label = life.label(Uuid::nil());
            act::start(life, &decided, label)?;
        }
    }
    Ok(())
}

fn plan_id(context: &Context, slug: &str) -> Result<Uuid> {
    let snapshot = Snapshot::latest()?;
    db::facts::plan_by_slug(&snapshot, context.organization.id, slug)?.ok_or_else(|| {
        Error::undefined(format!("plan \"{slug}\" does not exist"))
            .hint("Plans are listed by owo_plans() and created by owo_sync().")
    })
}

/// The customer, made or refreshed when there is data for it.
fn customer_for(context: &Context, request: &Request) -> Result<Option<Customer>> {
    let found = customer::find(context, &Snapshot::latest()?, &request.customer)?;
    let Some(data) = &request.customer_data else {
        return Ok(found);
    };
    let profile = Profile::from_json(data.clone())?;
    match found {
        Some(customer) => {
            meter::lock_customer(customer.id);
            customer::refresh(context, customer, profile).map(Some)
        }
        None => customer::ensure(context, &request.customer, profile).map(Some),
    }
}

/// A customer that only a preview knows.
fn unborn(context: &Context, key: &str) -> Customer {
    let organization = &context.organization;
    Customer {
        id: ids::customer_id(organization.id, key, organization.sandbox),
        key: key.to_owned(),
        organization_id: organization.id,
        email: None,
        name: None,
        metadata: json!({}),
        timezone: None,
        created_at: context.now,
        deleted_at: None,
    }
}

fn trial_used(life: &Life, snapshot: &Snapshot, plan: &Plan) -> Result<bool> {
    if plan.trial_days == 0 {
        return Ok(false);
    }
    db::subscription::trial_used(snapshot, life.customer.id, plan.group_id)
}

fn decide(
    life: &mut Life,
    plan_id: Uuid,
    request: &Request,
    provider: &str,
) -> Result<(Plan, Attach, Way)> {
    let snapshot = Snapshot::latest()?;
    let organization = &life.context.organization;
    db::facts::include_plan(&snapshot, organization, &mut life.facts, plan_id)?;
    let Some(plan) = life.facts.plans.get(&plan_id).cloned() else {
        return Err(Error::internal(format!("plan {plan_id} is not loaded")));
    };
    let wish = Wish {
        plan: &plan,
        cycle: request.cycle.as_deref(),
        timing: request.timing,
        trial_used: trial_used(life, &snapshot, &plan)?,
    };
    let decided = plan_attach(&life.facts, wish, life.now());
    let mut decided = decided.map_err(|error| refused(&plan, request, error))?;
    let offer = Offer {
        plan: &plan,
        provider,
        callback_url: request.callback_url.as_deref(),
    };
    let way = way::choose(life, &offer, &mut decided)?;
    Ok((plan, decided, way))
}

fn cycles(plan: &Plan) -> String {
    let keys: Vec<_> = plan.cycles.iter().map(|one| one.key.as_str()).collect();
    if keys.is_empty() {
        return "It has one price only: leave the cycle out.".to_owned();
    }
    format!("It has {}.", keys.join(", "))
}

fn refused(plan: &Plan, request: &Request, error: TermsError) -> Error {
    match error {
        TermsError::UnknownCycle => Error::invalid(format!(
            "plan \"{}\" has no billing cycle \"{}\"",
            plan.slug,
            request.cycle.as_deref().unwrap_or_default()
        ))
        .hint(cycles(plan)),
        TermsError::CurrencyMismatch { current, wanted } => Error::invalid(format!(
            "prices in {current} and {wanted} cannot be compared"
        ))
        .hint("Give both plans a rank."),
    }
}
