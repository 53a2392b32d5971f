//! Looking many rows up in one walk along the primary key of a table of ours, without a statement.
//!
//! Only for a table that is as we made it: heap storage, a primary key of a uuid and a text that is
//! compared byte by byte. What is sought comes in that order, so the walk goes one way: where the
//! next row lies beyond several keys in turn, it answers for all of them. Rows are those that the
//! snapshot sees, as for any statement. Rights need no check, as in `heap`.

use crate::backend::direct::{self, raw};
use crate::backend::spi::{Row, Snapshot};
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;
use uuid::Uuid;

/// Longest key in bytes: 255 characters.
const KEY_BYTES: usize = 1_020;

/// Numbers of the columns that the primary key has.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub id: i16,
    pub text: i16,
}

/// Finds rows by `sought`, which is in ascending order; each comes with its place there.
///
/// None, and nothing read, where the table is not as we made it.
pub fn find(
    table: pg_sys::Oid,
    key: Key,
    snapshot: &Snapshot,
    sought: &[(Uuid, &str)],
) -> Option<Vec<(usize, Row)>> {
    if sought.iter().any(|(_, text)| text.len() > KEY_BYTES) {
        return None;
    }
    let mut found = Vec::new();
    // SAFETY: the table exists as long as the extension. What is raised leaves nothing to drop:
    // `found` lies outside, tuples belong to the memory context of the call.
    let done = unsafe {
        direct::guarded(|| {
            let relation = raw::table_open(table, MODE);
            let walk = Walk::open(relation, key, snapshot);
            if let Some(mut walk) = walk {
                let descriptor = raw::CreateTupleDescCopy((*relation).rd_att);
                walk.along(sought, |place, tuple| {
                    found.push((place, Row::new(tuple, descriptor)));
                });
                walk.close();
            }
            raw::table_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
            walk.is_some()
        })
    };
    done.then_some(found)
}

const MODE: pg_sys::LOCKMODE = pg_sys::AccessShareLock as pg_sys::LOCKMODE;

/// What is known of the row that follows the last key that was sought, of the same customer.
enum Next {
    End,
    At(*const u8, usize),
}

/// A text as an argument of the index's comparison.
struct Argument([u64; KEY_BYTES / 8 + 1]);

impl Argument {
    /// The datum is valid until the next text.
    fn set(&mut self, text: &str) -> Datum {
        let size = i32::try_from(text.len() + size_of::<u32>()).unwrap_or(0);
        let start = self.0.as_mut_ptr().cast::<u8>();
        // SAFETY: there is room for header and text, whose length was checked in `find`.
        unsafe {
            pgrx::set_varsize_4b(start.cast(), size);
            start
                .add(size_of::<u32>())
                .copy_from_nonoverlapping(text.as_ptr(), text.len());
        }
        Datum::from(start)
    }
}

/// An open scan of the primary key.
#[derive(Clone, Copy)]
struct Walk {
    key: Key,
    index: pg_sys::Relation,
    scan: pg_sys::IndexScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
    descriptor: pg_sys::TupleDesc,
}

impl Walk {
    /// None where the table has another primary key.
    ///
    /// # Safety
    /// The table must be open; called inside `guarded`.
    unsafe fn open(relation: pg_sys::Relation, key: Key, snapshot: &Snapshot) -> Option<Self> {
        // SAFETY: promised by the caller; the primary key is known once indexes have been listed.
        unsafe {
            if (*(*relation).rd_rel).relam != pg_sys::HEAP_TABLE_AM_OID
                || raw::RelationGetIndexList(relation).is_null()
                || (*relation).rd_pkindex == pg_sys::InvalidOid
            {
                return None;
            }
            let index = raw::index_open((*relation).rd_pkindex, MODE);
            if !is_key(index, key) {
                raw::index_close(index, pg_sys::NoLock as pg_sys::LOCKMODE);
                return None;
            }
            let descriptor = (*relation).rd_att;
            Some(Self {
                key,
                index,
                scan: begin(relation, index, snapshot.as_ptr()),
                slot: raw::MakeSingleTupleTableSlot(
                    descriptor,
                    &raw const pg_sys::TTSOpsBufferHeapTuple,
                ),
                descriptor,
            })
        }
    }

