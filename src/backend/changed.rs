//! The tables of changed rows of a statement trigger, read in step and without SQL.
//!
//! Only for columns whose text and value need no code of a user: else None, and SQL reads them
//! (`guest`). The two tables of an UPDATE hold the same rows in the same order.

use crate::backend::direct::{self, raw};
use crate::backend::numeric;
use crate::backend::trigger::Trigger;
use owostack_domain::quantity::Quantity;
use pgrx::{FromDatum, pg_sys};
use uuid::Uuid;

/// One column of a changed row, as long as the row is the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    Null,
    Text(&'a str),
    Id(Uuid),
    Int(i64),
    Number(Quantity),
}

/// How a column is stored.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Id,
    Int2,
    Int4,
    Int8,
    Number,
}

/// What is read of each row.
#[derive(Debug)]
pub struct Columns<const N: usize> {
    /// Place in the row; None reads NULL.
    places: [Option<(usize, Kind)>; N],
    /// How many columns of the row have to be known.
    count: i32,
}

impl<const N: usize> Columns<N> {
    /// The columns of these names; None where one cannot be read without SQL.
    pub fn find(trigger: &Trigger, names: [Option<&str>; N]) -> Option<Self> {
        let (mut places, mut count) = ([None; N], 0);
        for (place, name) in places.iter_mut().zip(names) {
            let Some(name) = name else { continue };
            let (number, base) = trigger.columns().base(name)?;
            count = count.max(number);
            let kind = match base {
                pg_sys::TEXTOID | pg_sys::VARCHAROID => Kind::Text,
                pg_sys::UUIDOID => Kind::Id,
                pg_sys::INT2OID => Kind::Int2,
                pg_sys::INT4OID => Kind::Int4,
                pg_sys::INT8OID => Kind::Int8,
                pg_sys::NUMERICOID => Kind::Number,
                _ => return None,
            };
            *place = Some((usize::try_from(number - 1).ok()?, kind));
        }
        Some(Self { places, count })
    }

    /// The cells of the row in a slot; None where one is not as usual.
    ///
    /// # Safety
    /// The slot must hold a row of the trigger's table for as long as the cells are used.
    unsafe fn read<'a>(&self, slot: *mut pg_sys::TupleTableSlot) -> Option<[Cell<'a>; N]> {
        let mut cells = [Cell::Null; N];
        // SAFETY: promised by the caller; values are there once they have been taken apart.
        unsafe {
            if i32::from((*slot).tts_nvalid) < self.count {
                raw::slot_getsomeattrs_int(slot, self.count);
            }
            for (cell, place) in cells.iter_mut().zip(&self.places) {
                if let Some((place, kind)) = place
                    && !*(*slot).tts_isnull.add(*place)
                {
                    *cell = value(*(*slot).tts_values.add(*place), *kind)?;
                }
            }
        }
        Some(cells)
    }
}

/// # Safety
/// The datum must be of that kind, and live for `'a`.
unsafe fn value<'a>(datum: pg_sys::Datum, kind: Kind) -> Option<Cell<'a>> {
    // SAFETY: promised by the caller; what is compressed or elsewhere is left to SQL, as taking it out
    // may raise.
    unsafe {
        let in_place = || direct::is_in_place(datum.cast_mut_ptr());
        Some(match kind {
            Kind::Text | Kind::Number if !in_place() => return None,
            Kind::Text => {
                let text = datum.cast_mut_ptr::<pg_sys::varlena>();
                Cell::Text(std::str::from_utf8(pgrx::varlena_to_byte_slice(text)).ok()?)
            }
            Kind::Id => Cell::Id(Uuid::from_bytes(*datum.cast_mut_ptr::<[u8; 16]>())),
            Kind::Int2 => Cell::Int(i16::from_datum(datum, false)?.into()),
            Kind::Int4 => Cell::Int(i32::from_datum(datum, false)?.into()),
            Kind::Int8 => Cell::Int(i64::from_datum(datum, false)?),
            Kind::Number => Cell::Number(numeric::read(datum)?),
        })
    }
}

/// One table of changed rows.
struct Table {
    store: *mut pg_sys::Tuplestorestate,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Table {
    /// Begins to read from the first row, if the event has such a table.
    ///
    /// # Safety
    /// The store must be that of a running trigger; called inside `guarded`.
    unsafe fn open(
        store: *mut pg_sys::Tuplestorestate,
        descriptor: pg_sys::TupleDesc,
    ) -> Option<Self> {
        if store.is_null() {
            return None;
        }
        // SAFETY: promised by the caller; a pointer of our own leaves those of others where they are.
        unsafe {
            let pointer = raw::tuplestore_alloc_read_pointer(store, REWIND);
            raw::tuplestore_select_read_pointer(store, pointer);
            raw::tuplestore_rescan(store);
            let kind = &raw const pg_sys::TTSOpsMinimalTuple;
            let slot = raw::MakeSingleTupleTableSlot(descriptor, kind);
            Some(Self { store, slot })
        }
    }

    /// Whether there is a next row, which is in the slot then.
    ///
    /// # Safety
    /// As [`Table::open`].
    unsafe fn next(&self) -> bool {
        // SAFETY: promised by the caller.
        unsafe { raw::tuplestore_gettupleslot(self.store, true, false, self.slot) }
    }
}

const REWIND: i32 = pg_sys::EXEC_FLAG_REWIND.cast_signed();

/// Tells `each` of all rows in turn: as they were, as they are. False where something is not as
/// usual, or `each` says so; what was told then counts for nothing.
///
/// `each` must own nothing that needs to be dropped when it returns.
pub fn walk<const N: usize>(
    trigger: &Trigger,
    columns: &Columns<N>,
    mut each: impl FnMut(Option<[Cell; N]>, Option<[Cell; N]>) -> Option<()>,
) -> bool {
    // SAFETY: the tables live as long as the trigger runs; raised errors find nothing to drop.
    unsafe {
        direct::guarded(|| {
            let data = &*trigger.as_ptr();
            let descriptor = (*data.tg_relation).rd_att;
            let old = Table::open(data.tg_oldtable, descriptor);
            let new = Table::open(data.tg_newtable, descriptor);
            let whole = loop {
                let there = |table: &Option<Table>| table.as_ref().is_some_and(|one| one.next());
                let (was, is) = (there(&old), there(&new));
                if !was && !is {
                    break true;
                }
                if (old.is_some() && !was) || (new.is_some() && !is) {
                    break false;
                }
                let read = |table: &Option<Table>| match table {
                    Some(table) => columns.read(table.slot).map(Some),
                    None => Some(None),
                };
                let told = match (read(&old), read(&new)) {
                    (Some(was), Some(is)) => each(was, is),
                    _ => None,
                };
                if told.is_none() {
                    break false;
                }
            };
            for table in [&old, &new].into_iter().flatten() {
                raw::ExecDropSingleTupleTableSlot(table.slot);
            }
            whole
        })
    }
}
