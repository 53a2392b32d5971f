//! Layout of the shared memory: partitions of fixed slots with hash chains and a free list.
//!
//! This file, `slot.rs`, `partition.rs` and `reader.rs` alone touch the memory. Field guards: everything below is guarded by the lock of
//! its partition, except the constants in [`Area`], which are set before the first backend starts.

use super::partition::Partition;
use super::slot::Slot;
use crate::backend::generation;
use crate::guc;
use owostack_domain::meter_key::MeterPeriod;
use pgrx::pg_sys;
use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use uuid::Uuid;

/// Number of partitions, each with its own lock.
pub const PARTITIONS: usize = 128;

const TRANCHE: &CStr = c"owostack_meter";
const AREA: &CStr = c"owostack meters";

/// Marks the end of a chain.
pub(super) const NONE: u32 = u32::MAX;

/// What an entry counts: a meter's period in one installation of one database (protocol 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Head of the area; partitions and slots follow.
#[repr(C)]
pub(super) struct Area {
    pub(super) slots_per_partition: u32,
    pub(super) padding: u32,
    pub(super) tickets: AtomicU64,
    pub(super) evictions: AtomicU64,
    pub(super) loads: AtomicU64,
}

#[repr(C)]
pub(super) struct PartitionHead {
    pub(super) free: u32,
    pub(super) hand: u32,
    pub(super) filled: u32,
    pub(super) pinned: u32,
}

pub(super) static STARTED: AtomicPtr<Area> = AtomicPtr::new(std::ptr::null_mut());
pub(super) static LOCKS: AtomicPtr<pg_sys::LWLockPadded> = AtomicPtr::new(std::ptr::null_mut());

fn slots_per_partition() -> usize {
    let slots = usize::try_from(guc::meter_slots()).unwrap_or(0);
    slots.div_ceil(PARTITIONS).max(16)
}

fn partition_size(slots: usize) -> usize {
    heads_size(slots) + slots * size_of::<Slot>()
}

/// The head of a partition and its hash heads, which are as many as slots; rounded so that slots are
/// aligned.
fn heads_size(slots: usize) -> usize {
    (size_of::<PartitionHead>() + slots * size_of::<u32>()).next_multiple_of(align_of::<Slot>())
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
        self.key_of(place.meter_id.into_bytes(), place.number)
    }

    /// The same of a meter's bytes.
    pub fn key_of(&self, meter: [u8; 16], number: i64) -> Key {
        Key {
            meter,
            number,
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
    /// As numbers, for memory that is read word by word.
    pub(super) fn words(&self) -> [u64; 4] {
        let (high, low) = Uuid::from_bytes(self.meter).as_u64_pair();
        let space = (u64::from(self.database) << 32) | u64::from(self.installation);
        [high, low, self.number.cast_unsigned(), space]
    }

    /// The key of such numbers.
    pub(super) fn of([high, low, number, space]: [u64; 4]) -> Self {
        let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(0);
        Self {
            meter: Uuid::from_u64_pair(high, low).into_bytes(),
            number: number.cast_signed(),
            database: half(space >> 32),
            installation: half(space),
        }
    }

    pub(super) fn hash(&self) -> u64 {
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
pub(super) struct Raw {
    pub(super) head: *mut PartitionHead,
    pub(super) chains: *mut u32,
    pub(super) slots: *mut Slot,
    pub(super) count: u32,
}

impl Raw {
    /// # Safety
    /// `area` must be the area with that many slots per partition; `number` below `PARTITIONS`.
    pub(super) unsafe fn of(area: *mut Area, slots: usize, number: usize) -> Self {
        // SAFETY: offsets stay within the area by its size computation.
        unsafe {
            let start = area
                .cast::<u8>()
                .add(size_of::<Area>().next_multiple_of(64));
            let head = start.add(number * partition_size(slots));
            let chains = head.add(size_of::<PartitionHead>());
            let first = head.add(heads_size(slots));
            Self {
                head: head.cast(),
                chains: chains.cast(),
                slots: first.cast(),
                count: u32::try_from(slots).unwrap_or(0),
            }
        }
    }

    /// The hash head that a key belongs to.
    pub(super) fn bucket(&self, key: &Key) -> usize {
        usize::try_from(key.hash() % u64::from(self.count.max(1))).unwrap_or(0)
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
                self.slots.add(index as usize).write(Slot::free(next));
            }
        }
    }
}
