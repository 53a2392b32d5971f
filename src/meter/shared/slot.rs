//! One entry in shared memory, and looking at it without its lock.
//!
//! # Locking rules
//!
//! The lock of its partition guards every field, but for `recent`. Whoever holds it alone changes what
//! a check reads inside [`Slot::change`], which makes the version odd before the first store and even
//! after the last. A glance reads the version, the words and the version again, and is believed only if
//! both are the same even number: then all words are of one moment. Who does not believe it takes the
//! lock. A change that never ends leaves an odd version: it took the server down with it.
//! `tests/protocol/glance.rs` is the model of this.
//!
//! All fields are atomics, so that who looks without the lock never races in the sense of the language.

use super::memory::Key;
use owostack_domain::quantity::Quantity;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// State of a slot: free, waiting for a load, or holding a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    Free = 0,
    Waiting = 1,
    Filled = 2,
}

/// A raw quantity, at nine decimals.
#[repr(C)]
struct Amount([AtomicU64; 2]);

impl Amount {
    const fn zero() -> Self {
        Self([const { AtomicU64::new(0) }; 2])
    }

    fn get(&self) -> i128 {
        let [low, high] = &self.0;
        let high = u128::from(high.load(Ordering::Relaxed)) << 64;
        (high | u128::from(low.load(Ordering::Relaxed))).cast_signed()
    }

    fn set(&self, amount: i128) {
        let bytes = amount.to_le_bytes();
        for (half, chunk) in self.0.iter().zip(bytes.as_chunks::<8>().0) {
            half.store(u64::from_le_bytes(*chunk), Ordering::Relaxed);
        }
    }
}

/// One entry. What a glance reads lies in the first line of 64 bytes and at the head of the second.
#[repr(C, align(64))]
pub struct Slot {
    /// Committed usage plus open takes.
    used: Amount,
    /// Takes of open transactions.
    open: Amount,
    key: [AtomicU64; 4],
    /// Odd while the lock's holder changes what a glance reads.
    version: AtomicU32,
    state: AtomicU32,
    /// Returns of open transactions.
    back: Amount,
    /// Identifies the load that a waiting entry waits for.
    ticket: AtomicU64,
    /// Open takes and returns; an entry with pins is never evicted.
    pins: AtomicU32,
    /// Next slot of the hash chain, or of the free list.
    next: AtomicU32,
    /// Set when used, also by readers; cleared by the passing clock hand.
    recent: AtomicU32,
    padding: [u32; 5],
}

const _: () = assert!(size_of::<Slot>() == 128, "the layout has no hidden padding");

impl Slot {
    /// A slot of the free list.
    pub fn free(next: u32) -> Self {
        Self {
            used: Amount::zero(),
            open: Amount::zero(),
            key: [const { AtomicU64::new(0) }; 4],
            version: AtomicU32::new(0),
            state: AtomicU32::new(State::Free as u32),
            back: Amount::zero(),
            ticket: AtomicU64::new(0),
            pins: AtomicU32::new(0),
            next: AtomicU32::new(next),
            recent: AtomicU32::new(0),
            padding: [0; 5],
        }
    }

    /// Changes what a glance reads; the lock is held alone.
    fn change(&self, stores: impl FnOnce(&Self)) {
        let version = self.version.load(Ordering::Relaxed);
        self.version
            .store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        stores(self);
        self.version
            .store(version.wrapping_add(2), Ordering::Release);
    }

    /// What a check of a transaction sees that has nothing open, if the entry is that key's and filled
    /// and nobody changes it meanwhile; without the lock.
    pub fn glance(&self, key: &Key) -> Option<Quantity> {
        let version = self.version.load(Ordering::Acquire);
        if !version.is_multiple_of(2) {
            return None;
        }
        let is_meant = self.is(key) && self.state() == Some(State::Filled);
        let visible = self.used.get().wrapping_sub(self.open.get());
        fence(Ordering::Acquire);
        let is_whole = self.version.load(Ordering::Relaxed) == version;
        (is_whole && is_meant).then(|| {
            self.touch();
            Quantity::from_raw(visible)
        })
    }

