//! The way to the money: what a provider makes of a decision.
//!
//! Called by attaches and previews after `domain::switch`. Invariants: the same for both; a
//! subscription that costs something begins at its provider before it begins here, or goes on with
//! one that runs there; what the provider cannot do is refused before anything is written.

use crate::backend::spi::Snapshot;
use crate::db::method::Method;
use crate::error::{Error, Result};
use crate::flow::life::Life;
use crate::flow::provider::desk::Desk;
use crate::flow::provider::express;
use owostack_domain::entitlement::facts::{Plan, Status};
use owostack_domain::subscription::tell::recurs;
use owostack_domain::switch::{Action, Attach, CheckoutKind, Terms};
use owostack_provider::capability::Support;
use uuid::Uuid;

/// How what was decided comes about.
pub enum Way {
    /// Without a provider, or as the rows alone tell it.
    Plain,
    /// The customer goes to a page of the provider.
    Page,
    /// The provider changes the subscription that it runs; nobody is asked.
    Change,
    /// The same, after the difference was charged, which the provider does not do by itself.
    Charge(Box<Desk>, Box<Method>),
    /// The new row goes on with the subscription that the provider runs.
    GoOn,
}

impl Way {
    /// Whether the customer is needed.
    pub const fn has_page(&self) -> bool {
        !matches!(self, Self::Change | Self::Charge(..))
    }
}

/// What is attached, and how it is paid.
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    pub plan: &'a Plan,
    /// Who bills it.
    pub provider: &'a str,
    pub callback_url: Option<&'a str>,
}

/// Shapes a decision by what its provider can do.
///
/// # Errors
/// `55000` no account, or what the provider cannot do; `22023` a plan that it cannot express, or no
/// address to come back to where it needs one.
pub fn choose(life: &Life, offer: &Offer, decided: &mut Attach) -> Result<Way> {
    match decided.action {
        Action::PlanInactive | Action::AddonNeedsBase => Ok(Way::Plain),
        Action::Keep(id) => {
            life.demand_undo(id)?;
            Ok(Way::Plain)
        }
        Action::Schedule { subscription, .. } => schedule(life, offer, decided, subscription),
        Action::Checkout { kind, .. } => checkout(life, offer, decided, kind),
        Action::Start => start(life, offer, decided),
    }
}

/// A change at period end is told to whoever runs the subscription now.
fn schedule(life: &Life, offer: &Offer, decided: &Attach, id: Uuid) -> Result<Way> {
    let Some(desk) = life.desk_of(id)? else {
        return Ok(Way::Plain);
    };
    life.demand_undo(id)?;
    if recurs(decided.terms.price, decided.terms.one_time) {
        desk.demand(desk.capabilities().change_at_period_end)?;
        express(&desk, offer.plan, &decided.terms)?;
    } else {
        desk.demand(desk.capabilities().cancel_at_period_end)?;
    }
    Ok(Way::Plain)
}

fn checkout(life: &Life, offer: &Offer, decided: &mut Attach, kind: CheckoutKind) -> Result<Way> {
    let Some(desk) = Desk::require(life.context, offer.provider)? else {
        return Ok(Way::Plain);
    };
    express(&desk, offer.plan, &decided.terms)?;
    let recurring = recurs(decided.terms.price, decided.terms.one_time);
    if kind == CheckoutKind::Payment && recurring && runs(life, &desk, offer, decided)? {
        if let Some(way) = change(life, desk, decided)? {
            return Ok(way);
        }
        let desk = Desk::require(life.context, offer.provider)?;
        return desk.map_or(Ok(Way::Plain), |desk| {
            page(life, &desk, offer, decided, kind)
        });
    }
    page(life, &desk, offer, decided, kind)
}

