//! What an attach means: what it replaces, when it takes effect and what it costs.
//!
//! Called by `flow/attach` for attaches and previews, after `advance` to the same moment.
//! Invariants: pure and total; an upgrade is never effective before its money; amounts due are
//! never negative, what is left of a credit is told apart. Deliberately absent: rows and ids.

use crate::entitlement::facts::{Facts, Plan, Status, Subscription};
use crate::period::Time;
use crate::subscription::open::{Origin, trial_end};
use crate::subscription::price::price;
pub use crate::subscription::terms::{Kind, Terms, TermsError, classify};
use uuid::Uuid;

/// When a customer wants a change, in place of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// At once.
    Now,
    /// When the running period is over.
    PeriodEnd,
}

impl Timing {
    /// Reads the argument of `owo_attach`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "now" => Some(Self::Now),
            "period_end" => Some(Self::PeriodEnd),
            _ => None,
        }
    }
}

/// What the customer asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Key or interval of a cycle; none keeps the current one, else the plan's own.
    pub cycle: Option<&'a str>,
    /// When, instead of the rule.
    pub timing: Option<Timing>,
    /// The customer has had a trial in this group.
    pub trial_used: bool,
}

/// What a checkout is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckoutKind {
    /// Money for a subscription.
    Payment,
    /// A payment method for a trial.
    Setup,
}

impl CheckoutKind {
    /// The word of `owo.checkout.kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "subscription",
            Self::Setup => "setup",
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing: the plan is not for sale.
    PlanInactive,
    /// Nothing: the add-on has no base plan to stand on.
    AddonNeedsBase,
    /// The plan is live already: drop its scheduled change and cancellation.
    Keep(Uuid),
    /// Wait for a checkout; `open` is the subscription that already waits for the same.
    Checkout {
        kind: CheckoutKind,
        open: Option<Uuid>,
    },
    /// Write it down for later.
    Schedule {
        subscription: Uuid,
        effective_at: Time,
    },
    /// Begin at once.
    Start,
}

impl Action {
    /// The word of `owo_attachment.code`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PlanInactive => "plan_inactive",
            Self::AddonNeedsBase => "addon_needs_base",
            Self::Keep(_) => "unchanged",
            Self::Checkout { .. } => "checkout_required",
            Self::Schedule { .. } => "scheduled",
            Self::Start => "attached",
        }
    }

    /// True unless nothing could be done.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        !matches!(self, Self::PlanInactive | Self::AddonNeedsBase)
    }
}

/// The answer to a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// What is to be done.
    pub action: Action,
    /// How it relates to the current plan of the group.
    pub kind: Kind,
    /// Plan, cycle and price, pinned now.
    pub terms: Terms,
    /// The live subscription whose place it takes.
    pub replaces: Option<Uuid>,
    /// Due at once, in the currency of the terms.
    pub amount_due: i64,
    /// What is left of the old plan's unused time after the new price is covered.
    pub credit_left: i64,
    /// Currency of that credit.
    pub credit_currency: Option<String>,
    /// When the new terms grant; none when nothing is done.
    pub effective_at: Option<Time>,
    /// End of the trial that it begins with.
    pub trial_ends_at: Option<Time>,
}

impl Attach {
    /// Where the new subscription comes from, once it may begin.
    #[must_use]
    pub fn origin<'a>(&self, facts: &'a Facts) -> Origin<'a> {
        origin(
            facts,
            &self.terms,
            self.kind == Kind::Upgrade && self.amount_due > 0,
        )
    }
}

/// What terms take the place of when they begin: the live base plan of their exclusive group.
#[must_use]
pub fn origin<'a>(facts: &'a Facts, terms: &Terms, paid_upgrade: bool) -> Origin<'a> {
    match current(facts, terms) {
        Some(from) => Origin::Switch { from, paid_upgrade },
        None => Origin::Nothing,
    }
}

