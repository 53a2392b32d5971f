//! One locked partition: finding, placing, filling and evicting entries; taking, giving back, ending.
//!
//! Everything here runs under the partition's lock, which a value of [`Partition`] holds.

use super::locked::Locked;
use super::memory::{Held, Key, NONE, PartitionHead, STARTED};
use super::slot::{Slot, State};
use super::{Miss, View, local};
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use std::ops::Deref;
use std::sync::atomic::Ordering;

/// A partition that nobody else reads or changes.
pub struct Partition(Locked);

impl Deref for Partition {
    type Target = Locked;

    fn deref(&self) -> &Locked {
        &self.0
    }
}

impl Partition {
    /// Locks a partition; the memory must be ready.
    pub fn lock(number: usize) -> Self {
        Self(Locked::new(number, pg_sys::LWLockMode::LW_EXCLUSIVE))
    }

    fn chain(&mut self, key: &Key) -> &mut u32 {
        // SAFETY: the bucket is below `count`; the lock is held.
        unsafe { &mut *self.raw().chains.add(self.raw().bucket(key)) }
    }

    pub(super) fn head(&mut self) -> &mut PartitionHead {
        // SAFETY: the lock is held.
        unsafe { &mut *self.raw().head }
    }

    fn find(&self, key: &Key) -> Option<u32> {
        let index = self.find_in_chain(key)?;
        self.slot(index)?.touch();
        Some(index)
    }

    /// The entry of a key that holds a sum.
    pub fn find_filled(&mut self, key: &Key) -> Option<Held> {
        let index = self.find(key)?;
        let filled = self.slot(index)?.state() == Some(State::Filled);
        filled.then(|| self.held(index))
    }

    /// The entry of a key, or a new placeholder; None when every slot is pinned.
    pub fn find_or_place(&mut self, key: &Key) -> Option<Held> {
        if let Some(index) = self.find(key) {
            return Some(self.held(index));
        }
        let index = self.take_free().or_else(|| self.evict())?;
        let first = *self.chain(key);
        // SAFETY: the area is ready; the counter is atomic.
        let ticket = unsafe {
            let area = &*STARTED.load(Ordering::Acquire);
            area.loads.fetch_add(1, Ordering::Relaxed);
            area.tickets.fetch_add(1, Ordering::Relaxed)
        };
        self.slot(index)?.place(key, ticket, first);
        *self.chain(key) = index;
        self.head().filled += 1;
        Some(self.held(index))
    }

    fn take_free(&mut self) -> Option<u32> {
        let index = self.head().free;
        let next = self.slot(index)?.next();
        self.head().free = next;
        Some(index)
    }

    /// Frees one unpinned slot by the clock; what was used lately gets a second turn.
    fn evict(&mut self) -> Option<u32> {
        let count = self.raw().count;
        for _ in 0..count.saturating_mul(2) {
            let hand = self.head().hand;
            self.head().hand = if hand + 1 < count { hand + 1 } else { 0 };
            let slot = self.slot(hand)?;
            if slot.pins() > 0 || slot.was_recent() {
                continue;
            }
            let key = slot.key();
            self.unlink(&key, hand);
            self.head().filled -= 1;
            // SAFETY: the area is ready; the counter is atomic.
            unsafe {
                (*STARTED.load(Ordering::Acquire))
                    .evictions
                    .fetch_add(1, Ordering::Relaxed)
            };
            return Some(hand);
        }
        None
    }

    fn unlink(&mut self, key: &Key, index: u32) {
        let after = self.slot(index).map_or(NONE, Slot::next);
        let mut at = *self.chain(key);
        if at == index {
            *self.chain(key) = after;
            return;
        }
        while let Some(slot) = self.slot(at) {
            if slot.next() == index {
                slot.link(after);
                return;
            }
            at = slot.next();
        }
    }

    /// The ticket of an entry that waits for a load; None when it is filled.
    pub fn ticket(&mut self, held: &Held) -> Option<u64> {
        self.slot(held.slot)?.ticket()
    }

    /// Fills the entry that waits with that very ticket; any other is left as it is.
    pub fn fill(&mut self, key: &Key, ticket: u64, used: Quantity) {
        let Some(index) = self.find(key) else { return };
        let Some(slot) = self.slot(index) else { return };
        if slot.ticket() == Some(ticket) {
            slot.fill(used.raw());
        }
    }

    /// What a check sees.
    pub fn visible(&mut self, held: &Held) -> Quantity {
        let own = local::own(held);
        let visible = self.slot(held.slot).map(|slot| slot.visible(own));
        visible.unwrap_or_default()
    }

    /// What a judgement sees of an entry.
    pub fn value(&mut self, held: &Held, view: View) -> Quantity {
        let (own_open, own_back) = local::own(held);
        let value = self.slot(held.slot).map_or(0, |slot| match view {
            View::Spent => slot.used() - own_back,
            View::Certain => slot.used() - (slot.open() - own_open) - slot.back(),
            View::Hopeful => slot.used() - own_back,
        });
        Quantity::from_raw(value)
    }

    /// Applies takes and returns of this transaction and pins their entries.
    pub fn apply(&mut self, changes: &[(Held, Quantity)]) -> Result<(), Miss> {
        for (held, amount) in changes {
            let slot = self.slot(held.slot);
            let fits = slot.is_some_and(|slot| {
                slot.pins() < u32::MAX && slot.used().checked_add(amount.raw()).is_some()
            });
            if !fits {
                return Err(Miss::Error(crate::error::Error::out_of_range(
                    "usage is out of range",
                )));
            }
        }
        let _critical = Critical::enter();
        for (held, amount) in changes {
            self.apply_one(held, amount.raw());
            local::push(*held, amount.raw());
        }
        Ok(())
    }

    fn apply_one(&mut self, held: &Held, amount: i128) {
        let slot = self.slot(held.slot);
        if slot.is_some_and(|slot| slot.begin(amount)) {
            self.head().pinned += 1;
        }
    }

    /// Ends a take or return of this backend's transaction and unpins its entry.
    pub fn end(&mut self, slot: u32, amount: i128, committed: bool) {
        let slot = self.slot(slot);
        if slot.is_some_and(|slot| slot.end(amount, committed)) {
            self.head().pinned = self.head().pinned.saturating_sub(1);
        }
    }
}

/// A critical section: an error inside takes the server down, which wipes the memory.
struct Critical;

impl Critical {
    fn enter() -> Self {
        // SAFETY: a counter of this backend.
        unsafe { pg_sys::CritSectionCount += 1 };
        Self
    }
}

impl Drop for Critical {
    fn drop(&mut self) {
        // SAFETY: entered in `enter`.
        unsafe { pg_sys::CritSectionCount -= 1 };
    }
}
