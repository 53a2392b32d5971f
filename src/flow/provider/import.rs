//! Plans that exist at a provider already become plans here, or are linked to the ones that name
//! them (`api.md` 8).
//!
//! The call writes a job; its pages are taken by `flow/apply`. Invariants: a price has one plan here,
//! however often it is imported; what the catalog names by `externalId` is linked, never made again;
//! what has no fixed price or no interval of ours is left alone.

use super::account;
use super::desk::Desk;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::provider::evidence;
use crate::db::provider::offer::{self, NewPlan};
use crate::db::provider::refer::{self, Link};
use crate::db::provider::reference::{self, Kind};
use crate::error::{Error, Result};
use crate::flow::catalog;
use crate::flow::context::Context;
use crate::flow::outbox::Work;
use crate::flow::outbox::job::Job;
use owostack_domain::interval::{Cadence, Interval};
use owostack_provider::object::PlanFound;
use owostack_provider::tag::Tag;
use owostack_provider::wish::PriceKey;
use serde_json::{Value, json};
use uuid::Uuid;

/// Tries to find a slug that is free.
const SLUGS: u32 = 100;
/// Longest slug that is made of a name.
const SLUG_LENGTH: usize = 100;

/// Has the plans of a provider listed, and says what is known of them so far.
///
/// # Errors
/// `42704` unknown provider, `55000` no account.
pub fn begin(context: &Context, provider: &str) -> Result<Value> {
    let desk = desk(context, provider)?;
    desk.demand(desk.capabilities().list_plans)?;
    let account_id = desk.account.id;
    let snapshot = Snapshot::latest()?;
    let status = if db::outbox::is_wanted(&snapshot, account_id, "import_plans")? {
        "running"
    } else {
        desk.enqueue(None, &Job::ImportPlans { cursor: None })?;
        "queued"
    };
    let counts = offer::counts(&snapshot, account_id, provider)?;
    Ok(json!({
        "status": status,
        "linked": counts.linked,
        "imported": counts.imported,
        "finished_at": counts.finished_at,
    }))
}

/// The account of a provider that must have one.
///
/// # Errors
/// `42704` unknown provider, `55000` no account.
pub fn desk(context: &Context, provider: &str) -> Result<Desk> {
    account::provider(provider)?;
    let found = Desk::require(context, provider)?;
    found.ok_or_else(|| Error::internal("a provider that is known and has no adapter"))
}

/// Takes one plan of a page.
///
/// # Errors
/// As the statements.
pub fn take(context: &Context, work: &Work, found: &PlanFound) -> Result<()> {
    // What stands behind charges and saved cards is no plan.
    if found.tags.get(Tag::Purpose).is_some() {
        return Ok(());
    }
    if let Some(key) = found.tags.get(Tag::Key).and_then(PriceKey::parse) {
        return match offer::words(&Snapshot::latest()?, key.plan_id)? {
            Some(_) => link(context, work, found, &key),
            None => Ok(()),
        };
    }
    let snapshot = Snapshot::latest()?;
    let account_id = work.whose.account_id;
    let external_id = external_id(found);
    if reference::find(&snapshot, account_id, Kind::Plan, external_id)?.is_some() {
        return Ok(());
    }
    let (Some(money), false) = (found.price, found.name.trim().is_empty()) else {
        return Ok(());
    };
    let cadence = found.cadence.map(normal);
    let key = |plan_id| PriceKey {
        plan_id,
        money,
        cadence,
    };
    for named in [external_id, &found.link.product] {
        let cycle = evidence::cycle(&snapshot, context.organization.id, named)?;
        if let Some((plan_id, _)) = cycle {
            return link(context, work, found, &key(plan_id));
        }
    }
    catalog::lock(context.organization.id);
    match (sibling(context, work, found)?, cadence) {
        (Some(plan_id), Some(cadence)) => {
            offer::insert_cycle(plan_id, &key(plan_id), cadence, external_id)?;
            link(context, work, found, &key(plan_id))
        }
        (None, Some(cadence)) if cadence.count > 1 => Ok(()),
        (None, cadence) => {
            let plan_id = make(context, work, found, cadence)?;
            link(context, work, found, &key(plan_id))
        }
        (Some(_), None) => Ok(()),
    }
}

fn external_id(found: &PlanFound) -> &str {
    found.link.price.as_deref().unwrap_or(&found.link.product)
}

/// Our word for what a provider counts in single units.
const fn normal(cadence: Cadence) -> Cadence {
    match (cadence.interval, cadence.count) {
        (Interval::Daily, 7) => Cadence::every(Interval::Weekly),
        (Interval::Monthly, 3) => Cadence::every(Interval::Quarterly),
        (Interval::Monthly, 6) => Cadence::every(Interval::SemiAnnual),
        (Interval::Monthly, 12) => Cadence::every(Interval::Yearly),
        _ => cadence,
    }
}

fn link(context: &Context, work: &Work, found: &PlanFound, key: &PriceKey) -> Result<()> {
    refer::link_back(&Link {
        account_id: work.whose.account_id,
        kind: Kind::Plan,
        external_id: external_id(found),
        local_id: key.plan_id,
        customer_id: None,
        key: &key.to_string(),
        detail: json!(found.link),
        order: None,
        at: context.now,
    })
}

/// The plan that another price of the same product was imported as.
fn sibling(context: &Context, work: &Work, found: &PlanFound) -> Result<Option<Uuid>> {
    let snapshot = Snapshot::latest()?;
    let account_id = work.whose.account_id;
    let product = &found.link.product;
    for one in reference::of_product(&snapshot, account_id, product)? {
        if offer::is_imported(&snapshot, context.organization.id, one.local_id)? {
            return Ok(Some(one.local_id));
        }
    }
    Ok(None)
}

fn make(
    context: &Context,
    work: &Work,
    found: &PlanFound,
    cadence: Option<Cadence>,
) -> Result<Uuid> {
    let organization_id = context.organization.id;
    let snapshot = Snapshot::latest()?;
    let base = slug(&found.name);
    let mut free = base.clone();
    for number in 2..SLUGS {
        if db::facts::plan_by_slug(&snapshot, organization_id, &free)?.is_none() {
            break;
        }
        free = format!("{base}-{number}");
    }
    offer::insert_plan(&NewPlan {
        organization_id,
        slug: &free,
        name: &found.name,
        description: found.description.as_deref(),
        money: found.price,
        interval: cadence.map(|cadence| cadence.interval),
        trial_days: found.trial_days.unwrap_or(0),
        provider: work.provider.code(),
    })
}

/// Lower-case words of a name, with hyphens.
fn slug(name: &str) -> String {
    let mut text = String::new();
    for letter in name.trim().chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            text.push(letter);
        } else if !text.ends_with('-') {
            text.push('-');
        }
    }
    let text: String = text.trim_matches('-').chars().take(SLUG_LENGTH).collect();
    if text.is_empty() {
        "plan".to_owned()
    } else {
        text
    }
}
