//! Looking at entries together with others: at one without a lock, or at a partition, locked in share
//! mode.
//!
//! Everything here only reads, but for the mark that an entry was used, which is atomic.

use super::local;
use super::locked::Locked;
use super::memory::{Key, PARTITIONS, Raw, STARTED};
use super::slot::{Slot, State};
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use std::cell::Cell;
use std::sync::atomic::Ordering;

/// What a check sees of the entry of a key where it was last seen, without the lock; None where it
/// must be looked for, or the transaction has something open.
pub fn glance(number: usize, last: u32, key: &Key) -> Option<Quantity> {
    let area = STARTED.load(Ordering::Acquire);
    if !local::is_empty() || number >= PARTITIONS {
        return None;
    }
    // SAFETY: `startup` ran before any caller (checked by `is_ready`); the slot is below `count`.
    let slot = unsafe {
        let raw = Raw::of(area, (*area).slots_per_partition as usize, number);
        (last < raw.count).then(|| &*raw.slots.add(last as usize))
    };
    slot?.glance(key)
}

/// A partition that nobody changes meanwhile.
pub struct Reader(Locked);

impl Reader {
    /// Locks a partition for reading; the memory must be ready.
    pub fn lock(number: usize) -> Self {
        Self(Locked::new(number, pg_sys::LWLockMode::LW_SHARED))
    }

    /// What a check sees of the entry of a key; None where a load would be needed.
    pub fn visible(&self, key: &Key) -> Option<Quantity> {
        let index = self.0.find_in_chain(key)?;
        self.sum(index, self.0.slot(index)?)
    }

    /// The same where the entry was in `last`, and may still be; says where it is.
    pub fn visible_at(&self, key: &Key, last: &Cell<u32>) -> Option<Quantity> {
        let index = last.get();
        if let Some(slot) = self.0.slot(index).filter(|slot| slot.is(key)) {
            return self.sum(index, slot);
        }
        let index = self.0.find_in_chain(key)?;
        last.set(index);
        self.sum(index, self.0.slot(index)?)
    }

    fn sum(&self, index: u32, slot: &Slot) -> Option<Quantity> {
        slot.touch();
        let filled = slot.state() == Some(State::Filled);
        filled.then(|| slot.visible(local::own(&self.0.held(index))))
    }
}
