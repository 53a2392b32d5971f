//! Looking at entries together with others: one partition, locked in share mode.
//!
//! Everything here only reads, but for the mark that an entry was used, which is atomic.

use super::local;
use super::memory::{Held, Key, LOCKS, PARTITIONS, Raw, STARTED, Slot, State};
use crate::backend::direct;
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use std::sync::atomic::Ordering;

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
        // SAFETY: below `count`; nobody writes while the lock is shared.
        (index < self.raw.count).then(|| unsafe { &*self.raw.slots.add(index as usize) })
    }

    /// What a check sees of the entry of a key; None where a load would be needed.
    pub fn visible(&self, key: &Key) -> Option<Quantity> {
        // SAFETY: the bucket is below `count`; the lock is held.
        let mut index = unsafe { *self.raw.chains.add(self.raw.bucket(key)) };
        loop {
            let slot = self.slot(index)?;
            if slot.key != *key {
                index = slot.next;
                continue;
            }
            if slot.recent.load(Ordering::Relaxed) == 0 {
                slot.recent.store(1, Ordering::Relaxed);
            }
            let held = Held {
                partition: self.number,
                slot: index,
            };
            let filled = slot.state == State::Filled;
            return filled.then(|| Quantity::from_raw(slot.visible(local::own(&held))));
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: acquired in `lock`; nothing in between can raise.
        unsafe { direct::unlock_light(self.lock) };
    }
}
