//! Generations: counters in shared memory that say when something cached has gone stale
//! (protocol 24 to 26).
//!
//! Fixed arrays of 64-bit words, never evicted. A transaction notes what it changes; the commit
//! callback, which runs after its rows are visible, moves the counters. A reader reads generations
//! first and takes its snapshot second, and keeps what it read with those generations: what becomes
//! visible after the snapshot moves a counter later. A transaction that changed something itself
//! must not use what is cached. Notes survive ROLLBACK TO: a needless move is free.

use crate::backend::local::Local;
use crate::backend::{direct, preload, relation};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::BTreeSet;
use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use uuid::Uuid;

const AREA: &CStr = c"owostack generations";

/// Words for organizations; the first is for everything of every database.
const ORGANIZATIONS: usize = 257;
/// Words for customers.
const CUSTOMERS: usize = 8_192;
/// Words for the holds that customers take.
const HOLDS: usize = 8_192;
const WORDS_TOTAL: usize = ORGANIZATIONS + CUSTOMERS + HOLDS;
/// Notes beyond which a transaction moves everything instead.
const NOTES_MAX: usize = 1_024;

/// Generations that an answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    installation: u32,
    all: u64,
    organization: u64,
    customer: u64,
}

impl Stamp {
    /// As numbers, for memory that processes share.
    pub fn words(&self) -> [u64; 4] {
        let installation = u64::from(self.installation);
        [installation, self.all, self.organization, self.customer]
    }
}

/// Generation of the holds that a customer has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    installation: u32,
    all: u64,
    taken: u64,
}

static WORDS: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());

/// Words that the running transaction moves when it commits.
static NOTES: Local<BTreeSet<usize>> = Local::new(BTreeSet::new());

/// Sets the counters up while the postmaster loads its libraries.
pub fn preload() {
    // SAFETY: the function has the signature that Postgres calls it by.
    unsafe { pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut()) };
    preload::hook(preload::Area { request, startup });
}

/// Asks for the memory; called from the shared-memory request hook.
fn request() {
    // SAFETY: called by the postmaster while it collects requests.
    unsafe { pg_sys::RequestAddinShmemSpace(size()) };
}

/// Attaches to the memory, making it on the first call; called from the startup hook.
fn startup() {
    // Zero is a valid counter.
    let (words, _) = preload::attach(AREA, size());
    WORDS.store(words, Ordering::Release);
}

const fn size() -> usize {
    WORDS_TOTAL * size_of::<AtomicU64>()
}

fn word(index: usize) -> Option<&'static AtomicU64> {
    let words = WORDS.load(Ordering::Acquire);
    if words.is_null() || index >= WORDS_TOTAL {
        return None;
    }
    // SAFETY: within the area, which lives as long as the server.
    Some(unsafe { &*words.add(index) })
}

