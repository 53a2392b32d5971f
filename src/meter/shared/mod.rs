//! The shared engine: escrow of usage in shared memory.
//!
//! # Locking rules
//!
//! Entries live in [`memory::PARTITIONS`] partitions, chosen by customer, so that all meters of one
//! customer are under one lock. A partition's LWLock guards every field of its slots, hash heads and
//! free list; who only looks shares it, or does without as `slot.rs` says. While it is held: no SPI, no palloc, no `ereport`, no logging, no second LWLock; only
//! bounded work on memory (the pure `draw` of the domain is such work).
//!
//! 1. A take or return *pins* its entry from before its first row until its transaction's end is
//!    visible to others (protocol 5, 17). Commit callbacks run after that point, so an entry is
//!    unpinned only when a reader of the tables would see its rows.
//! 2. Only unpinned entries are evicted: then `used` equals what the tables say, and a later load
//!    finds it there.
//! 3. Nobody waits for a load (protocol 10): a miss leaves a placeholder with a fresh ticket, drops
//!    the lock, locks the tables it will read, takes the latest snapshot, reads, and fills the entry
//!    only if that very ticket still waits there.
//! 4. Whoever writes rows that count without having judged them (a carried count) forces them onto
//!    the entry first, under the customer's exclusive lock.
//! 5. Order around the lock: room in the local list is reserved before; new values are computed and
//!    checked for overflow; then, inside a critical section, values are stored and the list is
//!    pushed; then the lock is released. A failure inside is a PANIC, which wipes the memory.
//! 6. Transaction callbacks touch this memory only. An abort undoes the newest first; a commit ends
//!    the oldest first, so that a check in between sees what the transaction had at some moment.
//!
//! `tests/protocol` has these rules as a model: every interleaving of a few transactions with loads,
//! evictions and folds is searched, and each rule left out must break one of its properties. A change
//! of this order is made there first.
//!
//! Standbys neither read nor write entries, nor do the parts of a parallel plan of a transaction that
//! has changed something: a worker does not know what its leader has open.

mod local;
mod locked;
mod look;
mod memory;
mod partition;
mod reader;
mod slot;
mod transaction;

use super::Used;
use crate::backend::direct;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::{Error, Result};
use memory::{Held, Key, Space};
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;
use partition::Partition;
use uuid::Uuid;

pub use look::{partition_of, visible_at, visible_now, visible_one};
pub use memory::{request, startup, stats};
pub use transaction::register;

/// What one judgement wants to change; positive takes, negative gives back.
pub type Change = (MeterPeriod, Quantity);

/// How often a call starts over because its entries were evicted while it read the tables.
const ATTEMPTS: u32 = 32;

/// Whether entries may be used by this call at all.
pub fn is_usable() -> bool {
    memory::is_ready() && !direct::is_partial() && !direct::is_in_recovery()
}

/// What is used of each place as a check sees it: committed, plus this transaction's own takes,
/// less its own returns.
///
/// # Errors
/// As the statements of a load.
pub fn visible(customer_id: Uuid, places: &[MeterPeriod]) -> Result<Used> {
    let mut used = Used::new();
    match with_entries(customer_id, places, |partition, entries| {
        Ok(entries
            .iter()
            .map(|entry| partition.visible(entry))
            .collect::<Vec<Quantity>>())
    }) {
        Ok(values) => {
            used.extend(places.iter().copied().zip(values));
            Ok(used)
        }
        // Checks never fail for want of room: they read rows.
        Err(Miss::Full) => super::table::used(&Snapshot::latest()?, customer_id, places),
        Err(Miss::Error(error)) => Err(error),
    }
}

/// [`judge`] for a take on entries that are there; None where a load would be needed.
///
/// # Errors
/// As [`judge`].
pub fn judge_now<T>(
    customer_id: Uuid,
    places: &[MeterPeriod],
    judge: impl FnOnce(&Used) -> Result<(T, Vec<Change>)>,
) -> Result<Option<T>> {
    if !is_usable() {
        return Ok(None);
    }
    let space = Space::current();
    local::reserve(places.len());
    let mut partition = Partition::lock(space.partition_of(customer_id));
    let mut entries = Vec::with_capacity(places.len());
    for place in places {
        let Some(held) = partition.find_filled(&space.key(place)) else {
            return Ok(None);
        };
        entries.push(held);
    }
    decide(&mut partition, places, &entries, View::Spent, judge)
        .map(Some)
        .map_err(Miss::into_error)
}

/// Takes from one entry that is there: `judge` sees what is used and says how much, or None to leave
/// it. Returns what was used before; None where nothing was taken.
///
/// # Errors
/// As [`judge`].
pub fn take_one(
    customer_id: Uuid,
    place: &MeterPeriod,
    judge: impl FnOnce(Quantity) -> Option<Quantity>,
) -> Result<Option<Quantity>> {
    if !is_usable() {
        return Ok(None);
    }
    let space = Space::current();
    local::reserve(1);
    let mut partition = Partition::lock(space.partition_of(customer_id));
    let Some(held) = partition.find_filled(&space.key(place)) else {
        return Ok(None);
    };
    if memory::is_greedy(local::pinned_with([&held])) {
        return Ok(None);
    }
    let used = partition.value(&held, View::Spent);
    let Some(amount) = judge(used) else {
        return Ok(None);
    };
    partition
        .apply(&[(held, amount)])
        .map_err(Miss::into_error)?;
    Ok(Some(used))
}