/// Decides an attach at a moment; the facts are as of that moment.
///
/// # Errors
/// When the plan has no such cycle, or its price cannot be compared with the current one.
pub fn plan_attach(facts: &Facts, wish: Wish<'_>, now: Time) -> Result<Attach, TermsError> {
    let terms = wanted_terms(facts, &wish)?;
    let current = current(facts, &terms);
    let kind = match current {
        None => Kind::New,
        Some(row) => {
            let rank = facts.plan_of(row).and_then(|plan| plan.rank);
            classify(row, rank, &terms, wish.plan.rank)?
        }
    };
    let mut attach = Attach {
        action: Action::Start,
        kind,
        replaces: current.map(|row| row.id),
        amount_due: 0,
        credit_left: 0,
        credit_currency: None,
        effective_at: Some(now),
        trial_ends_at: None,
        terms,
    };
    if let (Kind::Unchanged, Some(row)) = (kind, current) {
        attach.action = Action::Keep(row.id);
        attach.replaces = None;
        return Ok(attach);
    }
    if let Some(refusal) = refusal(facts, wish.plan) {
        attach.action = refusal;
        attach.effective_at = None;
        return Ok(attach);
    }
    if let Some((row, effective_at)) = later(current, kind, wish.timing, now) {
        attach.action = Action::Schedule {
            subscription: row.id,
            effective_at,
        };
        attach.effective_at = Some(effective_at);
        return Ok(attach);
    }
    if kind != Kind::Downgrade && !wish.trial_used {
        attach.trial_ends_at = trial_end(wish.plan.trial_days, facts.zone, now);
    }
    let trial = attach.trial_ends_at.is_some();
    let price = price(facts, current, &attach.terms, trial, now);
    attach.amount_due = price.amount_due;
    attach.credit_left = price.credit_left;
    attach.credit_currency = price.credit_currency;
    attach.action = begin(facts, &attach, wish.plan);
    Ok(attach)
}

/// No cycle named: that of the current subscription to the same plan goes on.
fn wanted_terms(facts: &Facts, wish: &Wish<'_>) -> Result<Terms, TermsError> {
    let own = Terms::of_plan(wish.plan);
    if wish.cycle.is_none()
        && let Some(row) = current(facts, &own)
        && row.plan_id == own.plan_id
    {
        return Ok(Terms::of_subscription(row));
    }
    Terms::of_cycle(wish.plan, wish.cycle)
}

fn current<'a>(facts: &'a Facts, terms: &Terms) -> Option<&'a Subscription> {
    facts.live_base(terms.group_id).filter(|_| terms.base)
}

fn refusal(facts: &Facts, plan: &Plan) -> Option<Action> {
    if !plan.active {
        return Some(Action::PlanInactive);
    }
    if !plan.is_addon {
        return None;
    }
    // A plan without a group is its own.
    let any_group = plan.group_id == plan.id;
    let stands = facts.subscriptions.iter().any(|one| {
        let base = facts.plan_of(one).is_some_and(|plan| !plan.is_addon);
        one.is_live() && base && (any_group || one.group_id == plan.group_id)
    });
    (!stands).then_some(Action::AddonNeedsBase)
}

/// The subscription that runs on until its period is over, when the change waits for that.
fn later(
    current: Option<&Subscription>,
    kind: Kind,
    timing: Option<Timing>,
    now: Time,
) -> Option<(&Subscription, Time)> {
    let row = current?;
    let waits = match timing {
        Some(Timing::Now) => false,
        Some(Timing::PeriodEnd) => true,
        None => kind == Kind::Downgrade,
    };
    // Without an end of the period, or with one that a pause has passed, there is nothing to wait for.
    let end = row.period_end.filter(|end| waits && *end > now)?;
    Some((row, end))
}

/// Begin now, or after a checkout?
fn begin(facts: &Facts, attach: &Attach, plan: &Plan) -> Action {
    let kind = match attach.trial_ends_at {
        Some(_) if plan.trial_card_required && !facts.has_payment_method => CheckoutKind::Setup,
        Some(_) => return Action::Start,
        None if attach.amount_due > 0 && attach.kind != Kind::Lateral => CheckoutKind::Payment,
        None => return Action::Start,
    };
    let open = facts
        .subscriptions
        .iter()
        .find(|one| one.status == Status::Incomplete && attach.terms.is_same_choice(one))
        .map(|one| one.id);
    Action::Checkout { kind, open }
}

#[cfg(test)]
#[path = "switch_tests.rs"]
mod tests;
