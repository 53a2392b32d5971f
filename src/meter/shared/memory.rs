//! Layout of the shared memory: partitions of fixed slots with hash chains and a free list.
//!
//! The only file that touches the memory. Field guards: everything below is guarded by the lock of
//! its partition, except the constants in [`Area`], which are set before the first backend starts.

use super::{Miss, View, local};
use crate::backend::generation;
use crate::guc;
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;
use pgrx::pg_sys;
use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use uuid::Uuid;

/// Number of partitions, each with its own lock.
pub const PARTITIONS: usize = 128;

const TRANCHE: &CStr = c"owostack_meter";
const AREA: &CStr = c"owostack meters";

/// Marks the end of a chain.
const NONE: u32 = u32::MAX;

/// What an entry counts: a meter's period in one installation of one database (protocol 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Key {
    meter: [u8; 16],
    number: i64,
    database: u32,
    installation: u32,
}

/// A database and its installation.
#[derive(Debug, Clone, Copy)]
pub struct Space {
    database: u32,
    installation: u32,
}

/// State of a slot: free, waiting for a load, or holding a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum State {
    Free = 0,
    Waiting = 1,
    Filled = 2,
}

/// One entry. Quantities are raw, at nine decimals.
#[repr(C)]
struct Slot {
    /// Committed usage plus open takes.
    used: i128,
    /// Takes of open transactions.
    open: i128,
    /// Returns of open transactions.
    back: i128,
    key: Key,
    /// Identifies the load that a waiting entry waits for.
    ticket: u64,
    /// Open takes and returns; an entry with pins is never evicted.
    pins: u32,
    /// Next slot of the hash chain, or of the free list.
    next: u32,
    state: State,
    /// Set when used, cleared by the passing clock hand.
    recent: u32,
}

const _: () = assert!(size_of::<Slot>() == 112, "the layout has no hidden padding");

/// Head of the area; partitions and slots follow.
#[repr(C)]
struct Area {
    slots_per_partition: u32,
    padding: u32,
    tickets: AtomicU64,
    evictions: AtomicU64,
    loads: AtomicU64,
}

#[repr(C)]
struct PartitionHead {
    free: u32,
    hand: u32,
    filled: u32,
    pinned: u32,
}

static STARTED: AtomicPtr<Area> = AtomicPtr::new(std::ptr::null_mut());
static LOCKS: AtomicPtr<pg_sys::LWLockPadded> = AtomicPtr::new(std::ptr::null_mut());

fn slots_per_partition() -> usize {
    let slots = usize::try_from(guc::meter_slots()).unwrap_or(0);
    slots.div_ceil(PARTITIONS).max(16)
}

fn partition_size(slots: usize) -> usize {
    // Hash heads are as many as slots; rounded so that slots are aligned.
    let heads = (slots * size_of::<u32>()).next_multiple_of(16);
    size_of::<PartitionHead>() + heads + slots * size_of::<Slot>()
}

fn area_size() -> usize {
    size_of::<Area>().next_multiple_of(64) + PARTITIONS * partition_size(slots_per_partition())
}

/// Asks for memory and locks; called from the shared-memory request hook.
pub fn request() {
    // SAFETY: called by the postmaster while it collects requests.
    unsafe {
        pg_sys::RequestAddinShmemSpace(area_size());
        pg_sys::RequestNamedLWLockTranche(TRANCHE.as_ptr(), PARTITIONS as i32);
    }
}

/// Attaches to the memory, making it on the first call; called from the startup hook.
pub fn startup() {
    let slots = slots_per_partition();
    let mut found = false;
    // SAFETY: the startup hook runs under AddinShmemInitLock or in the postmaster alone; the area
    // has the size that was requested.
    unsafe {
        let area =
            pg_sys::ShmemInitStruct(AREA.as_ptr(), area_size(), &raw mut found).cast::<Area>();
        LOCKS.store(
            pg_sys::GetNamedLWLockTranche(TRANCHE.as_ptr()),
            Ordering::Release,
        );
        if !found {
            area.write(Area {
                slots_per_partition: u32::try_from(slots).unwrap_or(u32::MAX),
                padding: 0,
                tickets: AtomicU64::new(1),
                evictions: AtomicU64::new(0),
                loads: AtomicU64::new(0),
            });
            for number in 0..PARTITIONS {
                Raw::of(area, slots, number).clear();
            }
        }
        STARTED.store(area, Ordering::Release);
    }
}

