//! Inserting rows into our own tables without a statement.
//!
//! Only for a table that is exactly as we made it: heap storage, plain indexes, our guard triggers,
//! no rule. Anything else (an index or trigger that somebody added) takes the ordinary way.
//! Rights need no check: the caller was judged by its level, and the table is the owner's.

mod index;

use crate::backend::answer::Field;
use crate::backend::direct::{self, raw};
use crate::backend::transaction;
pub(super) use index::Index;
use pgrx::pg_sys;

/// Rows that are written to pages together.
const TOGETHER: usize = 256;
/// Columns that an index of ours has at most.
const KEYS: usize = 4;
/// Indexes that a table of ours has at most.
const INDEXES: usize = 2;

/// The columns of a row, in the table's order.
pub type Columns<const N: usize> = ([pg_sys::Datum; N], [bool; N]);

/// How we made a table.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    pub indexes: usize,
    pub triggers: i32,
}

/// Fields as columns; None when there are not as many.
pub fn columns<const N: usize>(fields: Vec<Field>) -> Option<Columns<N>> {
    if fields.len() != N {
        return None;
    }
    let (mut values, mut nulls) = ([pg_sys::Datum::null(); N], [true; N]);
    let places = values.iter_mut().zip(nulls.iter_mut());
    for (field, (value, null)) in fields.into_iter().zip(places) {
        if let Some(datum) = field.datum() {
            (*value, *null) = (datum, false);
        }
    }
    Some((values, nulls))
}

/// What `fill` is given to hand a row over.
pub type Hand<'a, const N: usize> = &'a mut dyn FnMut(Columns<N>);

/// Inserts rows of datums, each handed over by `fill`; false, and nothing done, where the table is
/// not as we made it.
///
/// The shortest way: one jump point around all calls, pages written for many rows at a time, and
/// index entries made of the rows' own datums, in the order of rows. `fill` must own nothing that
/// needs to be dropped.
pub fn insert_rows<T, const N: usize>(
    table: pg_sys::Oid,
    made: Made,
    rows: &[T],
    fill: impl Fn(&T, Hand<N>),
) -> bool {
    transaction::note_write();
    // SAFETY: the table exists as long as the extension; each value is of its column's type, which
    // stands beside the statement that the ordinary way runs. What is raised leaves nothing to drop.
    unsafe {
        direct::guarded(|| {
            let relation = raw::table_open(table, MODE);
            let target = Target::<N>::open(relation, made);
            if let Some(target) = &target {
                for together in rows.chunks(TOGETHER) {
                    target.insert(together, &fill);
                }
                target.close();
                // What follows in this transaction sees the rows.
                raw::CommandCounterIncrement();
            }
            raw::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
            target.is_some()
        })
    }
}

/// How tables and indexes are locked that rows are inserted into.
pub(super) const MODE: pg_sys::LOCKMODE = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;

/// Whether a table is stored and guarded as we made it.
///
/// # Safety
/// The relation must be open; called inside `guarded`.
pub(super) unsafe fn is_plain(relation: pg_sys::Relation, made: Made, width: usize) -> bool {
    // SAFETY: parts of an open relation are valid while it is open.
    unsafe {
        let triggers = (*relation)
            .trigdesc
            .as_ref()
            .map_or(0, |all| all.numtriggers);
        (*(*relation).rd_rel).relam == pg_sys::HEAP_TABLE_AM_OID
            && (*(*relation).rd_rel).relkind.cast_unsigned() == pg_sys::RELKIND_RELATION
            && (*relation).rd_rules.is_null()
            && usize::try_from((*(*relation).rd_att).natts) == Ok(width)
            && triggers == made.triggers
    }
}

/// An open table with its indexes.
struct Target<const N: usize> {
    relation: pg_sys::Relation,
    indexes: [Option<Index>; INDEXES],
}

/// A row's datums that an index needs, and which are NULL.
pub(super) type Entry = ([pg_sys::Datum; KEYS], [bool; KEYS]);