    /// Tells of each row that is sought.
    ///
    /// # Safety
    /// The walk must be open; called inside `guarded`.
    unsafe fn along(
        &mut self,
        sought: &[(Uuid, &str)],
        mut tell: impl FnMut(usize, pg_sys::HeapTuple),
    ) {
        let mut argument = Argument([0; KEY_BYTES / 8 + 1]);
        let mut next: Option<(Uuid, Next)> = None;
        // SAFETY: promised by the caller; what `next` points to is the row that the slot holds.
        unsafe {
            let mut keys = self.keys();
            for (place, (id, text)) in sought.iter().enumerate() {
                let beyond = match &next {
                    Some((of, next)) if of == id => match next {
                        Next::End => true,
                        Next::At(start, length) => {
                            text.as_bytes() < std::slice::from_raw_parts(*start, *length)
                        }
                    },
                    _ => false,
                };
                if beyond {
                    continue;
                }
                let [by_id, by_text] = &mut keys;
                by_id.sk_argument = Datum::from(id.as_bytes().as_ptr());
                by_text.sk_argument = argument.set(text);
                raw::index_rescan(self.scan, keys.as_mut_ptr(), 2, std::ptr::null_mut(), 0);
                let forward = pg_sys::ScanDirection::ForwardScanDirection;
                if !raw::index_getnext_slot(self.scan, forward, self.slot) {
                    next = Some((*id, Next::End));
                    continue;
                }
                let tuple = raw::ExecFetchSlotHeapTuple(self.slot, false, std::ptr::null_mut());
                let (start, length) = self.text(tuple);
                if std::slice::from_raw_parts(start, length) == text.as_bytes() {
                    tell(place, raw::heap_copytuple(tuple));
                }
                next = Some((*id, Next::At(start, length)));
            }
        }
    }

    /// This id, and a text that is not below another.
    ///
    /// # Safety
    /// As [`Walk::along`].
    unsafe fn keys(&self) -> [pg_sys::ScanKeyData; 2] {
        let mut keys = [pg_sys::ScanKeyData::default(); 2];
        let ways = [
            (1, pg_sys::BTEqualStrategyNumber, pg_sys::F_UUID_EQ),
            (2, pg_sys::BTGreaterEqualStrategyNumber, pg_sys::F_TEXT_GE),
        ];
        for (key, (column, strategy, procedure)) in keys.iter_mut().zip(ways) {
            // SAFETY: promised by the caller; texts are compared with collation "C" here.
            unsafe {
                raw::ScanKeyInit(
                    key,
                    column,
                    pg_sys::StrategyNumber::try_from(strategy).unwrap_or(0),
                    pg_sys::RegProcedure::from(procedure),
                    Datum::null(),
                );
            }
        }
        keys
    }

    /// The key's text in a row.
    ///
    /// # Safety
    /// As [`Walk::along`]; valid as long as the tuple is.
    unsafe fn text(&self, tuple: pg_sys::HeapTuple) -> (*const u8, usize) {
        // SAFETY: promised by the caller; the column is a text and never NULL.
        unsafe {
            let datum = raw::nocachegetattr(tuple, self.key.text.into(), self.descriptor);
            let text = raw::pg_detoast_datum_packed(datum.cast_mut_ptr());
            let bytes = pgrx::varlena_to_byte_slice(text);
            (bytes.as_ptr(), bytes.len())
        }
    }

    /// # Safety
    /// As [`Walk::along`].
    unsafe fn close(&self) {
        // SAFETY: promised by the caller.
        unsafe {
            raw::index_endscan(self.scan);
            raw::ExecDropSingleTupleTableSlot(self.slot);
            raw::index_close(self.index, pg_sys::NoLock as pg_sys::LOCKMODE);
        }
    }
}

/// Whether the index is a key of these two columns, its text compared byte by byte.
///
/// # Safety
/// The index must be open; called inside `guarded`.
unsafe fn is_key(index: pg_sys::Relation, key: Key) -> bool {
    // SAFETY: promised by the caller; there is a collation for each column.
    unsafe {
        let info = raw::BuildIndexInfo(index);
        (*info).ii_NumIndexKeyAttrs == 2
            && (*info).ii_Unique
            && (*info).ii_Predicate.is_null()
            && (*info).ii_IndexAttrNumbers.starts_with(&[key.id, key.text])
            && *(*index).rd_indcollation.add(1) == pg_sys::C_COLLATION_OID
    }
}

/// # Safety
/// Both must be open, the snapshot registered; called inside `guarded`.
unsafe fn begin(
    heap: pg_sys::Relation,
    index: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
) -> pg_sys::IndexScanDesc {
    // SAFETY: promised by the caller.
    #[cfg(not(feature = "pg18"))]
    unsafe {
        raw::index_beginscan(heap, index, snapshot, 2, 0)
    }
    // SAFETY: as above.
    #[cfg(feature = "pg18")]
    unsafe {
        raw::index_beginscan(heap, index, snapshot, std::ptr::null_mut(), 2, 0)
    }
}