/// Whether the memory exists, that is, whether the library was preloaded.
pub fn is_ready() -> bool {
    !STARTED.load(Ordering::Acquire).is_null()
}

/// Whether one transaction would hold more than a quarter of the slots (protocol 9).
pub fn is_greedy(pinned: usize) -> bool {
    let area = STARTED.load(Ordering::Acquire);
    // SAFETY: set once by `startup`; a constant.
    let per_partition = unsafe { area.as_ref() }.map_or(0, |area| area.slots_per_partition);
    pinned > per_partition as usize * PARTITIONS / 4
}

/// How the memory is used, for `owo.meter_stats`.
#[derive(Debug, Clone, Copy)]
pub struct Stats {
    /// Entries that fit.
    pub slots: i64,
    /// Entries that are there.
    pub filled: i64,
    /// Entries that open transactions hold.
    pub pinned: i64,
    /// Entries that made room for others since the server started.
    pub evictions: i64,
    /// Entries that were read from tables since the server started.
    pub loads: i64,
}

/// Counts the entries of all databases; None without preload.
pub fn stats() -> Option<Stats> {
    let area = STARTED.load(Ordering::Acquire);
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    // SAFETY: set once by `startup`; atomics and a constant.
    let (per_partition, evictions, loads) = unsafe {
        let area = area.as_ref()?;
        let evictions = area.evictions.load(Ordering::Relaxed);
        (
            area.slots_per_partition,
            evictions,
            area.loads.load(Ordering::Relaxed),
        )
    };
    let (mut filled, mut pinned) = (0_i64, 0_i64);
    for number in 0..PARTITIONS {
        let mut partition = Partition::lock(number);
        filled += i64::from(partition.head().filled);
        pinned += i64::from(partition.head().pinned);
    }
    Some(Stats {
        slots: i64::from(per_partition) * i64::try_from(PARTITIONS).unwrap_or(0),
        filled,
        pinned,
        evictions: number(evictions),
        loads: number(loads),
    })
}

impl Space {
    /// The installation of this database; the oid of `owo.usage_pending` is new with each one.
    pub fn current() -> Self {
        // SAFETY: set once at backend start.
        let database = unsafe { pg_sys::MyDatabaseId }.to_u32();
        Self {
            database,
            installation: generation::installation(),
        }
    }

    /// The key of a place in this installation.
    pub fn key(&self, place: &MeterPeriod) -> Key {
        Key {
            meter: place.meter_id.into_bytes(),
            number: place.number,
            database: self.database,
            installation: self.installation,
        }
    }

    /// The partition that holds every meter of a customer.
    pub fn partition_of(&self, customer_id: Uuid) -> usize {
        let (high, low) = customer_id.as_u64_pair();
        let mixed = (high ^ low ^ u64::from(self.database)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        usize::try_from(mixed >> 57).unwrap_or(0)
    }
}

impl Key {
    fn hash(&self) -> u64 {
        let (high, low) = Uuid::from_bytes(self.meter).as_u64_pair();
        (high ^ low.rotate_left(17) ^ self.number.cast_unsigned())
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// Where an entry is; valid while the partition is locked, and as long as it is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    pub partition: u32,
    pub slot: u32,
}

/// Pointers into one partition.
#[derive(Clone, Copy)]
struct Raw {
    head: *mut PartitionHead,
    chains: *mut u32,
    slots: *mut Slot,
    count: u32,
}

impl Raw {
    /// # Safety
    /// `area` must be the area with that many slots per partition; `number` below `PARTITIONS`.
    unsafe fn of(area: *mut Area, slots: usize, number: usize) -> Self {
        // SAFETY: offsets stay within the area by its size computation.
        unsafe {
            let start = area
                .cast::<u8>()
                .add(size_of::<Area>().next_multiple_of(64));
            let head = start.add(number * partition_size(slots));
            let chains = head.add(size_of::<PartitionHead>());
            let first = chains.add((slots * size_of::<u32>()).next_multiple_of(16));
            Self {
                head: head.cast(),
                chains: chains.cast(),
                slots: first.cast(),
                count: u32::try_from(slots).unwrap_or(0),
            }
        }
    }