impl<const N: usize> Target<N> {
    /// None where the table is not as we made it.
    ///
    /// # Safety
    /// The table must be open; called inside `guarded`.
    unsafe fn open(relation: pg_sys::Relation, made: Made) -> Option<Self> {
        // SAFETY: promised by the caller; the list is valid until the indexes change, which the lock
        // on the table excludes.
        unsafe {
            if !is_plain(relation, made, N) {
                return None;
            }
            let list = raw::RelationGetIndexList(relation).as_ref()?;
            let count = usize::try_from(list.length).ok()?;
            if count != made.indexes || count > INDEXES {
                return None;
            }
            let mut target = Self {
                relation,
                indexes: [None; INDEXES],
            };
            for (place, index) in target.indexes.iter_mut().take(count).enumerate() {
                *index = Index::open((*list.elements.add(place)).oid_value, N);
            }
            if target.indexes.iter().flatten().count() == count {
                return Some(target);
            }
            target.close();
            None
        }
    }

    /// Closes the indexes.
    ///
    /// # Safety
    /// As [`Target::open`].
    unsafe fn close(&self) {
        for index in self.indexes.iter().flatten() {
            // SAFETY: promised by the caller.
            unsafe { raw::index_close(index.relation, pg_sys::NoLock as pg_sys::LOCKMODE) };
        }
    }

    /// Inserts rows and their entries.
    ///
    /// # Safety
    /// As [`Target::open`]; at most [`TOGETHER`] rows.
    unsafe fn insert<T>(&self, rows: &[T], fill: &impl Fn(&T, Hand<N>)) {
        let mut slots = [std::ptr::null_mut::<pg_sys::TupleTableSlot>(); TOGETHER];
        let none = ([pg_sys::Datum::null(); KEYS], [true; KEYS]);
        let mut entries: [[Entry; INDEXES]; TOGETHER] = [[none; INDEXES]; TOGETHER];
        // SAFETY: promised by the caller; a slot owns the tuple that is stored in it.
        unsafe {
            for (row, (slot, entries)) in rows.iter().zip(slots.iter_mut().zip(&mut entries)) {
                fill(row, &mut |(mut values, mut nulls)| {
                    let tuple = self.form(&mut values, &mut nulls, entries);
                    *slot = raw::MakeSingleTupleTableSlot(
                        (*self.relation).rd_att,
                        &raw const pg_sys::TTSOpsHeapTuple,
                    );
                    raw::ExecStoreHeapTuple(tuple, *slot, true);
                });
            }
            self.write(slots.get_mut(..rows.len()).unwrap_or_default());
            for (place, index) in self.indexes.iter().enumerate() {
                let Some(index) = index else { continue };
                for (slot, entries) in slots.iter().zip(&mut entries) {
                    if let (false, Some(entry)) = (slot.is_null(), entries.get_mut(place)) {
                        index.enter(self.relation, &raw mut (**slot).tts_tid, entry);
                    }
                }
            }
            for slot in slots.iter().filter(|slot| !slot.is_null()) {
                raw::ExecDropSingleTupleTableSlot(*slot);
            }
        }
    }

    /// Forms a row and notes what the indexes need of it. What the values point to is the caller's,
    /// so entries point into the tuple instead.
    ///
    /// # Safety
    /// As [`Target::open`].
    unsafe fn form(
        &self,
        values: &mut [pg_sys::Datum; N],
        nulls: &mut [bool; N],
        entries: &mut [Entry; INDEXES],
    ) -> pg_sys::HeapTuple {
        // SAFETY: promised by the caller.
        unsafe {
            let descriptor = (*self.relation).rd_att;
            let tuple = raw::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            for (index, (keys, absent)) in self.indexes.iter().flatten().zip(entries) {
                let columns = index.columns.iter().take(index.count);
                for ((column, key), null) in columns.zip(keys).zip(absent) {
                    *null = nulls.get(*column).copied().unwrap_or(true);
                    if !*null {
                        let number = i32::try_from(*column).unwrap_or(0) + 1;
                        *key = raw::nocachegetattr(tuple, number, descriptor);
                    }
                }
            }
            tuple
        }
    }

    /// Writes tuples to pages.
    ///
    /// # Safety
    /// As [`Target::open`]; each slot must hold a tuple.
    unsafe fn write(&self, slots: &mut [*mut pg_sys::TupleTableSlot]) {
        // SAFETY: promised by the caller.
        unsafe {
            raw::heap_multi_insert(
                self.relation,
                slots.as_mut_ptr(),
                i32::try_from(slots.len()).unwrap_or(0),
                raw::GetCurrentCommandId(true),
                0,
                std::ptr::null_mut(),
            );
        }
    }
}
