//! Shares of a lock's stripes that cost no visit to the lock table.
//!
//! Every take of the shared engine shares its customer's lock, and hardly anybody ever wants it alone.
//! So a process that shares says so on a board of its own in shared memory, where nobody else writes;
//! who wants a stripe alone tells everybody first, then reads all boards and waits for the
//! transactions that it finds there. Called by [`lock`](super::lock) alone.
//!
//! # Rules
//!
//! 1. Who wants to share announces the stripe, then looks whether anybody wants it alone. Who wants it
//!    alone counts that up, then reads the announcements. Whichever comes second sees the other.
//! 2. Who finds the stripe wanted takes its announcement back and queues in the lock table, behind
//!    the one who wants it. An announcement is never waited for longer than these few instructions.
//! 3. Who wants it alone holds the stripe in the lock table before it reads the boards, and waits for
//!    transactions by their own locks: the deadlock detector sees every edge.
//! 4. A share ends with its transaction, or with the subtransaction that took it first when that is
//!    rolled back; who waits already waits for the transaction. It goes after the entries that it
//!    protected are unpinned, and a want goes after what was changed is visible and has moved its
//!    generation: the callback here is registered before all others, hence runs after them.
//!
//! What it costs: who queues behind a want waits for one who only waits itself, and the detector cannot
//! let it pass. Where sessions lock rows and customers in opposite orders, one is ended (`40P01`) that
//! could have gone first in a queue of the lock table.
//!
//! `tests/protocol` has these rules as a model.

use crate::backend::local::Local;
use crate::backend::lock::STRIPES;
use crate::backend::preload;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

const AREA: &CStr = c"owostack shares";
const WORDS: usize = STRIPES as usize / 64;
/// How long to sleep until an announcement is decided, in microseconds.
const PATIENCE: i64 = 10;

/// What one process shares. Only that process writes here.
#[repr(C, align(64))]
struct Board {
    /// The transaction that shares: virtual id, both halves.
    owner: AtomicU64,
    database: AtomicU32,
    /// One more than the stripe that it announces; 0 without.
    announced: AtomicU32,
    /// A bit for each stripe that it shares.
    shared: [AtomicU64; WORDS],
}

/// How many want each stripe alone; the boards follow.
#[repr(C, align(64))]
struct Wanted([AtomicU32; STRIPES as usize]);

static AREA_START: AtomicPtr<Wanted> = AtomicPtr::new(std::ptr::null_mut());

/// A stripe, and the subtransaction that asked for it.
type Asked = (u32, pg_sys::SubTransactionId);

/// What the running transaction shares on its board, and what it wants alone.
static SHARED: Local<Vec<Asked>> = Local::new(Vec::new());
static ALONE: Local<Vec<Asked>> = Local::new(Vec::new());

/// Sets the boards up while the postmaster loads its libraries; before any other callback of ours is
/// registered.
pub fn preload() {
    // SAFETY: both functions have the signatures that Postgres calls them by.
    unsafe {
        pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(at_subtransaction_end), std::ptr::null_mut());
    }
    preload::hook(preload::Area { request, startup });
}

fn boards() -> usize {
    // SAFETY: known before shared memory is sized, and fixed from then on.
    usize::try_from(unsafe { pg_sys::MaxBackends }).unwrap_or(0)
}

fn size() -> usize {
    size_of::<Wanted>() + boards() * size_of::<Board>()
}

/// Asks for the memory; called from the shared-memory request hook.
fn request() {
    // SAFETY: called by the postmaster while it collects requests.
    unsafe { pg_sys::RequestAddinShmemSpace(size()) };
}

/// Attaches to the memory, making it on the first call; called from the startup hook.
fn startup() {
    // It begins a cache line, and zero is valid in every field.
    let (area, _) = preload::attach(AREA, size());
    AREA_START.store(area, Ordering::Release);
}