fn start(life: &Life, offer: &Offer, decided: &mut Attach) -> Result<Way> {
    if !recurs(decided.terms.price, decided.terms.one_time) {
        return Ok(Way::Plain);
    }
    let Some(desk) = Desk::require(life.context, offer.provider)? else {
        return Ok(Way::Plain);
    };
    express(&desk, offer.plan, &decided.terms)?;
    if decided.trial_ends_at.is_some() {
        let saved = desk
            .method(&Snapshot::latest()?, life.customer.id)?
            .is_some();
        // A card elsewhere is none here, and what cannot be begun for a saved card later must begin
        // on the provider's page now.
        let startable = desk.capabilities().start_subscription.is_possible();
        return match startable && (saved || !offer.plan.trial_card_required) {
            true => Ok(Way::Plain),
            false => page(life, &desk, offer, decided, CheckoutKind::Setup),
        };
    }
    if runs(life, &desk, offer, decided)? {
        if let Some(from) = decided.replaces {
            life.demand_undo(from)?;
        }
        desk.demand(desk.capabilities().change_now)?;
        return Ok(Way::GoOn);
    }
    page(life, &desk, offer, decided, CheckoutKind::Payment)
}

/// Whether the provider runs the subscription whose place is taken.
fn runs(life: &Life, desk: &Desk, offer: &Offer, decided: &Attach) -> Result<bool> {
    let Some(from) = decided.replaces else {
        return Ok(false);
    };
    let same = life.label(from).provider == offer.provider;
    Ok(same && desk.has(&Snapshot::latest()?, from)?)
}

/// The provider's own subscription changes; None where the difference cannot be charged.
fn change(life: &Life, desk: Desk, decided: &Attach) -> Result<Option<Way>> {
    if let Some(from) = decided.replaces {
        life.demand_undo(from)?;
    }
    desk.demand(desk.capabilities().change_now)?;
    if desk.capabilities().change_now == Support::Native {
        return Ok(Some(Way::Change));
    }
    let method = desk.method(&Snapshot::latest()?, life.customer.id)?;
    Ok(method.map(|method| Way::Charge(Box::new(desk), Box::new(method))))
}

fn page(
    life: &Life,
    desk: &Desk,
    offer: &Offer,
    decided: &mut Attach,
    kind: CheckoutKind,
) -> Result<Way> {
    demand_url(desk, offer.callback_url)?;
    let capabilities = desk.capabilities();
    let terms = &decided.terms;
    let support = match kind {
        _ if terms.one_time => capabilities.checkout_one_time,
        CheckoutKind::Setup => capabilities.checkout_trial,
        CheckoutKind::Payment => capabilities.checkout_subscription,
    };
    desk.demand(support)?;
    if kind == CheckoutKind::Payment && !terms.one_time {
        // A new subscription there costs its whole first period; what is left of another one is
        // not known to its provider.
        decided.amount_due = terms.price;
    }
    let open = life.facts.subscriptions.iter();
    let open = open
        .filter(|one| one.status == Status::Incomplete && terms.is_same_choice(one))
        .find(|one| life.label(one.id).provider == offer.provider)
        .map(|one| one.id);
    decided.action = Action::Checkout { kind, open };
    Ok(Way::Page)
}

/// Refuses a page without an address to come back to, where the provider needs one.
///
/// # Errors
/// `22023`.
pub fn demand_url(desk: &Desk, callback_url: Option<&str>) -> Result<()> {
    let capabilities = desk.capabilities();
    if !capabilities.checkout_needs_url || callback_url.is_some() {
        return Ok(());
    }
    let title = capabilities.title;
    Err(
        Error::invalid(format!("{title} needs an address to come back to"))
            .hint("Name it with the argument callback_url."),
    )
}

/// Refuses a price or an interval that the provider cannot express (providers 12.1).
fn express(desk: &Desk, plan: &Plan, terms: &Terms) -> Result<()> {
    // A price that was made at the provider by hand can be expressed there.
    let named = plan.cycles.iter();
    let named = named.filter(|one| Some(&one.key) == terms.cycle_key.as_ref());
    if named.into_iter().any(|one| one.external_id.is_some()) {
        return Ok(());
    }
    let price = express::Price {
        amount: terms.price,
        currency: terms.currency.as_deref(),
        cadence: (!terms.one_time).then_some(terms.cadence),
    };
    match express::problem(desk.provider, price) {
        None => Ok(()),
        Some(problem) => Err(Error::invalid(format!(
            "plan \"{}\" cannot be sold through {}: {problem}",
            plan.slug,
            desk.capabilities().title
        ))),
    }
}
