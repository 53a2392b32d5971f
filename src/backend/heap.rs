//! Inserting rows into one of our own tables without a statement.
//!
//! Only for a table that is exactly as we made it: heap storage, one plain index, our two guard
//! triggers, no rule. Anything else (an index or trigger that somebody added) takes the ordinary
//! way. Rights need no check: the caller was judged by its level, and the table is the owner's.

use crate::backend::answer::Field;
use crate::backend::direct::{self, raw};
use crate::backend::transaction;
use pgrx::pg_sys;

/// Indexes and triggers that a table of ours has for this way.
const INDEXES: i32 = 1;
const TRIGGERS: i32 = 2;

/// Rows that are written to pages together.
const TOGETHER: usize = 256;
/// Columns that an index of ours has at most.
const KEYS: usize = 4;

/// The columns of a row, in the table's order.
pub type Columns<const N: usize> = ([pg_sys::Datum; N], [bool; N]);

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
/// index entries made of the rows' own datums. `fill` must own nothing that needs to be dropped.
pub fn insert_rows<T, const N: usize>(
    table: pg_sys::Oid,
    rows: &[T],
    fill: impl Fn(&T, Hand<N>),
) -> bool {
    transaction::note_write();
    // SAFETY: the table exists as long as the extension; each value is of its column's type, which
    // stands beside the statement that the ordinary way runs. What is raised leaves nothing to drop.
    unsafe {
        direct::guarded(|| {
            let mode = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
            let relation = raw::table_open(table, mode);
            let mut done = false;
            let index = only_index(relation, N);
            if index != pg_sys::InvalidOid {
                let index = raw::index_open(index, mode);
                if let Some(target) = Target::<N>::new(relation, index) {
                    for together in rows.chunks(TOGETHER) {
                        target.insert(together, &fill);
                    }
                    // What follows in this transaction sees the rows.
                    raw::CommandCounterIncrement();
                    done = true;
                }
                raw::index_close(index, pg_sys::NoLock as pg_sys::LOCKMODE);
            }
            raw::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
            done
        })
    }
}

/// The one index of a table that is as we made it, with that many columns.
///
/// # Safety
/// The relation must be open; called inside `guarded`.
unsafe fn only_index(relation: pg_sys::Relation, width: usize) -> pg_sys::Oid {
    // SAFETY: parts of an open relation are valid while it is open.
    unsafe {
        let natts = (*(*relation).rd_att).natts;
        let triggers = (*relation)
            .trigdesc
            .as_ref()
            .map_or(0, |all| all.numtriggers);
        let plain = (*(*relation).rd_rel).relam == pg_sys::HEAP_TABLE_AM_OID
            && (*(*relation).rd_rel).relkind.cast_unsigned() == pg_sys::RELKIND_RELATION
            && (*relation).rd_rules.is_null()
            && usize::try_from(natts) == Ok(width)
            && triggers == TRIGGERS;
        if !plain {
            return pg_sys::InvalidOid;
        }
        match raw::RelationGetIndexList(relation).as_ref() {
            Some(list) if list.length == INDEXES => (*list.elements).oid_value,
            _ => pg_sys::InvalidOid,
        }
    }
}

/// An open table with its one index, a plain one.
#[derive(Clone, Copy)]
struct Target<const N: usize> {
    relation: pg_sys::Relation,
    index: pg_sys::Relation,
    info: *mut pg_sys::IndexInfo,
    /// The columns of the index, by their place in the row.
    columns: [usize; KEYS],
    count: usize,
}