fn mixed(id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    // SAFETY: set once at backend start.
    let database = unsafe { pg_sys::MyDatabaseId }.to_u32();
    (high ^ low.rotate_left(29) ^ u64::from(database)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn organization_word(id: Uuid) -> usize {
    1 + usize::try_from(mixed(id) >> 56).unwrap_or(0)
}

fn customer_word(id: Uuid) -> usize {
    ORGANIZATIONS + usize::try_from(mixed(id) >> 51).unwrap_or(0)
}

fn hold_word(id: Uuid) -> usize {
    CUSTOMERS + customer_word(id)
}

/// Whether answers may be cached by this call: preloaded, no standby, and nothing changed by the
/// running transaction itself, of which a part of a parallel plan cannot know.
pub fn is_usable() -> bool {
    !direct::is_partial()
        && !direct::is_in_recovery()
        && word(0).is_some()
        && NOTES.read(BTreeSet::is_empty)
}

/// The generations of an organization and one of its customers; read them before the snapshot.
pub fn stamp(organization_id: Uuid, customer_id: Uuid) -> Option<Stamp> {
    Some(Stamp {
        installation: installation(),
        all: word(0)?.load(Ordering::SeqCst),
        organization: word(organization_word(organization_id))?.load(Ordering::SeqCst),
        customer: word(customer_word(customer_id))?.load(Ordering::SeqCst),
    })
}

/// Where the generation of a customer is, for [`at`].
pub fn place_of(customer_id: Uuid) -> u16 {
    u16::try_from(customer_word(customer_id) - ORGANIZATIONS).unwrap_or(0)
}

/// The generation of the customers of a place.
pub fn at(place: u16) -> Option<u64> {
    Some(word(ORGANIZATIONS + usize::from(place))?.load(Ordering::SeqCst))
}

/// The generation of a customer's holds, read before the snapshot; None where nothing may be kept.
pub fn holds(customer_id: Uuid) -> Option<Holds> {
    if !is_usable() {
        return None;
    }
    Some(Holds {
        installation: installation(),
        all: word(0)?.load(Ordering::SeqCst),
        taken: word(hold_word(customer_id))?.load(Ordering::SeqCst),
    })
}

/// The generations of rights and of an organization's settings and catalog.
pub fn of_organization(id: Uuid) -> Option<(u32, u64, u64)> {
    let all = word(0)?.load(Ordering::SeqCst);
    let organization = word(organization_word(id))?.load(Ordering::SeqCst);
    Some((installation(), all, organization))
}

/// What [`installation`] found; 0 is not known.
static INSTALLATION: AtomicU32 = AtomicU32::new(0);

/// The oid of `owo.usage_pending`, which is new with each CREATE EXTENSION (protocol 2); 0 without.
pub fn installation() -> u32 {
    let known = INSTALLATION.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    relation::listen();
    let found = find_installation();
    INSTALLATION.store(found, Ordering::Relaxed);
    found
}

/// Forgets what is kept of a relation, or of any when that is `InvalidOid`.
pub fn forget(relation: pg_sys::Oid) {
    if relation == pg_sys::InvalidOid || relation.to_u32() == INSTALLATION.load(Ordering::Relaxed) {
        INSTALLATION.store(0, Ordering::Relaxed);
    }
}

fn find_installation() -> u32 {
    own_table(c"usage_pending").to_u32()
}

/// The oid of a table of ours; invalid without the extension.
pub fn own_table(name: &CStr) -> pg_sys::Oid {
    // SAFETY: catalog look-ups that answer InvalidOid for what does not exist.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"owo".as_ptr(), true);
        pg_sys::get_relname_relid(name.as_ptr(), schema)
    }
}

/// The running transaction changes the catalog of an organization.
pub fn note_organization(id: Uuid) {
    note(organization_word(id));
}

/// The running transaction changes rows of a customer.
pub fn note_customer(id: Uuid) {
    note(customer_word(id));
}

/// The running transaction takes a hold.
pub fn note_hold(customer_id: Uuid) {
    note(hold_word(customer_id));
}

/// The running transaction changes rights, settings, or more than can be listed.
pub fn note_all() {
    note(0);
}

fn note(index: usize) {
    if word(0).is_none() {
        return;
    }
    NOTES.write(|notes| {
        if notes.contains(&0) {
            return;
        }
        if index == 0 || notes.len() >= NOTES_MAX {
            notes.clear();
            notes.insert(0);
        } else {
            notes.insert(index);
        }
    });
}

#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    use pg_sys::XactEvent::{
        XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PARALLEL_ABORT, XACT_EVENT_PARALLEL_COMMIT,
    };
    let committed = event == XACT_EVENT_COMMIT || event == XACT_EVENT_PARALLEL_COMMIT;
    if !committed && event != XACT_EVENT_ABORT && event != XACT_EVENT_PARALLEL_ABORT {
        return;
    }
    NOTES.write(|notes| {
        for index in notes.iter().filter(|_| committed) {
            if let Some(word) = word(*index) {
                word.fetch_add(1, Ordering::SeqCst);
            }
        }
        notes.clear();
    });
}
