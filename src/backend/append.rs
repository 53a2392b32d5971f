//! Appending one row to one of our own tables: the shortest way there is.
//!
//! As [`heap`](super::heap) does for many rows, but what it asks of the table each time is kept here
//! until Postgres says that the table has changed. Called for each track of the hot path.

use crate::backend::direct::{self, raw};
use crate::backend::heap::{self, Columns, Index, MODE, Made};
use crate::backend::local::Local;
use crate::backend::{relation, transaction};
use pgrx::pg_sys;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// A table that is as we made it, and its one index.
#[derive(Clone, Copy)]
struct Kept {
    table: pg_sys::Oid,
    oid: pg_sys::Oid,
    /// As it was when it was looked at; open only then.
    index: Index,
}

static KEPT: Local<Option<Kept>> = Local::new(None);
/// How often this process heard of a changed table.
static CHANGES: AtomicU64 = AtomicU64::new(0);
/// What the kept index is made of, in memory that is never freed; made on first use.
static INFO: AtomicPtr<pg_sys::IndexInfo> = AtomicPtr::new(std::ptr::null_mut());

/// How tables are made that rows are appended to here: one index.
const INDEXES: usize = 1;

/// Inserts a row; false, and nothing done, where the table is not as we made it.
pub fn row<const N: usize>(table: pg_sys::Oid, made: Made, columns: Columns<N>) -> bool {
    transaction::note_write();
    // SAFETY: the table exists as long as the extension; each value is of its column's type, which
    // stands beside the statement that the ordinary way runs. What is raised leaves nothing to drop.
    unsafe {
        direct::guarded(|| {
            // Waits until changes of the table that others have made are heard of here.
            let relation = raw::table_open(table, MODE);
            let kept = match KEPT.read(|kept| kept.filter(|kept| kept.table == table)) {
                Some(kept) => Some(kept),
                None => learn(relation, table, made, N),
            };
            if let Some(kept) = &kept {
                insert(relation, kept, columns);
            }
            raw::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
            kept.is_some()
        })
    }
}

/// Looks at the table and keeps what it finds, if the table is as we made it.
///
/// # Safety
/// The relation must be open and locked; called inside `guarded`.
unsafe fn learn(
    relation: pg_sys::Relation,
    table: pg_sys::Oid,
    made: Made,
    width: usize,
) -> Option<Kept> {
    // SAFETY: promised by the caller; what is kept lives in a context that is never reset.
    unsafe {
        relation::listen();
        let changes = CHANGES.load(Ordering::Relaxed);
        if !heap::is_plain(relation, made, width) || made.indexes != INDEXES {
            return None;
        }
        let list = raw::RelationGetIndexList(relation).as_ref()?;
        if list.length != 1 {
            return None;
        }
        let oid = (*list.elements).oid_value;
        let mut index = Index::open(oid, width)?;
        raw::index_close(index.relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        index.keep_in(info());
        let kept = Kept { table, oid, index };
        // Opening the index may have told of a change: what was seen before serves this row alone, as
        // whoever makes an index beside us waits for this transaction.
        if CHANGES.load(Ordering::Relaxed) == changes {
            KEPT.write(|place| *place = Some(kept));
        }
        Some(kept)
    }
}

/// Writes the row and its index entry.
///
/// # Safety
/// As [`learn`]; what is kept must be of this relation.
unsafe fn insert<const N: usize>(relation: pg_sys::Relation, kept: &Kept, mut columns: Columns<N>) {
    // SAFETY: promised by the caller; the index is locked as long as it is written to, and the tuple is
    // not used after it is freed.
    unsafe {
        let descriptor = (*relation).rd_att;
        let (values, nulls) = &mut columns;
        let tuple = raw::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        let command = raw::GetCurrentCommandId(true);
        raw::heap_insert(relation, tuple, command, 0, std::ptr::null_mut());
        let mut index = kept.index;
        index.relation = raw::index_open(kept.oid, MODE);
        let mut entry = index.entry(&columns);
        index.enter(relation, &raw mut (*tuple).t_self, &mut entry);
        raw::index_close(index.relation, pg_sys::NoLock as pg_sys::LOCKMODE);
        raw::heap_freetuple(tuple);
        // What follows in this transaction sees the row.
        raw::CommandCounterIncrement();
    }
}

/// Where what the kept index is made of lies.
///
/// # Safety
/// Called inside `guarded`.
unsafe fn info() -> *mut pg_sys::IndexInfo {
    let known = INFO.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: the context is never reset.
    let new = unsafe {
        raw::MemoryContextAlloc(pg_sys::TopMemoryContext, size_of::<pg_sys::IndexInfo>())
    };
    INFO.store(new.cast(), Ordering::Relaxed);
    new.cast()
}

/// Forgets what is kept of a relation, or of any when that is `InvalidOid`.
pub fn forget(relation: pg_sys::Oid) {
    CHANGES.fetch_add(1, Ordering::Relaxed);
    KEPT.write(|kept| {
        if kept.is_some_and(|kept| relation == pg_sys::InvalidOid || relation == kept.table) {
            *kept = None;
        }
    });
}
