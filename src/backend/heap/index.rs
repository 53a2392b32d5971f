//! An index of a table of ours, as far as it is plain: columns of the row, no condition.

use super::{Columns, Entry, KEYS, MODE};
use crate::backend::direct::raw;
use pgrx::pg_sys;

/// An open index, a plain one.
#[derive(Clone, Copy)]
pub(in crate::backend) struct Index {
    pub(in crate::backend) relation: pg_sys::Relation,
    info: *mut pg_sys::IndexInfo,
    /// Its columns, by their place in the row.
    pub(super) columns: [usize; KEYS],
    pub(super) count: usize,
    check: pg_sys::IndexUniqueCheck::Type,
}

impl Index {
    /// None where the index is anything but plain, and then it is closed again.
    ///
    /// # Safety
    /// The oid must be that of an index of the open table; called inside `guarded`.
    pub(in crate::backend) unsafe fn open(oid: pg_sys::Oid, width: usize) -> Option<Self> {
        // SAFETY: promised by the caller.
        unsafe {
            let relation = raw::index_open(oid, MODE);
            let found = Self::read(relation, width);
            if found.is_none() {
                raw::index_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
            }
            found
        }
    }

    /// # Safety
    /// The index must be open; called inside `guarded`.
    unsafe fn read(relation: pg_sys::Relation, width: usize) -> Option<Self> {
        // SAFETY: promised by the caller.
        let (info, plain, check) = unsafe {
            let info = raw::BuildIndexInfo(relation);
            let plain = (*(*relation).rd_rel).relam == pg_sys::BTREE_AM_OID
                && (*info).ii_Expressions.is_null()
                && (*info).ii_Predicate.is_null()
                && (*info).ii_ExclusionOps.is_null()
                && (*info).ii_ReadyForInserts
                && (*(*relation).rd_index).indimmediate;
            let check = if (*info).ii_Unique {
                pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES
            } else {
                pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO
            };
            (info, plain, check)
        };
        // SAFETY: as above.
        let (numbers, count) = unsafe { ((*info).ii_IndexAttrNumbers, (*info).ii_NumIndexAttrs) };
        let count = usize::try_from(count).ok()?;
        let mut columns = [0; KEYS];
        for (number, column) in numbers.iter().take(count).zip(&mut columns) {
            *column = usize::try_from(i32::from(*number) - 1).ok()?;
        }
        let known = columns.iter().all(|column| *column < width);
        (plain && count <= KEYS && known).then_some(Self {
            relation,
            info,
            columns,
            count,
            check,
        })
    }

    /// Moves what it is made of to memory that outlives the call.
    ///
    /// # Safety
    /// There must be room, which nothing that was opened before is still using.
    pub(in crate::backend) unsafe fn keep_in(&mut self, room: *mut pg_sys::IndexInfo) {
        // SAFETY: promised by the caller; that of a plain index points to nothing but its context.
        unsafe {
            room.write(*self.info);
            (*room).ii_Context = pg_sys::TopMemoryContext;
        }
        self.info = room;
    }

    /// What it needs of a row.
    pub(in crate::backend) fn entry<const N: usize>(&self, (values, nulls): &Columns<N>) -> Entry {
        let (mut keys, mut absent) = ([pg_sys::Datum::null(); KEYS], [true; KEYS]);
        let columns = self.columns.iter().take(self.count);
        for (column, (key, null)) in columns.zip(keys.iter_mut().zip(&mut absent)) {
            if let (Some(value), Some(false)) = (values.get(*column), nulls.get(*column)) {
                (*key, *null) = (*value, false);
            }
        }
        (keys, absent)
    }

    /// Makes the entry of a row.
    ///
    /// # Safety
    /// The table must be open, and the index one of its indexes; called inside `guarded`.
    pub(in crate::backend) unsafe fn enter(
        &self,
        table: pg_sys::Relation,
        place: pg_sys::ItemPointer,
        (keys, absent): &mut Entry,
    ) {
        // SAFETY: promised by the caller.
        unsafe {
            raw::index_insert(
                self.relation,
                keys.as_mut_ptr(),
                absent.as_mut_ptr(),
                place,
                table,
                self.check,
                false,
                self.info,
            );
        }
    }
}
