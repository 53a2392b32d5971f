//! What this backend's transaction has open in shared memory.
//!
//! A plain allocation that is never freed and has no destructor: callbacks of a FATAL exit run
//! without unwinding (protocol 7). It is borrowed only within this file, never across a call into
//! Postgres.

use super::memory::Held;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicPtr, Ordering};

/// One take (positive) or return (negative) and the subtransaction that made it.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    pub held: Held,
    pub amount: i128,
    pub subtransaction: u32,
}

/// What this transaction has open on one entry.
#[derive(Default)]
struct Own {
    takes: i128,
    returns: i128,
    /// How many items pin the entry; without one the entry may belong to another meter.
    items: usize,
}

#[derive(Default)]
struct Local {
    items: Vec<Item>,
    own: HashMap<Held, Own, BuildHasherDefault<Places>>,
}

/// Spreads places of entries: two small numbers that nobody chooses.
#[derive(Default)]
struct Places(u64);

impl Hasher for Places {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32((*byte).into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(29);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

static LOCAL: AtomicPtr<Local> = AtomicPtr::new(std::ptr::null_mut());

fn with<T>(body: impl FnOnce(&mut Local) -> T) -> T {
    let mut local = LOCAL.load(Ordering::Relaxed);
    if local.is_null() {
        local = Box::leak(Box::default());
        LOCAL.store(local, Ordering::Relaxed);
    }
    // SAFETY: made above by this process and never freed; its one thread that comes here does not
    // re-enter this function from `body`.
    body(unsafe { &mut *local })
}

/// Makes room for that many items, so that a push inside a critical section allocates nothing.
pub fn reserve(count: usize) {
    with(|local| {
        local.items.reserve(count);
        local.own.reserve(count);
    });
}

/// What this transaction has open on an entry: takes and returns, both as positive numbers.
pub fn own(held: &Held) -> (i128, i128) {
    with(|local| {
        let own = local.own.get(held);
        own.map_or((0, 0), |own| (own.takes, own.returns))
    })
}

/// How many entries this transaction would pin together with these.
pub fn pinned_with<'a>(entries: impl IntoIterator<Item = &'a Held>) -> usize {
    with(|local| {
        let new = entries
            .into_iter()
            .filter(|held| !local.own.contains_key(held));
        local.own.len().saturating_add(new.count())
    })
}

/// Whether this transaction has anything open.
pub fn is_empty() -> bool {
    with(|local| local.items.is_empty())
}

/// Remembers a take or return, labelled with the running subtransaction.
pub fn push(held: Held, amount: i128) {
    // SAFETY: reads a counter of the running transaction.
    let subtransaction = unsafe { pgrx::pg_sys::GetCurrentSubTransactionId() };
    with(|local| {
        local.items.push(Item {
            held,
            amount,
            subtransaction,
        });
        let own = local.own.entry(held).or_default();
        own.items += 1;
        if amount >= 0 {
            own.takes += amount
        } else {
            own.returns -= amount
        }
    });
}

/// Removes and returns the newest item of a subtransaction not older than `least`.
pub fn pop(least: u32) -> Option<Item> {
    with(|local| {
        let item = local.items.pop_if(|item| item.subtransaction >= least)?;
        if let Some(own) = local.own.get_mut(&item.held) {
            own.items = own.items.saturating_sub(1);
            if item.amount >= 0 {
                own.takes -= item.amount
            } else {
                own.returns += item.amount
            }
            if own.items == 0 {
                local.own.remove(&item.held);
            }
        }
        Some(item)
    })
}

/// Turns the stack over, so that [`pop`] hands the oldest item out first.
pub fn oldest_first() {
    with(|local| local.items.reverse());
}

/// Forgets the sums of a finished transaction; the memory is kept for the next one.
pub fn clear() {
    with(|local| {
        local.items.clear();
        local.own.clear();
        local.items.shrink_to(1_024);
        local.own.shrink_to(1_024);
    });
}
