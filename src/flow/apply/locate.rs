//! Which row of ours a provider's subscription is, and which plan its price stands for.
//!
//! Asked for a subscription that is not linked yet. Invariants: what we began ourselves is found by
//! our own tags, checkout or plan; one that somebody else began becomes a row only when its plan is
//! known, and never takes the place of another one that a provider bills.

use super::whom;
use super::{Applied, Case, waits};
use crate::backend::spi::Snapshot as View;
use crate::db;
use crate::db::provider::evidence;
use crate::db::provider::reference::{self, Kind};
use crate::db::subscription::Label;
use crate::error::Result;
use crate::flow::life::Life;
use owostack_domain::entitlement::facts::{Plan, Status, Subscription};
use owostack_domain::ids;
use owostack_domain::subscription::open::{Opening, Origin};
use owostack_domain::subscription::step::Change;
use owostack_domain::switch::Terms;
use owostack_provider::object::Snapshot;
use owostack_provider::tag::Tag;
use owostack_provider::wish::PriceKey;
use serde_json::json;
use uuid::Uuid;

/// Where a subscription belongs.
pub enum Place {
    /// To that row.
    Row(Uuid),
    /// Nowhere, for now or for good.
    Nowhere(Applied),
}

/// The row of a subscription that is not linked yet; a new one when it was begun elsewhere.
///
/// # Errors
/// As the statements.
pub fn row(case: &Case, life: &mut Life, told: &Snapshot, terms: Option<&Terms>) -> Result<Place> {
    if let Some(id) = begun_here(case, life, told)? {
        return Ok(Place::Row(id));
    }
    let Some(terms) = terms else {
        let price = told.price.as_deref().or(told.product.as_deref());
        return Ok(Place::Nowhere(Applied::Park {
            reason: format!(
                "no plan here stands for price {}",
                price.unwrap_or("(none named)")
            ),
            waits_for: price.map(|price| waits(Kind::Plan, price)),
        }));
    };
    if let Some(id) = by_plan(case, life, terms) {
        return Ok(Place::Row(id));
    }
    if terms.base
        && life
            .facts
            .live_base(terms.group_id)
            .is_some_and(|one| one.linked)
    {
        return Ok(Place::Nowhere(Applied::Conflict(
            "the customer has another subscription of this plan group at a provider".to_owned(),
        )));
    }
    Ok(Place::Row(found_there(case, life, told, terms)))
}

/// The row that our own text in it, or its checkout, leads to.
fn begun_here(case: &Case, life: &Life, told: &Snapshot) -> Result<Option<Uuid>> {
    let tagged = told.tags.get(Tag::Subscription).and_then(ids::canonical);
    let mut named: Vec<Uuid> = case.subject.into_iter().chain(tagged).collect();
    let view = View::latest()?;
    let mut checkout = whom::checkout_id(&view, case.source, case.link)?;
    if let (None, Some(external_id)) = (checkout, &told.checkout) {
        let found = case.reference(Kind::Checkout, external_id)?;
        checkout = found.map(|found| found.local_id);
    }
    if let Some(id) = checkout {
        let found = db::checkout::find(&view, case.context.organization.id, id)?;
        named.extend(found.and_then(|found| found.subscription_id));
    }
    let free = |id: &&Uuid| life.find(**id).is_some_and(|row| !row.linked);
    Ok(named.iter().find(free).copied())
}

/// The only row of the provider that waits for, or lives on, that plan and is not linked.
fn by_plan(case: &Case, life: &Life, terms: &Terms) -> Option<Uuid> {
    let ours = |row: &&Subscription| {
        let open = row.is_live() || row.status == Status::Incomplete;
        open && !row.linked
            && terms.is_same_choice(row)
            && life.label(row.id).provider == case.source.provider
    };
    let mut rows = life.facts.subscriptions.iter().filter(ours);
    let first = rows.next()?;
    rows.next().is_none().then_some(first.id)
}

/// A row for a subscription that was begun elsewhere.
fn found_there(case: &Case, life: &mut Life, told: &Snapshot, terms: &Terms) -> Uuid {
    let name = format!("subscription:{}", told.id);
    let row = Opening {
        id: ids::derived(case.source.account_id, &name),
        terms,
        origin: Origin::Nothing,
        trial_ends_at: None,
        at: life.now(),
    }
    .wait();
    let label = Label {
        provider: case.source.provider.to_owned(),
        metadata: json!({}),
    };
    let id = row.id;
    life.put(row, Some(label));
    life.note(id, Change::Created);
    id
}

/// The terms that a snapshot's price stands for here.
///
/// # Errors
/// As the statements.
pub fn terms(case: &Case, life: &mut Life, told: &Snapshot) -> Result<Option<Terms>> {
    terms_of(case, life, told.price.as_deref(), told.product.as_deref())
}

/// The terms that a price or product stands for here; the plan is loaded.
///
/// # Errors
/// As the statements.
pub fn terms_of(
    case: &Case,
    life: &mut Life,
    price: Option<&str>,
    product: Option<&str>,
) -> Result<Option<Terms>> {
    for external_id in [price, product].into_iter().flatten() {
        if let Some(found) = case.reference(Kind::Plan, external_id)? {
            return priced(case, life, found.local_id, &found.key);
        }
    }
    let view = View::latest()?;
    if let (None, Some(product)) = (price, product) {
        let found = reference::of_product(&view, case.source.account_id, product)?;
        if let [only] = found.as_slice() {
            return priced(case, life, only.local_id, &only.key);
        }
    }
    for external_id in [price, product].into_iter().flatten() {
        let found = evidence::cycle(&view, case.context.organization.id, external_id)?;
        if let Some((plan_id, cycle)) = found {
            let plan = loaded(case, life, plan_id)?;
            return Ok(plan.and_then(|plan| Terms::of_cycle(&plan, Some(&cycle)).ok()));
        }
    }
    Ok(None)
}

fn loaded(case: &Case, life: &mut Life, plan_id: Uuid) -> Result<Option<Plan>> {
    let view = View::latest()?;
    let organization = &case.context.organization;
    db::facts::include_plan(&view, organization, &mut life.facts, plan_id)?;
    Ok(life.facts.plans.get(&plan_id).cloned())
}

/// The plan under the price that a key names: the plan's own, one of its cycles, or an earlier one.
fn priced(case: &Case, life: &mut Life, plan_id: Uuid, key: &str) -> Result<Option<Terms>> {
    let Some(plan) = loaded(case, life, plan_id)? else {
        return Ok(None);
    };
    let own = Terms::of_plan(&plan);
    let Some(key) = PriceKey::parse(key) else {
        return Ok(Some(own));
    };
    let (amount, currency) = (key.money.amount, key.money.currency.as_str());
    let Some(cadence) = key.cadence else {
        return Ok(Some(own));
    };
    if (plan.price, plan.cadence) == (amount, cadence) {
        return Ok(Some(own));
    }
    let cycles = plan.cycles.iter();
    let mut cycles = cycles.filter(|cycle| cycle.cadence == cadence);
    let same = plan
        .cycles
        .iter()
        .find(|cycle| (cycle.price, cycle.cadence) == (amount, cadence));
    let cycle_key = same
        .or_else(|| cycles.next())
        .map(|cycle| cycle.key.clone());
    Ok(Some(Terms {
        cycle_key: cycle_key.filter(|_| cadence != plan.cadence),
        price: amount,
        currency: Some(currency.to_owned()),
        cadence,
        one_time: false,
        ..own
    }))
}