impl<const N: usize> Target<N> {
    /// None where the index is anything but plain.
    ///
    /// # Safety
    /// Both must be open; called inside `guarded`.
    unsafe fn new(relation: pg_sys::Relation, index: pg_sys::Relation) -> Option<Self> {
        // SAFETY: promised by the caller.
        let (info, plain) = unsafe {
            let info = raw::BuildIndexInfo(index);
            let plain = (*info).ii_Expressions.is_null()
                && (*info).ii_Predicate.is_null()
                && (*info).ii_ExclusionOps.is_null()
                && !(*info).ii_Unique
                && (*info).ii_ReadyForInserts;
            (info, plain)
        };
        // SAFETY: as above.
        let (numbers, count) = unsafe { ((*info).ii_IndexAttrNumbers, (*info).ii_NumIndexAttrs) };
        let count = usize::try_from(count).ok()?;
        let mut columns = [0; KEYS];
        for (number, column) in numbers.iter().take(count).zip(&mut columns) {
            *column = usize::try_from(i32::from(*number) - 1).ok()?;
        }
        let known = columns.iter().all(|column| *column < N);
        (plain && count <= KEYS && known).then_some(Self {
            relation,
            index,
            info,
            columns,
            count,
        })
    }

    /// Inserts rows and their entries.
    ///
    /// # Safety
    /// As [`Target::new`]; at most [`TOGETHER`] rows.
    unsafe fn insert<T>(&self, rows: &[T], fill: &impl Fn(&T, Hand<N>)) {
        let mut slots = [std::ptr::null_mut::<pg_sys::TupleTableSlot>(); TOGETHER];
        let mut keys = [[pg_sys::Datum::null(); KEYS]; TOGETHER];
        let mut absent = [[true; KEYS]; TOGETHER];
        let places = slots.iter_mut().zip(&mut keys).zip(&mut absent);
        // SAFETY: promised by the caller; a slot owns the tuple that is stored in it.
        unsafe {
            for (row, ((slot, keys), absent)) in rows.iter().zip(places) {
                fill(row, &mut |(mut values, mut nulls)| {
                    let tuple = self.form(&mut values, &mut nulls, keys, absent);
                    *slot = raw::MakeSingleTupleTableSlot(
                        (*self.relation).rd_att,
                        &raw const pg_sys::TTSOpsHeapTuple,
                    );
                    raw::ExecStoreHeapTuple(tuple, *slot, true);
                });
            }
            self.write(slots.get_mut(..rows.len()).unwrap_or_default());
            for ((slot, keys), absent) in slots.iter().zip(&mut keys).zip(&mut absent) {
                if !slot.is_null() {
                    self.enter(&raw mut (**slot).tts_tid, keys, absent);
                    raw::ExecDropSingleTupleTableSlot(*slot);
                }
            }
        }
    }

    /// Forms a row and notes what the index needs of it. What the keys point to is the caller's, so
    /// they point into the tuple instead.
    ///
    /// # Safety
    /// As [`Target::new`].
    unsafe fn form(
        &self,
        values: &mut [pg_sys::Datum; N],
        nulls: &mut [bool; N],
        keys: &mut [pg_sys::Datum; KEYS],
        absent: &mut [bool; KEYS],
    ) -> pg_sys::HeapTuple {
        // SAFETY: promised by the caller.
        unsafe {
            let descriptor = (*self.relation).rd_att;
            let tuple = raw::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            let columns = self.columns.iter().take(self.count);
            for ((column, key), null) in columns.zip(keys).zip(absent) {
                *null = nulls.get(*column).copied().unwrap_or(true);
                if !*null {
                    let number = i32::try_from(*column).unwrap_or(0) + 1;
                    *key = raw::nocachegetattr(tuple, number, descriptor);
                }
            }
            tuple
        }
    }

    /// Writes tuples to pages.
    ///
    /// # Safety
    /// As [`Target::new`]; each slot must hold a tuple.
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

    /// Makes the index entry of a row.
    ///
    /// # Safety
    /// As [`Target::new`].
    unsafe fn enter(
        &self,
        place: pg_sys::ItemPointer,
        keys: &mut [pg_sys::Datum; KEYS],
        absent: &mut [bool; KEYS],
    ) {
        // SAFETY: promised by the caller.
        unsafe {
            raw::index_insert(
                self.index,
                keys.as_mut_ptr(),
                absent.as_mut_ptr(),
                place,
                self.relation,
                pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO,
                false,
                self.info,
            );
        }
    }
}
