//! When the next open hold of a customer comes to its end, as this backend read it last.
//!
//! So that a shortage needs no statement while nothing could make room. Invariant (protocol 24): what
//! is kept was read after its generation was, and taking a hold moves that. Ending one does not: then
//! the outlook is early, and costs one look.

use crate::backend::generation::{self, Holds};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Result;
use chrono::{DateTime, Utc};
use std::cell::RefCell;
use std::collections::HashMap;
use uuid::Uuid;

/// Customers that one backend remembers; beyond it starts anew.
const KEPT: usize = 20_000;

/// The next end of an open hold, and the generation that it was read under.
type Outlook = (Holds, Option<DateTime<Utc>>);

thread_local! {
    static KNOWN: RefCell<HashMap<Uuid, Outlook>> = RefCell::new(HashMap::new());
}

/// Whether it is known, without a statement, that no open hold of the customer is over.
pub fn is_clear(customer_id: Uuid, now: DateTime<Utc>) -> bool {
    let Some(holds) = generation::holds(customer_id) else {
        return false;
    };
    KNOWN.with_borrow(|known| {
        known
            .get(&customer_id)
            .is_some_and(|(kept, next)| *kept == holds && next.is_none_or(|next| now < next))
    })
}

/// Whether an open hold of the customer is over.
///
/// # Errors
/// As the statements.
pub fn is_due(customer_id: Uuid, now: DateTime<Utc>) -> Result<bool> {
    Ok(!due_among(&[customer_id], now)?.is_empty())
}

/// Those of the customers of whom an open hold is over.
///
/// # Errors
/// As the statement.
pub fn due_among(customer_ids: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let unclear = customer_ids.iter().copied();
    let unclear: Vec<Uuid> = unclear.filter(|id| !is_clear(*id, now)).collect();
    if unclear.is_empty() {
        return Ok(unclear);
    }
    let holds: Vec<Option<Holds>> = unclear.iter().map(|id| generation::holds(*id)).collect();
    let ends = db::reservation::next_ends(&Snapshot::latest()?, unclear.clone())?;
    let mut due = Vec::new();
    for (customer_id, holds) in unclear.into_iter().zip(holds) {
        let next = ends.get(&customer_id).copied();
        keep(customer_id, holds, next);
        if next.is_some_and(|next| next <= now) {
            due.push(customer_id);
        }
    }
    Ok(due)
}

fn keep(customer_id: Uuid, holds: Option<Holds>, next: Option<DateTime<Utc>>) {
    let Some(holds) = holds else {
        return;
    };
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(customer_id, (holds, next));
    });
}
