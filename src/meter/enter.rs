//! Waiting for customers: who may change them alone, who counts for them, and what of that goes apart.
//!
//! Invariant: each function takes its stripes in ascending order and each of them once, so two calls of
//! one function never wait for each other; what a call will need of several customers is therefore
//! asked for in one call. Classes follow each other as [`Class`] declares them. Deliberately absent: when
//! what is needed, which `flow/` knows.

use super::shared;
use crate::backend::lock::{self, Class, Mode};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Waits until this transaction alone may change what the customer is subscribed to, and count.
pub fn lock_customer(customer_id: Uuid) {
    lock_customers([customer_id]);
}

/// The same for several customers, without a deadlock between two such calls.
pub fn lock_customers(customer_ids: impl IntoIterator<Item = Uuid>) {
    lock_stripes(Class::Customer, modes(customer_ids, Mode::Exclusive));
}

/// The lock of [`lock_customer`] if nobody is in the way; true when it is held now.
pub fn try_lock_customer(customer_id: Uuid) -> bool {
    lock::try_acquire(Class::Customer, lock::stripe(customer_id))
}

/// Waits until nobody changes what the customers are subscribed to; takes may follow.
///
/// Alone in the table engine, together with other takes in the shared one.
fn enter(customer_ids: impl IntoIterator<Item = Uuid>) {
    lock_stripes(Class::Customer, modes(customer_ids, take_mode()));
}

/// [`lock_customers`] of some and [`enter`] of others, without a deadlock between two such calls.
pub fn enter_beside(alone: impl IntoIterator<Item = Uuid>, others: impl IntoIterator<Item = Uuid>) {
    let alone = modes(alone, Mode::Exclusive);
    lock_stripes(Class::Customer, alone.chain(modes(others, take_mode())));
}

/// Waits until this transaction alone draws what depends on earlier periods of the customer.
///
/// In the table engine the customer's lock is enough.
pub fn enter_serial(customer_id: Uuid) {
    enter_serials([customer_id]);
}

/// The same for several customers, without a deadlock between two such calls.
pub fn enter_serials(customer_ids: impl IntoIterator<Item = Uuid>) {
    if shared::is_usable() {
        lock_stripes(Class::Serial, modes(customer_ids, Mode::Exclusive));
    }
}

/// Waits until this transaction alone adds and removes entities of the customer.
pub fn enter_entities(customer_ids: impl IntoIterator<Item = Uuid>) {
    let ids: Vec<Uuid> = customer_ids.into_iter().collect();
    enter(ids.iter().copied());
    lock_stripes(Class::Entity, modes(ids, Mode::Exclusive));
}

/// Waits until nobody gives usage of the customer back; holds may be taken and closed then.
///
/// Holds of several transactions go together: each changes rows of its own. A return must know what
/// is held, so it goes apart from them. In the table engine the customer's lock is enough.
pub fn enter_holds(customer_id: Uuid) {
    if shared::is_usable() {
        lock_stripes(Class::Hold, modes([customer_id], Mode::Joint));
    }
}

/// Waits until nobody changes what is held of the customer's usage; it may be given back then.
pub fn enter_returns(customer_id: Uuid) {
    if shared::is_usable() {
        lock_stripes(Class::Hold, modes([customer_id], Mode::Share));
    }
}

/// [`enter_holds`] of some and [`enter_returns`] of others, without a deadlock between two such calls:
/// who needs both of a customer has it alone.
pub fn enter_holds_beside(
    holds: impl IntoIterator<Item = Uuid>,
    returns: impl IntoIterator<Item = Uuid>,
) {
    if shared::is_usable() {
        let holds = modes(holds, Mode::Joint);
        lock_stripes(Class::Hold, holds.chain(modes(returns, Mode::Share)));
    }
}

/// Whether several transactions count for one customer at a time, so that some of what they do needs
/// locks of its own.
pub fn is_shared() -> bool {
    shared::is_usable()
}

/// [`enter`] for one customer.
pub fn enter_one(customer_id: Uuid) {
    lock::acquire(Class::Customer, lock::stripe(customer_id), take_mode());
}

fn take_mode() -> Mode {
    if shared::is_usable() {
        Mode::Share
    } else {
        Mode::Exclusive
    }
}

fn modes(ids: impl IntoIterator<Item = Uuid>, mode: Mode) -> impl Iterator<Item = (Uuid, Mode)> {
    ids.into_iter().map(move |id| (id, mode))
}

/// Takes stripes in ascending order, each once: alone where it is wanted in two ways.
fn lock_stripes(class: Class, wanted: impl Iterator<Item = (Uuid, Mode)>) {
    let mut stripes: BTreeMap<u64, Mode> = BTreeMap::new();
    for (id, mode) in wanted {
        let known = stripes.entry(lock::stripe(id)).or_insert(mode);
        if *known != mode {
            *known = Mode::Exclusive;
        }
    }
    for (stripe, mode) in stripes {
        lock::acquire(class, stripe, mode);
    }
}