    /// # Safety
    /// Nobody else may use the partition.
    unsafe fn clear(self) {
        // SAFETY: promised by the caller; indexes stay below `count`.
        unsafe {
            self.head.write(PartitionHead {
                free: 0,
                hand: 0,
                filled: 0,
                pinned: 0,
            });
            for index in 0..self.count {
                self.chains.add(index as usize).write(NONE);
                let next = if index + 1 < self.count {
                    index + 1
                } else {
                    NONE
                };
                self.slots.add(index as usize).write(Slot {
                    used: 0,
                    open: 0,
                    back: 0,
                    key: Key {
                        meter: [0; 16],
                        number: 0,
                        database: 0,
                        installation: 0,
                    },
                    ticket: 0,
                    pins: 0,
                    next,
                    state: State::Free,
                    recent: 0,
                });
            }
        }
    }
}

/// A locked partition; unlocked on drop.
pub struct Partition {
    number: u32,
    lock: *mut pg_sys::LWLock,
    raw: Raw,
}

impl Partition {
    /// Locks a partition; the memory must be ready.
    pub fn lock(number: usize) -> Self {
        let number = number % PARTITIONS;
        let area = STARTED.load(Ordering::Acquire);
        // SAFETY: `startup` ran before any caller (checked by `is_ready`), the tranche has
        // `PARTITIONS` locks, and no other LWLock is held here.
        unsafe {
            let raw = Raw::of(area, (*area).slots_per_partition as usize, number);
            let lock = &raw mut (*LOCKS.load(Ordering::Acquire).add(number)).lock;
            pg_sys::LWLockAcquire(lock, pg_sys::LWLockMode::LW_EXCLUSIVE);
            Self {
                number: u32::try_from(number).unwrap_or(0),
                lock,
                raw,
            }
        }
    }

    fn slot(&mut self, index: u32) -> Option<&mut Slot> {
        if index >= self.raw.count {
            return None;
        }
        // SAFETY: below `count`, and the lock is held for as long as `self` is borrowed.
        Some(unsafe { &mut *self.raw.slots.add(index as usize) })
    }

    fn chain(&mut self, key: &Key) -> &mut u32 {
        let bucket = key.hash() % u64::from(self.raw.count.max(1));
        // SAFETY: the bucket is below `count`; the lock is held.
        unsafe { &mut *self.raw.chains.add(usize::try_from(bucket).unwrap_or(0)) }
    }

    fn head(&mut self) -> &mut PartitionHead {
        // SAFETY: the lock is held.
        unsafe { &mut *self.raw.head }
    }

    fn held(&self, slot: u32) -> Held {
        Held {
            partition: self.number,
            slot,
        }
    }

    fn find(&mut self, key: &Key) -> Option<u32> {
        let mut index = *self.chain(key);
        while let Some(slot) = self.slot(index) {
            if slot.key == *key {
                slot.recent = 1;
                return Some(index);
            }
            index = slot.next;
        }
        None
    }

    /// The entry of a key that holds a sum.
    pub fn find_filled(&mut self, key: &Key) -> Option<Held> {
        let index = self.find(key)?;
        let filled = self.slot(index)?.state == State::Filled;
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
        *self.slot(index)? = Slot {
            used: 0,
            open: 0,
            back: 0,
            key: *key,
            ticket,
            pins: 0,
            next: first,
            state: State::Waiting,
            recent: 1,
        };
        *self.chain(key) = index;
        self.head().filled += 1;
        Some(self.held(index))
    }

    fn take_free(&mut self) -> Option<u32> {
        let index = self.head().free;
        let next = self.slot(index)?.next;
        self.head().free = next;
        Some(index)
    }

