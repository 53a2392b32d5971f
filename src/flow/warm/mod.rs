//! Answers without a statement: what this backend resolved before, while nothing has changed since.
//!
//! Called by `api/` before the ordinary flow, with the caller's own rights; an answer of `None` means
//! "ask the flow". Invariants: caches change cost, never meaning. What is kept was read after its
//! generations were (protocol 24), is used only while they stand, within the time for which it was
//! resolved, and never by a transaction that changed something itself (protocol 26).

pub mod context;
pub mod known;
pub mod parallel;
pub mod record;

use crate::backend::answer::Jsonb;
use crate::backend::call::Access;
use crate::flow::check::Question;
use crate::flow::context::Level;
use crate::flow::decided::Decided;
use crate::flow::hold;
use crate::meter::{Used, shared};
use chrono::{DateTime, Utc};
use known::Known;
use owostack_domain::decision;
use owostack_domain::entitlement::{FeatureType, GrantState};
use owostack_domain::quantity::Quantity;
use std::rc::Rc;

/// An answer from what is known.
pub enum Answered {
    /// One plain allowance covers the value.
    Granted(Granted),
    /// Anything else.
    Decided(Decided),
}

/// A plain allowance that covers what was asked for.
pub struct Granted {
    pub usage: Quantity,
    pub balance: Option<Quantity>,
    pub known: Rc<Known>,
    pub details: Option<Rc<Jsonb>>,
    pub code: &'static str,
}

fn find(question: &Question) -> Option<(Rc<Known>, DateTime<Utc>)> {
    let warm = context::find(Level::Reader, Access::Read, Access::Read.time())?;
    Some((known::find(&warm, question)?, warm.now))
}

fn used(known: &Known) -> Option<Used> {
    match known.entitlement.feature_type {
        FeatureType::Metered => shared::visible_now(known.customer.id, &known.places),
        _ => Some(Used::new()),
    }
}

/// `owo_check` from what is known; a shortage is final unless a hold may be over.
pub fn check(question: &Question, value: Quantity) -> Option<Answered> {
    if let Some(decided) = parallel::recall(question, value) {
        return Some(Answered::Decided((*decided).clone()));
    }
    let (known, now) = find(question)?;
    if let Some(plain) = known.plain {
        let usage = shared::visible_one(known.customer.id, &plain.place)?;
        if let Some(balance) = plain.balance(usage, value) {
            let details = known.granted_details();
            return Some(Answered::Granted(Granted {
                usage,
                balance,
                known,
                details,
                code: "access_granted",
            }));
        }
    }
    let decision = match known.count {
        Some(count) => decision::entity(&known.entitlement, count, value),
        None => decision::check(&known.entitlement, &used(&known)?, value),
    };
    let short = known.count.is_none() && decision.code.is_shortage();
    let is_final = !short || hold::is_clear(known.customer.id, now);
    is_final.then(|| Answered::Decided(decision.into()))
}

/// `owo_allowed` from what is known.
pub fn allowed(question: &Question, value: Quantity) -> Option<bool> {
    if let Some(decided) = parallel::recall(question, value) {
        return Some(decided.allowed);
    }
    let (known, now) = find(question)?;
    if known.entitlement.grant != GrantState::Granted {
        return Some(false);
    }
    if let Some(plain) = known.plain {
        let usage = shared::visible_one(known.customer.id, &plain.place)?;
        if plain.balance(usage, value).is_some() {
            return Some(true);
        }
    }
    match known.count {
        Some(count) => Some(decision::entity(&known.entitlement, count, value).allowed),
        None => {
            let allowed = decision::allowed(&known.entitlement, &used(&known)?, value);
            let is_final = allowed || hold::is_clear(known.customer.id, now);
            is_final.then_some(allowed)
        }
    }
}
