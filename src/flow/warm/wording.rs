//! What `details` of a plain allowance says, kept by what it depends on.
//!
//! Most customers of a plan are told the same, so what was worded for one is used for the next.
//! Invariant: two entitlements with the same [`Basis`] are worded alike for the same question; numbers
//! of a customer are never part of what is kept here.

use crate::backend::answer::Jsonb;
use crate::backend::local::Local;
use crate::meter::Used;
use owostack_domain::decision;
use owostack_domain::entitlement::{Entitlement, Overage, SourceKind, Status};
use owostack_domain::period::Time;
use owostack_domain::quantity::Quantity;
use serde_json::Value;
use std::rc::Rc;
use std::sync::Arc;

/// `details` as Postgres and as we know them.
#[derive(Debug, Clone)]
pub struct Worded {
    pub row: Rc<Jsonb>,
    pub document: Rc<Value>,
}

/// Wordings that one session keeps: plans and features times values that are usual.
const KEPT: usize = 64;

/// Everything that the words of a recorded value depend on, but for the value.
struct Basis {
    slug: String,
    kind: SourceKind,
    plan: Option<String>,
    status: Option<Status>,
    trial: bool,
    trial_ends_at: Option<Time>,
    pricing: Option<Arc<Value>>,
    overage: Option<Overage>,
    usage_based: bool,
    billable: bool,
}

impl Basis {
    fn of(entitlement: &Entitlement) -> Option<Self> {
        Some(Self {
            slug: entitlement.slug.clone(),
            kind: entitlement.sources.first()?.kind,
            plan: entitlement.plan.clone(),
            status: entitlement.status,
            trial: entitlement.trial,
            trial_ends_at: entitlement.trial_ends_at,
            pricing: entitlement.pricing.clone(),
            overage: entitlement.overage,
            usage_based: entitlement.usage_based,
            billable: entitlement.billable,
        })
    }

    fn is_of(&self, entitlement: &Entitlement) -> bool {
        self.slug == entitlement.slug
            && entitlement
                .sources
                .first()
                .is_some_and(|source| source.kind == self.kind)
            && self.plan == entitlement.plan
            && self.status == entitlement.status
            && self.trial == entitlement.trial
            && self.trial_ends_at == entitlement.trial_ends_at
            && self.usage_based == entitlement.usage_based
            && self.billable == entitlement.billable
            && self.overage == entitlement.overage
            && self.pricing == entitlement.pricing
    }
}

struct Wording {
    value: Quantity,
    basis: Basis,
    worded: Worded,
}

static WORDINGS: Local<Vec<Wording>> = Local::new(Vec::new());

/// `details` after recording `value` of a plain allowance that covers it.
pub fn recorded(entitlement: &Entitlement, value: Quantity) -> Option<Worded> {
    let is_same = |one: &&Wording| one.value == value && one.basis.is_of(entitlement);
    let known = |kept: &Vec<Wording>| kept.iter().find(is_same).map(|one| one.worded.clone());
    if let Some(worded) = WORDINGS.read(known) {
        return Some(worded);
    }
    let (decision, _) = decision::track(entitlement, &Used::new(), value);
    let worded = Worded {
        row: Rc::new(Jsonb::new(&decision.details)?),
        document: Rc::new(decision.details),
    };
    let wording = Wording {
        value,
        basis: Basis::of(entitlement)?,
        worded: worded.clone(),
    };
    WORDINGS.write(|kept| {
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(wording);
    });
    Some(worded)
}