/// The boards and wants of this server.
#[derive(Clone, Copy)]
struct Area(&'static Wanted);

impl Area {
    /// None where the library is not preloaded.
    fn get() -> Option<Self> {
        let start = AREA_START.load(Ordering::Relaxed);
        // SAFETY: made by `startup`, and lives as long as the server.
        unsafe { start.as_ref() }.map(Self)
    }

    /// How many want a stripe of this database alone; stripes of others may share the number.
    fn wanted(self, stripe: u32) -> Option<&'static AtomicU32> {
        let place = (stripe ^ database()) % STRIPES;
        self.0.0.get(place as usize)
    }

    fn board(self, place: usize) -> Option<&'static Board> {
        if place >= boards() {
            return None;
        }
        // SAFETY: `boards` many follow the wants, within the area.
        Some(unsafe {
            let first = std::ptr::from_ref(self.0).add(1).cast::<Board>();
            &*first.add(place)
        })
    }

    fn own(self) -> Option<&'static Board> {
        self.board(own_place()?)
    }

    fn others(self) -> impl Iterator<Item = &'static Board> {
        let own = own_place();
        (0..boards())
            .filter(move |place| Some(*place) != own)
            .filter_map(move |place| self.board(place))
    }
}

fn database() -> u32 {
    // SAFETY: set once at backend start.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// This process's place in the server's process array.
fn own_place() -> Option<usize> {
    // SAFETY: set at process start; both point into the server's process array.
    let place = unsafe { pg_sys::MyProc.offset_from((*pg_sys::ProcGlobal).allProcs) };
    usize::try_from(place).ok()
}

/// The running transaction, as others wait for it.
fn own_transaction() -> u64 {
    // SAFETY: set at process start and at the start of the transaction.
    #[cfg(any(feature = "pg15", feature = "pg16"))]
    let (process, number) = unsafe { (pg_sys::MyBackendId, (*pg_sys::MyProc).lxid) };
    // SAFETY: as above.
    #[cfg(not(any(feature = "pg15", feature = "pg16")))]
    let (process, number) = unsafe { (pg_sys::MyProcNumber, (*pg_sys::MyProc).vxid.lxid) };
    u64::from(process.cast_unsigned()) << 32 | u64::from(number)
}

fn own_subtransaction() -> pg_sys::SubTransactionId {
    // SAFETY: reads a counter of the running transaction.
    unsafe { pg_sys::GetCurrentSubTransactionId() }
}

/// The halves of [`own_transaction`].
fn transaction(of: u64) -> pg_sys::VirtualTransactionId {
    let [a, b, c, d, e, f, g, h] = of.to_be_bytes();
    let process = i32::from_be_bytes([a, b, c, d]);
    pg_sys::VirtualTransactionId {
        #[cfg(any(feature = "pg15", feature = "pg16"))]
        backendId: process,
        #[cfg(not(any(feature = "pg15", feature = "pg16")))]
        procNumber: process,
        localTransactionId: u32::from_be_bytes([e, f, g, h]),
    }
}

impl Board {
    fn word(&self, stripe: u32) -> Option<(&AtomicU64, u64)> {
        let word = self.shared.get(stripe as usize / 64)?;
        Some((word, 1 << (stripe % 64)))
    }

    fn is_shared(&self, stripe: u32) -> bool {
        self.word(stripe)
            .is_some_and(|(word, bit)| word.load(Ordering::Acquire) & bit != 0)
    }

    /// Shares a stripe for the running transaction, unless somebody wants it alone.
    fn share(&self, stripe: u32, wanted: &AtomicU32) -> bool {
        let Some((word, bit)) = self.word(stripe) else {
            return false;
        };
        let owner = own_transaction();
        if self.owner.load(Ordering::Relaxed) != owner {
            self.database.store(database(), Ordering::Relaxed);
            self.owner.store(owner, Ordering::Release);
        }
        self.announced.store(stripe + 1, Ordering::SeqCst);
        let free = wanted.load(Ordering::SeqCst) == 0;
        if free {
            word.store(word.load(Ordering::Relaxed) | bit, Ordering::Release);
            SHARED.write(|shared| shared.push((stripe, own_subtransaction())));
        }
        self.announced.store(0, Ordering::Release);
        free
    }

    /// The transaction of this database that shares a stripe.
    fn sharer(&self, stripe: u32) -> Option<pg_sys::VirtualTransactionId> {
        while self.announced.load(Ordering::SeqCst) == stripe + 1 {
            // SAFETY: sleeps; what interrupts it raises like any error of Postgres.
            unsafe { pg_sys::pg_usleep(PATIENCE) };
            pgrx::check_for_interrupts!();
        }
        // Read twice: between two transactions of that process no bit is set.
        let owner = self.owner.load(Ordering::Acquire);
        let shares = self.database.load(Ordering::Relaxed) == database() && self.is_shared(stripe);
        let same = self.owner.load(Ordering::Acquire) == owner;
        (shares && same).then(|| transaction(owner))
    }

    fn leave(&self, stripe: u32) {
        if let Some((word, bit)) = self.word(stripe) {
            word.store(word.load(Ordering::Relaxed) & !bit, Ordering::Release);
        }
    }
}

/// Shares a stripe until the transaction ends; false where the lock table must be asked.
pub fn enter(stripe: u32) -> bool {
    let Some(area) = Area::get() else {
        return false;
    };
    match (area.own(), area.wanted(stripe)) {
        (Some(board), Some(wanted)) => board.is_shared(stripe) || board.share(stripe, wanted),
        _ => false,
    }
}

/// From here on nobody else begins to share the stripe without asking the lock table; true when that
/// is new. Whoever holds the stripe there alone must see to those who share it already.
pub fn want(stripe: u32) -> bool {
    let Some(wanted) = Area::get().and_then(|area| area.wanted(stripe)) else {
        return false;
    };
    ALONE.write(|alone| {
        let new = !alone.iter().any(|(held, _)| *held == stripe);
        if new {
            alone.push((stripe, own_subtransaction()));
            wanted.fetch_add(1, Ordering::SeqCst);
        }
        new
    })
}

/// Takes the newest want back.
pub fn unwant() {
    if let Some((stripe, _)) = ALONE.write(Vec::pop) {
        let_in(stripe);
    }
}

fn let_in(stripe: u32) {
    if let Some(wanted) = Area::get().and_then(|area| area.wanted(stripe)) {
        wanted.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits for every other transaction that shares a stripe.
pub fn wait_for_sharers(stripe: u32) {
    for_sharers(stripe, |sharer| {
        // SAFETY: waits like for any lock; an error is raised.
        unsafe { pg_sys::VirtualXactLock(sharer, true) }
    });
}

/// Whether no other transaction shares a stripe.
pub fn is_unshared(stripe: u32) -> bool {
    // SAFETY: looks whether the transaction has ended, and does not wait.
    for_sharers(stripe, |sharer| unsafe {
        pg_sys::VirtualXactLock(sharer, false)
    })
}

/// Whether `is_over` is true of each.
fn for_sharers(stripe: u32, is_over: impl Fn(pg_sys::VirtualTransactionId) -> bool) -> bool {
    Area::get().is_none_or(|area| {
        area.others()
            .all(|board| board.sharer(stripe).is_none_or(&is_over))
    })
}

/// Ends what the transaction shares and wants.
#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    // What is prepared wrote nothing of ours (see `transaction`), so there is nothing to protect.
    if !matches!(
        event,
        XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE
    ) {
        return;
    }
    end(0);
}

#[pg_guard]
unsafe extern "C-unwind" fn at_subtransaction_end(
    event: pg_sys::SubXactEvent::Type,
    subtransaction: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        // Ids grow and are never reused within a transaction: everything not older goes.
        end(subtransaction);
    }
}

/// Ends what was shared and wanted by subtransactions not older than `least`.
fn end(least: pg_sys::SubTransactionId) {
    let newest = |asked: &mut Vec<Asked>| asked.pop_if(|(_, from)| *from >= least);
    while let Some((stripe, _)) = SHARED.write(newest) {
        if let Some(board) = Area::get().and_then(Area::own) {
            board.leave(stripe);
        }
    }
    while let Some((stripe, _)) = ALONE.write(newest) {
        let_in(stripe);
    }
}