    /// What a check sees: committed, own takes included, own returns gone.
    pub fn visible(&self, (own_open, own_back): (i128, i128)) -> Quantity {
        Quantity::from_raw(self.used.get() - self.open.get() + own_open - own_back)
    }

    /// Notes that it was used.
    pub fn touch(&self) {
        if self.recent.load(Ordering::Relaxed) == 0 {
            self.recent.store(1, Ordering::Relaxed);
        }
    }

    /// Whether it was used since the last time somebody asked.
    pub fn was_recent(&self) -> bool {
        self.recent.swap(0, Ordering::Relaxed) > 0
    }

    /// Whether it is the entry of a key.
    pub fn is(&self, key: &Key) -> bool {
        let mut words = self.key.iter().zip(key.words());
        words.all(|(kept, word)| kept.load(Ordering::Relaxed) == word)
    }

    /// Which meter it counts.
    pub fn key(&self) -> Key {
        Key::of(self.key.each_ref().map(|word| word.load(Ordering::Relaxed)))
    }

    pub fn used(&self) -> i128 {
        self.used.get()
    }

    pub fn open(&self) -> i128 {
        self.open.get()
    }

    pub fn back(&self) -> i128 {
        self.back.get()
    }

    pub fn pins(&self) -> u32 {
        self.pins.load(Ordering::Relaxed)
    }

    pub fn next(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }

    /// Links another slot behind it.
    pub fn link(&self, next: u32) {
        self.next.store(next, Ordering::Relaxed);
    }

    /// None for what is no state.
    pub fn state(&self) -> Option<State> {
        let state = self.state.load(Ordering::Relaxed);
        let states = [State::Free, State::Waiting, State::Filled];
        states.into_iter().find(|one| *one as u32 == state)
    }

    /// The ticket of a load that it waits for.
    pub fn ticket(&self) -> Option<u64> {
        let waits = self.state() == Some(State::Waiting);
        waits.then(|| self.ticket.load(Ordering::Relaxed))
    }

    /// Becomes the placeholder of a key.
    pub fn place(&self, key: &Key, ticket: u64, next: u32) {
        self.change(|slot| {
            slot.state.store(State::Waiting as u32, Ordering::Relaxed);
            for (kept, word) in slot.key.iter().zip(key.words()) {
                kept.store(word, Ordering::Relaxed);
            }
            slot.used.set(0);
            slot.open.set(0);
        });
        self.back.set(0);
        self.ticket.store(ticket, Ordering::Relaxed);
        self.pins.store(0, Ordering::Relaxed);
        self.next.store(next, Ordering::Relaxed);
        self.recent.store(1, Ordering::Relaxed);
    }

    /// Takes the sum of a load.
    pub fn fill(&self, used: i128) {
        self.change(|slot| {
            slot.used.set(used);
            slot.state.store(State::Filled as u32, Ordering::Relaxed);
        });
    }

    /// Opens a take (positive) or return and pins; whether it is the first.
    pub fn begin(&self, amount: i128) -> bool {
        if amount >= 0 {
            self.add(amount, amount);
        } else {
            self.back.set(self.back.get().wrapping_sub(amount));
        }
        let pins = self.pins();
        self.pins.store(pins.wrapping_add(1), Ordering::Relaxed);
        pins == 0
    }

    /// Ends a take or return and unpins; whether it was the last.
    pub fn end(&self, amount: i128, committed: bool) -> bool {
        if amount >= 0 {
            let undone = if committed { 0 } else { amount };
            self.add(undone.wrapping_neg(), amount.wrapping_neg());
        } else {
            self.back.set(self.back.get().wrapping_add(amount));
            if committed {
                self.add(amount, 0);
            }
        }
        let pins = self.pins().saturating_sub(1);
        self.pins.store(pins, Ordering::Relaxed);
        pins == 0
    }

    fn add(&self, used: i128, open: i128) {
        self.change(|slot| {
            slot.used.set(slot.used.get().wrapping_add(used));
            slot.open.set(slot.open.get().wrapping_add(open));
        });
    }
}
