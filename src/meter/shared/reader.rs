//! Looking at entries together with others: at one without a lock, or at a partition, locked in share
//! mode.
//!
//! Everything here only reads, but for the mark that an entry was used, which is atomic.

use super::local;
use super::memory::{Held, Key, LOCKS, PARTITIONS, Raw, STARTED};
use super::slot::{Slot, State};
use crate::backend::direct;
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

/// A partition that nobody changes meanwhile; unlocked on drop.
pub struct Reader {
    number: u32,
    lock: *mut pg_sys::LWLock,
    raw: Raw,
}

impl Reader {
    /// Locks a partition for reading; the memory must be ready.
    pub fn lock(number: usize) -> Self {
        let number = number % PARTITIONS;
        let area = STARTED.load(Ordering::Acquire);
        // SAFETY: `startup` ran before any caller (checked by `is_ready`), the tranche has
        // `PARTITIONS` locks, and no other LWLock is held here.
        unsafe {
            let raw = Raw::of(area, (*area).slots_per_partition as usize, number);
            let lock = &raw mut (*LOCKS.load(Ordering::Acquire).add(number)).lock;
            direct::lock_light(lock, pg_sys::LWLockMode::LW_SHARED);
            Self {
                number: u32::try_from(number).unwrap_or(0),
                lock,
                raw,
            }
        }
    }

    fn slot(&self, index: u32) -> Option<&Slot> {
        // SAFETY: below `count`; all its fields are atomics.
        (index < self.raw.count).then(|| unsafe { &*self.raw.slots.add(index as usize) })
    }

    /// What a check sees of the entry of a key; None where a load would be needed.
    pub fn visible(&self, key: &Key) -> Option<Quantity> {
        let index = self.find(key)?;
        self.sum(index, self.slot(index)?)
    }

    /// The same where the entry was in `last`, and may still be; says where it is.
    pub fn visible_at(&self, key: &Key, last: &Cell<u32>) -> Option<Quantity> {
        let index = last.get();
        if let Some(slot) = self.slot(index).filter(|slot| slot.is(key)) {
            return self.sum(index, slot);
        }
        let index = self.find(key)?;
        last.set(index);
        self.sum(index, self.slot(index)?)
    }

    fn find(&self, key: &Key) -> Option<u32> {
        // SAFETY: the bucket is below `count`; the lock is held.
        let mut index = unsafe { *self.raw.chains.add(self.raw.bucket(key)) };
        loop {
            let slot = self.slot(index)?;
            if slot.is(key) {
                return Some(index);
            }
            index = slot.next();
        }
    }

    fn sum(&self, index: u32, slot: &Slot) -> Option<Quantity> {
        slot.touch();
        let held = Held {
            partition: self.number,
            slot: index,
        };
        let filled = slot.state() == Some(State::Filled);
        filled.then(|| slot.visible(local::own(&held)))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: acquired in `lock`; nothing in between can raise.
        unsafe { direct::unlock_light(self.lock) };
    }
}
