//! A partition with its lock: which slots there are, and where the entry of a key is.
//!
//! What may be done with them is for `partition`, which holds the lock alone, and `reader`, which shares
//! it.

use super::memory::{Held, Key, LOCKS, PARTITIONS, Raw, STARTED};
use super::slot::Slot;
use crate::backend::direct;
use pgrx::pg_sys;
use std::sync::atomic::Ordering;

/// A locked partition; unlocked on drop.
pub struct Locked {
    number: u32,
    lock: *mut pg_sys::LWLock,
    raw: Raw,
}

impl Locked {
    /// Locks a partition in that mode; the memory must be ready.
    pub fn new(number: usize, mode: pg_sys::LWLockMode::Type) -> Self {
        let number = number % PARTITIONS;
        let area = STARTED.load(Ordering::Acquire);
        // SAFETY: `startup` ran before any caller (checked by `is_ready`), the tranche has
        // `PARTITIONS` locks, and no other LWLock is held here.
        unsafe {
            let raw = Raw::of(area, (*area).slots_per_partition as usize, number);
            let lock = &raw mut (*LOCKS.load(Ordering::Acquire).add(number)).lock;
            direct::lock_light(lock, mode);
            Self {
                number: u32::try_from(number).unwrap_or(0),
                lock,
                raw,
            }
        }
    }

    /// Where its parts lie.
    pub fn raw(&self) -> &Raw {
        &self.raw
    }

    /// A slot of it; None behind the last.
    pub fn slot(&self, index: u32) -> Option<&Slot> {
        // SAFETY: below `count`; all its fields are atomics.
        (index < self.raw.count).then(|| unsafe { &*self.raw.slots.add(index as usize) })
    }

    /// What names a slot of it.
    pub fn held(&self, slot: u32) -> Held {
        Held {
            partition: self.number,
            slot,
        }
    }

    /// Which slot has the entry of a key, filled or not.
    pub fn find_in_chain(&self, key: &Key) -> Option<u32> {
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
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: acquired in `new`. While unwinding from an error of Postgres, its abort releases
        // every LWLock; releasing here first is harmless, because the lock is still held.
        unsafe { direct::unlock_light(self.lock) };
    }
}