/// Which amounts of others' open transactions a judgement sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// For takes: what others have open is spent, what they give back is not there yet.
    Spent,
    /// For returns: what others have open is not there, what they give back is gone.
    Certain,
    /// For a return that failed: what others have open counts as if committed.
    Hopeful,
}

/// Judges under the partition's lock and applies what was judged, as one step.
///
/// # Errors
/// `53400` when open transactions fill the memory, and what `judge` returns.
pub fn judge<T>(
    customer_id: Uuid,
    places: &[MeterPeriod],
    view: View,
    mut judge: impl FnMut(&Used) -> Result<(T, Vec<Change>)>,
) -> Result<T> {
    let outcome = with_entries(customer_id, places, |partition, entries| {
        decide(partition, places, entries, view, &mut judge)
    });
    outcome.map_err(Miss::into_error)
}

/// Judges what the locked entries hold and applies what was judged.
fn decide<T>(
    partition: &mut Partition,
    places: &[MeterPeriod],
    entries: &[Held],
    view: View,
    judge: impl FnOnce(&Used) -> Result<(T, Vec<Change>)>,
) -> std::result::Result<T, Miss> {
    let values = entries.iter().map(|entry| partition.value(entry, view));
    let used: Used = places.iter().copied().zip(values).collect();
    let (result, changes) = judge(&used)?;
    let find = |place: &MeterPeriod| {
        let index = places.iter().position(|known| known == place)?;
        entries.get(index).copied()
    };
    let mut applied: Vec<(Held, Quantity)> = Vec::with_capacity(changes.len());
    for (place, amount) in &changes {
        let entry =
            find(place).ok_or_else(|| Error::internal("a draw on a meter that was not loaded"))?;
        applied.push((entry, *amount));
    }
    if memory::is_greedy(local::pinned_with(applied.iter().map(|(held, _)| held))) {
        return Err(Miss::Full);
    }
    partition.apply(&applied)?;
    Ok(result)
}

/// Adds amounts that need no judgement; the caller holds the customer's exclusive lock.
///
/// # Errors
/// As [`judge`].
pub fn force(customer_id: Uuid, changes: &[Change]) -> Result<()> {
    let places: Vec<MeterPeriod> = changes.iter().map(|(place, _)| *place).collect();
    judge(customer_id, &places, View::Spent, |_| {
        Ok(((), changes.to_vec()))
    })
}

/// Why a step under the lock did not happen.
enum Miss {
    /// Every slot of the partition is pinned.
    Full,
    Error(Error),
}

impl Miss {
    fn into_error(self) -> Error {
        match self {
            Self::Full => Error::full("open transactions fill the shared memory for meters")
                .hint("Raise owostack.meter_slots, or end transactions that hold many meters."),
            Self::Error(error) => error,
        }
    }
}

impl From<Error> for Miss {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Runs `body` under the partition's lock once every place has a filled entry.
fn with_entries<T>(
    customer_id: Uuid,
    places: &[MeterPeriod],
    mut body: impl FnMut(&mut Partition, &[Held]) -> std::result::Result<T, Miss>,
) -> std::result::Result<T, Miss> {
    let space = Space::current();
    let keys: Vec<Key> = places.iter().map(|place| space.key(place)).collect();
    local::reserve(places.len());
    for _ in 0..ATTEMPTS {
        let waiting = {
            let mut partition = Partition::lock(space.partition_of(customer_id));
            let mut entries = Vec::with_capacity(keys.len());
            let mut waiting = Vec::new();
            for (key, place) in keys.iter().zip(places) {
                let held = partition.find_or_place(key).ok_or(Miss::Full)?;
                if let Some(ticket) = partition.ticket(&held) {
                    waiting.push((*key, *place, ticket));
                }
                entries.push(held);
            }
            if waiting.is_empty() {
                return body(&mut partition, &entries);
            }
            waiting
        };
        let missing: Vec<MeterPeriod> = waiting.iter().map(|(_, place, _)| *place).collect();
        let sums = load(customer_id, &missing)?;
        let mut partition = Partition::lock(space.partition_of(customer_id));
        for ((key, _, ticket), sum) in waiting.iter().zip(sums) {
            partition.fill(key, *ticket, sum);
        }
    }
    Err(Miss::Full)
}

/// Reads sums at a snapshot that is newer than the ticket and than any rewrite of the tables.
fn load(customer_id: Uuid, places: &[MeterPeriod]) -> Result<Vec<Quantity>> {
    db::meter::lock_tables(&Snapshot::latest()?)?;
    let pairs: Vec<(Uuid, i64)> = places.iter().map(|p| (p.meter_id, p.number)).collect();
    db::meter::used(&Snapshot::latest()?, customer_id, &pairs)
}
