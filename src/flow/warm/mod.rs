//! Answers without a statement: what this backend resolved before, while nothing has changed since.
//!
//! Called by `api/` before the ordinary flow, with the caller's own rights; an answer of `None` means
//! "ask the flow". Invariants: caches change cost, never meaning. What is kept was read after its
//! generations were (protocol 24), is used only while they stand, within the time for which it was
//! resolved, and never by a transaction that changed something itself (protocol 26).

pub mod context;
pub mod known;
pub mod record;

use crate::backend::call::Access;
use crate::flow::check::Question;
use crate::flow::context::Level;
use crate::flow::decided::Decided;
use crate::meter::{Used, shared};
use known::Known;
use owostack_domain::decision;
use owostack_domain::entitlement::FeatureType;
use owostack_domain::quantity::Quantity;
use std::rc::Rc;

/// What is known about a question, with what is used by now.
fn find(question: &Question) -> Option<(Rc<Known>, Used)> {
    let context = context::find(Level::Reader, Access::Read, Access::Read.time())?;
    let known = known::find(&context, question)?;
    let used = match known.entitlement.feature_type {
        FeatureType::Metered => shared::visible_now(known.customer.id, &known.places)?,
        _ => Used::new(),
    };
    Some((known, used))
}

/// `owo_check` from what is known.
pub fn check(question: &Question, value: Quantity) -> Option<Decided> {
    let (known, used) = find(question)?;
    let decision = match known.count {
        Some(count) => decision::entity(&known.entitlement, count, value),
        None => decision::check(&known.entitlement, &used, value),
    };
    Some(decision.into())
}

/// `owo_allowed` from what is known.
pub fn allowed(question: &Question, value: Quantity) -> Option<bool> {
    let (known, used) = find(question)?;
    Some(match known.count {
        Some(count) => decision::entity(&known.entitlement, count, value).allowed,
        None => decision::allowed(&known.entitlement, &used, value),
    })
}