    /// Frees one unpinned slot by the clock; what was used lately gets a second turn.
    fn evict(&mut self) -> Option<u32> {
        let count = self.raw.count;
        for _ in 0..count.saturating_mul(2) {
            let hand = self.head().hand;
            self.head().hand = if hand + 1 < count { hand + 1 } else { 0 };
            let slot = self.slot(hand)?;
            if slot.pins > 0 {
                continue;
            }
            if slot.recent > 0 {
                slot.recent = 0;
                continue;
            }
            let key = slot.key;
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
        let after = self.slot(index).map_or(NONE, |slot| slot.next);
        let mut at = *self.chain(key);
        if at == index {
            *self.chain(key) = after;
            return;
        }
        while let Some(slot) = self.slot(at) {
            if slot.next == index {
                slot.next = after;
                return;
            }
            at = slot.next;
        }
    }

    /// The ticket of an entry that waits for a load; None when it is filled.
    pub fn ticket(&mut self, held: &Held) -> Option<u64> {
        let slot = self.slot(held.slot)?;
        (slot.state == State::Waiting).then_some(slot.ticket)
    }

    /// Fills the entry that waits with that very ticket; any other is left as it is.
    pub fn fill(&mut self, key: &Key, ticket: u64, used: Quantity) {
        let Some(index) = self.find(key) else { return };
        let Some(slot) = self.slot(index) else { return };
        if slot.state == State::Waiting && slot.ticket == ticket {
            slot.used = used.raw();
            slot.state = State::Filled;
        }
    }

    /// What a check sees: committed, own takes included, own returns gone.
    pub fn visible(&mut self, held: &Held) -> Quantity {
        let (own_open, own_back) = local::own(held);
        let value = self
            .slot(held.slot)
            .map_or(0, |slot| slot.used - slot.open + own_open - own_back);
        Quantity::from_raw(value)
    }

    /// What a judgement sees of an entry.
    pub fn value(&mut self, held: &Held, view: View) -> Quantity {
        let (own_open, own_back) = local::own(held);
        let value = self.slot(held.slot).map_or(0, |slot| match view {
            View::Spent => slot.used - own_back,
            View::Certain => slot.used - (slot.open - own_open) - slot.back,
            View::Hopeful => slot.used - own_back,
        });
        Quantity::from_raw(value)
    }

    /// Applies takes and returns of this transaction and pins their entries.
    pub fn apply(&mut self, changes: &[(Held, Quantity)]) -> Result<(), Miss> {
        for (held, amount) in changes {
            let slot = self.slot(held.slot);
            let fits = slot.is_some_and(|slot| {
                slot.pins < u32::MAX && slot.used.checked_add(amount.raw()).is_some()
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
        let mut newly_pinned = false;
        if let Some(slot) = self.slot(held.slot) {
            if amount >= 0 {
                slot.used = slot.used.wrapping_add(amount);
                slot.open = slot.open.wrapping_add(amount);
            } else {
                slot.back = slot.back.wrapping_sub(amount);
            }
            newly_pinned = slot.pins == 0;
            slot.pins = slot.pins.wrapping_add(1);
        }
        if newly_pinned {
            self.head().pinned += 1;
        }
    }

    /// Ends a take or return of this backend's transaction and unpins its entry.
    pub fn end(&mut self, slot: u32, amount: i128, committed: bool) {
        let mut unpinned = false;
        if let Some(slot) = self.slot(slot) {
            if amount >= 0 {
                slot.open = slot.open.wrapping_sub(amount);
                if !committed {
                    slot.used = slot.used.wrapping_sub(amount);
                }
            } else {
                slot.back = slot.back.wrapping_add(amount);
                if committed {
                    slot.used = slot.used.wrapping_add(amount);
                }
            }
            slot.pins = slot.pins.saturating_sub(1);
            unpinned = slot.pins == 0;
        }
        if unpinned {
            self.head().pinned = self.head().pinned.saturating_sub(1);
        }
    }
}

impl Drop for Partition {
    fn drop(&mut self) {
        // SAFETY: acquired in `lock`. While unwinding from an error of Postgres, its abort releases
        // every LWLock; releasing here first is harmless, because the lock is still held.
        unsafe { pg_sys::LWLockRelease(self.lock) };
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
