//! Answers without a statement: what this backend resolved before, while nothing has changed since.
//!
//! Called by `api/` before the ordinary flow, with the caller's own rights; an answer of `None` means
//! "ask the flow". Invariants: caches change cost, never meaning. What is kept was read after its
//! generations were (protocol 24), is used only while they stand, within the time for which it was
//! resolved, and never by a transaction that changed something itself (protocol 26).

mod brief;
pub mod context;
mod exchange;
pub mod known;
pub mod parallel;
pub mod plain;
mod pocket;
pub mod record;
mod shelf;
mod wording;

use crate::backend::answer::Jsonb;
use crate::backend::call::Access;
use crate::backend::clock::{self, Tick};
use crate::flow::context::Level;
use crate::flow::decided::Decided;
use crate::flow::hold;
use crate::meter::{Used, shared};
use context::Warm;
use known::Known;
use owostack_domain::decision;
use owostack_domain::entitlement::{FeatureType, GrantState};
use owostack_domain::quantity::Quantity;
use shelf::Words;
use std::rc::Rc;

/// An answer from what is known.
pub enum Answered {
    /// One plain allowance covers the value.
    Granted(Granted),
    /// Anything else.
    Decided(Decided),
}

/// A plain allowance that covers what was asked for.
#[derive(Clone)]
pub struct Granted {
    pub usage: Quantity,
    pub balance: Option<Quantity>,
    pub known: Rc<Known>,
    pub details: Option<Rc<Jsonb>>,
    pub code: &'static str,
}

/// What is known of a question, and the time of the call.
fn find(customer: &[u8], feature: &[u8]) -> Option<(Rc<Known>, Tick)> {
    let warm = context::find(Level::Reader, Access::Read, Access::Read.tick())?;
    Some((known::find(&warm, customer, feature)?, warm.tick))
}

fn used(known: &Known) -> Option<Used> {
    match known.entitlement.feature_type {
        FeatureType::Metered => shared::visible_now(known.customer_id(), &known.places),
        _ => Some(Used::new()),
    }
}

/// Whether no hold may be over, so that a shortage is final.
fn is_clear(known: &Known, now: Tick) -> bool {
    clock::from_postgres(now).is_some_and(|now| hold::is_clear(known.customer_id(), now))
}

/// `owo_check` from what is known; a shortage is final unless a hold may be over.
pub fn check(customer: &[u8], feature: &[u8], value: Quantity) -> Option<Answered> {
    if value.is_negative() {
        return None;
    }
    let (known, now) = find(customer, feature)?;
    if let Some(plain) = &known.plain {
        let usage = shared::visible_one(known.customer_id(), &plain.place, &plain.slot)?;
        if let Some(balance) = plain.balance(usage, value) {
            let details = plain.granted_details(&known.entitlement);
            return Some(Answered::Granted(Granted {
                usage,
                balance,
                known,
                details,
                code: "access_granted",
            }));
        }
    }
    let decision = match known.head.count {
        Some(count) => decision::entity(&known.entitlement, count, value),
        None => decision::check(&known.entitlement, &used(&known)?, value),
    };
    let short = known.head.count.is_none() && decision.code.is_shortage();
    let is_final = !short || is_clear(&known, now);
    is_final.then(|| Answered::Decided(decision.into()))
}

/// `owo_allowed` from what is known.
pub fn allowed(customer: &[u8], feature: &[u8], value: Quantity) -> Option<bool> {
    if value.is_negative() {
        return None;
    }
    let warm = context::find(Level::Reader, Access::Read, Access::Read.tick())?;
    let words = Words {
        organization_id: warm.context.organization.id,
        customer,
        feature,
    };
    let hash = words.hash();
    if let Some(allowed) = allowed_briefly(&warm, &words, hash, value) {
        return Some(allowed);
    }
    let (known, now) = (known::find_hashed(&words, hash, warm.tick)?, warm.tick);
    if let Some(brief) = known.brief(&warm, &words, hash) {
        pocket::put(brief);
    }
    if known.entitlement.grant != GrantState::Granted {
        return Some(false);
    }
    if let Some(plain) = &known.plain {
        let usage = shared::visible_one(known.customer_id(), &plain.place, &plain.slot)?;
        if plain.balance(usage, value).is_some() {
            return Some(true);
        }
    }
    match known.head.count {
        Some(count) => Some(decision::entity(&known.entitlement, count, value).allowed),
        None => {
            let allowed = decision::allowed(&known.entitlement, &used(&known)?, value);
            let is_final = allowed || is_clear(&known, now);
            is_final.then_some(allowed)
        }
    }
}

/// The same from an answer that is at hand, or that another session has shared.
fn allowed_briefly(warm: &Warm, words: &Words, hash: u64, value: Quantity) -> Option<bool> {
    let own = pocket::ask(words, hash, |brief| {
        brief.stands(warm).then(|| brief.allows(value))
    });
    own.unwrap_or_else(|| {
        let shared = exchange::brief(warm, words, hash).filter(|brief| brief.stands(warm))?;
        let allowed = shared.allows(value);
        pocket::put(shared);
        allowed
    })
}
