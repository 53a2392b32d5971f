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

struct Open {
    relation: pg_sys::Relation,
}

impl Drop for Open {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened in `insert`; the lock is kept until the transaction ends.
            unsafe { pg_sys::table_close(self.relation, pg_sys::NoLock as pg_sys::LOCKMODE) };
        }
    }
}

impl Open {
    /// Whether the table is as we made it, with that many columns.
    fn is_plain(&self, width: usize) -> bool {
        // SAFETY: an open relation; its parts are valid while it is open.
        unsafe {
            let Some(relation) = self.relation.as_ref() else {
                return false;
            };
            let natts = (*relation.rd_att).natts;
            let triggers = relation.trigdesc.as_ref().map_or(0, |all| all.numtriggers);
            let indexes = pg_sys::RelationGetIndexList(self.relation);
            let count = indexes.as_ref().map_or(0, |list| list.length);
            pg_sys::list_free(indexes);
            (*relation.rd_rel).relam == pg_sys::HEAP_TABLE_AM_OID
                && (*relation.rd_rel).relkind.cast_unsigned() == pg_sys::RELKIND_RELATION
                && relation.rd_rules.is_null()
                && usize::try_from(natts) == Ok(width)
                && triggers == TRIGGERS
                && count == INDEXES
        }
    }
}

/// Inserts rows given in the table's order of columns; None, and nothing done, where the table is
/// not as we made it.
pub fn insert(table: pg_sys::Oid, rows: Vec<Vec<Field>>) -> Option<u64> {
    let width = rows.first()?.len();
    // SAFETY: the table exists as long as the extension; an error is raised by Postgres itself.
    let relation =
        unsafe { pg_sys::table_open(table, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE) };
    let open = Open { relation };
    if !open.is_plain(width) || rows.iter().any(|row| row.len() != width) {
        return None;
    }
    transaction::note_write();
    let mut written = 0_u64;
    // SAFETY: the relation is open and locked; each row has one value per column, of the column's
    // type, which stands beside the statement that the ordinary way runs.
    unsafe {
        let indexes = pg_sys::CatalogOpenIndexes(relation);
        for row in rows {
            let datums: Vec<Option<pg_sys::Datum>> = row.into_iter().map(Field::datum).collect();
            let mut nulls: Vec<bool> = datums.iter().map(Option::is_none).collect();
            let mut values: Vec<pg_sys::Datum> = datums
                .into_iter()
                .map(|datum| datum.unwrap_or(pg_sys::Datum::null()))
                .collect();
            let tuple = pg_sys::heap_form_tuple(
                (*relation).rd_att,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            pg_sys::CatalogTupleInsertWithInfo(relation, tuple, indexes);
            pg_sys::heap_freetuple(tuple);
            written += 1;
        }
        pg_sys::CatalogCloseIndexes(indexes);
        // What follows in this transaction sees the rows.
        pg_sys::CommandCounterIncrement();
    }
    Some(written)
}

/// Inserts one row of datums; false, and nothing done, where the table is not as we made it.
///
/// The shortest way: one jump point around all calls, and the index entry made of the row's own datums.
pub fn insert_one<const N: usize>(
    table: pg_sys::Oid,
    values: &mut [pg_sys::Datum; N],
    nulls: &mut [bool; N],
) -> bool {
    transaction::note_write();
    // SAFETY: the table exists as long as the extension; each value is of its column's type, which
    // stands beside the statement that the ordinary way runs. What is raised leaves nothing to drop.
    unsafe {
        direct::guarded(|| {
            let mode = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
            let relation = raw::table_open(table, mode);
            let index = only_index(relation, N);
            let mut done = false;
            if index != pg_sys::InvalidOid {
                let index = raw::index_open(index, mode);
                done = insert_indexed(relation, index, values, nulls);
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

/// Columns that an index of ours has at most.
const KEYS: usize = 4;

/// Inserts a row and its entry; false, and nothing done, where the index is not a plain one.
///
/// # Safety
/// Both must be open, the values be those of the table's columns; called inside `guarded`.
unsafe fn insert_indexed<const N: usize>(
    relation: pg_sys::Relation,
    index: pg_sys::Relation,
    values: &mut [pg_sys::Datum; N],
    nulls: &mut [bool; N],
) -> bool {
    // SAFETY: promised by the caller.
    unsafe {
        let info = raw::BuildIndexInfo(index);
        let plain = (*info).ii_Expressions.is_null()
            && (*info).ii_Predicate.is_null()
            && (*info).ii_ExclusionOps.is_null()
            && !(*info).ii_Unique
            && (*info).ii_ReadyForInserts;
        let count = usize::try_from((*info).ii_NumIndexAttrs).unwrap_or(usize::MAX);
        let mut keys = [pg_sys::Datum::null(); KEYS];
        let mut absent = [true; KEYS];
        let numbers = (*info).ii_IndexAttrNumbers;
        let places = keys.iter_mut().zip(absent.iter_mut());
        for (number, (key, null)) in numbers.iter().take(count).zip(places) {
            let column = usize::try_from(i32::from(*number) - 1).unwrap_or(N);
            let (Some(value), Some(is_null)) = (values.get(column), nulls.get(column)) else {
                return false;
            };
            (*key, *null) = (*value, *is_null);
        }
        if !plain || count > KEYS {
            return false;
        }
        let (columns, flags) = (values.as_mut_ptr(), nulls.as_mut_ptr());
        let tuple = raw::heap_form_tuple((*relation).rd_att, columns, flags);
        let command = raw::GetCurrentCommandId(true);
        raw::heap_insert(relation, tuple, command, 0, std::ptr::null_mut());
        raw::index_insert(
            index,
            keys.as_mut_ptr(),
            absent.as_mut_ptr(),
            &raw mut (*tuple).t_self,
            relation,
            pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO,
            false,
            info,
        );
        raw::heap_freetuple(tuple);
        // What follows in this transaction sees the row.
        raw::CommandCounterIncrement();
        true
    }
}
