//! A fixed number of byte strings in shared memory, found by a hash; what they mean is for the caller.
//!
//! # Locking rules
//!
//! Slots lie in [`PARTITIONS`] partitions, each with a lightweight lock; within one, a hash may be in
//! any of [`WAYS`] neighbouring slots. Readers share the lock and copy the bytes out; a writer holds it
//! alone and replaces the same hash, a free slot, or one that was not used since the last time somebody
//! looked for room. While the lock is held: no call into Postgres, no allocation, bounded copying.
//! Nothing waits for anything else while holding it, and no other lock is held then.
//!
//! Two strings may have one hash: the caller compares. Nothing here is ever stale by itself: the caller
//! writes generations into the bytes. Absent on standbys and in parallel plans, which the caller knows.

use crate::backend::{direct, preload};
use crate::guc;
use pgrx::pg_sys;
use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// Number of partitions, each with its own lock.
const PARTITIONS: usize = 128;
/// Slots that one hash may be in.
const WAYS: usize = 16;
/// Bytes of one slot with its share of the head of its set.
const SLOT: usize = 1_024;
/// Bytes that fit into a slot.
pub const ROOM: usize = SLOT - 16;

const TRANCHE: &CStr = c"owostack_entitlement";
const AREA: &CStr = c"owostack entitlements";

/// Slots that one hash may be in. Guarded by its partition's lock, but for `recent`, which is atomic.
#[repr(C)]
struct Ways {
    hashes: [u64; WAYS],
    /// 0: free.
    lengths: [u32; WAYS],
    /// Set when read, cleared by who looks for room.
    recent: [AtomicU32; WAYS],
    bytes: [[u8; ROOM]; WAYS],
}

const _: () = assert!(
    size_of::<Ways>() == WAYS * SLOT,
    "the layout has no hidden padding"
);

/// Head of the area; slots follow. `sets` is set once; the rest is atomic.
#[repr(C)]
struct Area {
    /// Groups of [`WAYS`] slots in each partition.
    sets: u64,
    filled: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
    padding: [u64; 3],
}

static STARTED: AtomicPtr<Area> = AtomicPtr::new(std::ptr::null_mut());
static LOCKS: AtomicPtr<pg_sys::LWLockPadded> = AtomicPtr::new(std::ptr::null_mut());

/// Sets the memory up while the postmaster loads its libraries.
pub fn preload() {
    preload::hook(preload::Area { request, startup });
}

fn sets() -> usize {
    let slots = usize::try_from(guc::entitlement_slots()).unwrap_or(0);
    slots.div_ceil(PARTITIONS * WAYS).max(1)
}

fn size() -> usize {
    size_of::<Area>() + PARTITIONS * sets() * size_of::<Ways>()
}

fn request() {
    // SAFETY: called by the postmaster while it collects requests.
    unsafe {
        pg_sys::RequestAddinShmemSpace(size());
        pg_sys::RequestNamedLWLockTranche(TRANCHE.as_ptr(), PARTITIONS as i32);
    }
}

fn startup() {
    // Zeroed slots are free ones.
    let (area, new) = preload::attach::<Area>(AREA, size());
    // SAFETY: the startup hook runs alone; the area was attached to just now, and the tranche was
    // requested.
    unsafe {
        LOCKS.store(
            pg_sys::GetNamedLWLockTranche(TRANCHE.as_ptr()),
            Ordering::Release,
        );
        if new {
            (*area).sets = u64::try_from(sets()).unwrap_or(1);
        }
    }
    STARTED.store(area, Ordering::Release);
}

/// A copy of what was found.
pub struct Copied<const N: usize = ROOM> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Copied<N> {
    /// The bytes as they were put.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The slots that a hash may be in, locked; unlocked on drop.
struct Set {
    area: &'static Area,
    lock: *mut pg_sys::LWLock,
    ways: *mut Ways,
}

impl Set {
    fn lock(hash: u64, mode: pg_sys::LWLockMode::Type) -> Option<Self> {
        let area = STARTED.load(Ordering::Acquire);
        // SAFETY: set by `startup`, or null; the offsets stay within the area by its size, which
        // `sets` is part of; no lock of this tranche is held here.
        unsafe {
            let head = area.as_ref()?;
            let partition = usize::try_from(hash >> 57).unwrap_or(0);
            let sets = usize::try_from(head.sets).unwrap_or(1);
            let set = usize::try_from(hash % head.sets.max(1)).unwrap_or(0);
            let first = area.add(1).cast::<Ways>();
            let lock = &raw mut (*LOCKS.load(Ordering::Acquire).add(partition)).lock;
            direct::lock_light(lock, mode);
            Some(Self {
                area: head,
                lock,
                ways: first.add(partition * sets + set),
            })
        }
    }

    /// The slots, to be looked at.
    fn ways(&self) -> &Ways {
        // SAFETY: the lock is held for as long as `self` lives; who writes holds it alone and does so
        // through `self` only.
        unsafe { &*self.ways }
    }

    fn find(&self, hash: u64) -> Option<usize> {
        let ways = self.ways();
        let mut kept = ways.hashes.iter().zip(&ways.lengths);
        kept.position(|(kept, length)| *kept == hash && *length > 0)
    }

    /// A slot to be written; the lock is held alone.
    fn room(&self) -> usize {
        let ways = self.ways();
        if let Some(free) = ways.lengths.iter().position(|length| *length == 0) {
            self.area.filled.fetch_add(1, Ordering::Relaxed);
            return free;
        }
        self.area.evictions.fetch_add(1, Ordering::Relaxed);
        let mut recent = ways.recent.iter();
        recent
            .position(|recent| recent.swap(0, Ordering::Relaxed) == 0)
            .unwrap_or(0)
    }

    /// Writes a slot; the lock is held alone.
    fn write(&mut self, slot: usize, hash: u64, bytes: &[u8]) {
        // SAFETY: the lock is held alone, and `self` is borrowed alone.
        let ways = unsafe { &mut *self.ways };
        let head = ways.hashes.get_mut(slot).zip(ways.lengths.get_mut(slot));
        let body = ways
            .bytes
            .get_mut(slot)
            .and_then(|body| body.get_mut(..bytes.len()));
        if let (Some((kept, length)), Some(body)) = (head, body) {
            *kept = hash;
            *length = u32::try_from(bytes.len()).unwrap_or(0);
            body.copy_from_slice(bytes);
        }
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        // SAFETY: acquired in `lock`; nothing in between can raise.
        unsafe { direct::unlock_light(self.lock) };
    }
}

/// What was put under a hash, if it is still there.
pub fn get(hash: u64) -> Option<Copied> {
    front(hash)
}

/// As much of it as fits into that many bytes, from the front.
pub fn front<const N: usize>(hash: u64) -> Option<Copied<N>> {
    let set = Set::lock(hash, pg_sys::LWLockMode::LW_SHARED)?;
    let Some(slot) = set.find(hash) else {
        set.area.misses.fetch_add(1, Ordering::Relaxed);
        return None;
    };
    let ways = set.ways();
    let length = usize::try_from(*ways.lengths.get(slot)?).ok()?;
    let copied = Copied {
        bytes: *ways.bytes.get(slot)?.first_chunk()?,
        length: length.min(N),
    };
    let recent = ways.recent.get(slot)?;
    if recent.load(Ordering::Relaxed) == 0 {
        recent.store(1, Ordering::Relaxed);
    }
    set.area.hits.fetch_add(1, Ordering::Relaxed);
    Some(copied)
}

/// Puts bytes under a hash, in place of what was there; too many are not put at all.
pub fn put(hash: u64, bytes: &[u8]) {
    if bytes.is_empty() || bytes.len() > ROOM {
        return;
    }
    let Some(mut set) = Set::lock(hash, pg_sys::LWLockMode::LW_EXCLUSIVE) else {
        return;
    };
    let slot = set.find(hash).unwrap_or_else(|| set.room());
    set.write(slot, hash, bytes);
}

/// How the memory is used, for `owo.meter_stats`.
#[derive(Debug, Clone, Copy)]
pub struct Stats {
    /// Strings that fit.
    pub slots: i64,
    /// Strings that are there.
    pub filled: i64,
    /// Questions answered since the server started, and not answered.
    pub hits: i64,
    pub misses: i64,
    /// Strings that made room for others since the server started.
    pub evictions: i64,
}

/// None without preload.
pub fn stats() -> Option<Stats> {
    let area = STARTED.load(Ordering::Acquire);
    // SAFETY: set once by `startup`; atomics and a constant.
    let area = unsafe { area.as_ref() }?;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let read = |count: &AtomicU64| number(count.load(Ordering::Relaxed));
    let ways = i64::try_from(PARTITIONS * WAYS).unwrap_or(0);
    Some(Stats {
        slots: number(area.sets).saturating_mul(ways),
        filled: read(&area.filled),
        hits: read(&area.hits),
        misses: read(&area.misses),
        evictions: read(&area.evictions),
    })
}
