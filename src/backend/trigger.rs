//! A running trigger: what it was called for, with which arguments, on which table.
//!
//! The safe face over `TriggerData`. A value lives no longer than the call it was made in.

use crate::backend::answer::Answer;
use crate::backend::table::{Columns, Table, TableRow, name_text};
use crate::error::{Error, Result};
use pgrx::pg_sys;
use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

/// What happened to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// When the trigger runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    Before,
    After,
    InsteadOf,
}

/// The trigger that is running.
#[derive(Clone, Copy)]
pub struct Trigger(NonNull<pg_sys::TriggerData>);

/// Offset in `t_ctid` of a row that an UPDATE moved to another partition.
const MOVED_OFFSET: u16 = 0xfffd;

impl Trigger {
    /// The trigger of this call; None when the function was called some other way.
    pub fn of(fcinfo: pg_sys::FunctionCallInfo) -> Option<Self> {
        // SAFETY: Postgres passes valid call information; its context is trigger data when the
        // function is called as a trigger, which is checked by node tag.
        unsafe {
            let data = fcinfo.as_ref()?.context.cast::<pg_sys::TriggerData>();
            let found = NonNull::new(data)?;
            (found.as_ref().type_ == pg_sys::NodeTag::T_TriggerData).then_some(Self(found))
        }
    }

    fn data(&self) -> &pg_sys::TriggerData {
        // SAFETY: valid for the length of the call, checked in `of`.
        unsafe { self.0.as_ref() }
    }

    fn definition(&self) -> Result<&pg_sys::Trigger> {
        // SAFETY: the trigger manager sets it for every call.
        unsafe { self.data().tg_trigger.as_ref() }
            .ok_or_else(|| Error::internal("a trigger without definition"))
    }

    pub(super) const fn as_ptr(&self) -> *mut pg_sys::TriggerData {
        self.0.as_ptr()
    }

    pub fn event(&self) -> Event {
        match self.data().tg_event & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Event::Insert,
            pg_sys::TRIGGER_EVENT_DELETE => Event::Delete,
            pg_sys::TRIGGER_EVENT_UPDATE => Event::Update,
            _ => Event::Truncate,
        }
    }

    pub fn timing(&self) -> Timing {
        match self.data().tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK {
            pg_sys::TRIGGER_EVENT_AFTER => Timing::After,
            pg_sys::TRIGGER_EVENT_BEFORE => Timing::Before,
            _ => Timing::InsteadOf,
        }
    }

    /// Whether it is called for each row.
    pub fn is_for_row(&self) -> bool {
        self.data().tg_event & pg_sys::TRIGGER_EVENT_ROW != 0
    }

    /// The trigger's own identity.
    ///
    /// # Errors
    /// When the trigger manager did not say.
    pub fn oid(&self) -> Result<pg_sys::Oid> {
        Ok(self.definition()?.tgoid)
    }

    /// Whether it was made on a partitioned parent of this table.
    ///
    /// # Errors
    /// As [`Trigger::oid`].
    pub fn is_clone(&self) -> Result<bool> {
        Ok(self.definition()?.tgisclone)
    }

    /// The texts between the parentheses of its definition.
    ///
    /// # Errors
    /// When one is not UTF-8.
    pub fn arguments(&self) -> Result<Vec<String>> {
        let definition = self.definition()?;
        let count = usize::try_from(definition.tgnargs).unwrap_or(0);
        if count == 0 || definition.tgargs.is_null() {
            return Ok(Vec::new());
        }
        // SAFETY: there are `tgnargs` NUL-terminated texts.
        let texts = unsafe { std::slice::from_raw_parts(definition.tgargs, count) };
        texts
            .iter()
            .map(|text| {
                // SAFETY: as above.
                unsafe { CStr::from_ptr(*text) }
                    .to_str()
                    .map(str::to_owned)
                    .map_err(|_| Error::internal("a trigger argument that is not UTF-8"))
            })
            .collect()
    }

    /// The table it fires on: a partition, when it was made on its parent.
    ///
    /// # Errors
    /// When its schema vanished.
    pub fn table(&self) -> Result<Table> {
        // SAFETY: the relation is open for the length of the call; the name is palloc'ed.
        unsafe {
            let relation = &*self.data().tg_relation;
            let class = &*relation.rd_rel;
            let schema = pg_sys::get_namespace_name(class.relnamespace);
            if schema.is_null() {
                return Err(Error::internal("a table without schema"));
            }
            Ok(Table {
                oid: relation.rd_id,
                schema: CStr::from_ptr(schema).to_string_lossy().into_owned(),
                name: name_text(&class.relname),
                owner: class.relowner,
            })
        }
    }

    /// Whether the table it fires on has partitions.
    pub fn is_on_partitioned(&self) -> bool {
        // SAFETY: as in `table`.
        let kind = unsafe { (*(*self.data().tg_relation).rd_rel).relkind };
        u8::try_from(kind) == Ok(pg_sys::RELKIND_PARTITIONED_TABLE)
    }

    /// Columns of the table it fires on.
    pub fn columns(&self) -> Columns {
        // SAFETY: the relation is open for the length of the call.
        unsafe { Columns::new((*self.data().tg_relation).rd_att) }
    }

    /// The row before the change: of an UPDATE or DELETE.
    pub fn old_row(&self) -> Option<TableRow> {
        match self.event() {
            Event::Update | Event::Delete => self.row(self.data().tg_trigtuple),
            Event::Insert | Event::Truncate => None,
        }
    }

    /// The row after the change: of an INSERT or UPDATE.
    pub fn new_row(&self) -> Option<TableRow> {
        match self.event() {
            Event::Insert => self.row(self.data().tg_trigtuple),
            Event::Update => self.row(self.data().tg_newtuple),
            Event::Delete | Event::Truncate => None,
        }
    }

    fn row(&self, tuple: pg_sys::HeapTuple) -> Option<TableRow> {
        if tuple.is_null() {
            return None;
        }
        Some(TableRow {
            tuple,
            columns: self.columns(),
            // SAFETY: the relation is open for the length of the call.
            relation: unsafe { (*self.data().tg_relation).rd_id },
        })
    }

    /// Whether the deleted row is one that an UPDATE moves to another partition, where an INSERT
    /// follows; its place in the old partition says so.
    pub fn is_moving(&self) -> bool {
        if self.event() != Event::Delete {
            return false;
        }
        // SAFETY: the tuple of a DELETE is valid for the length of the call.
        unsafe {
            let Some(header) = self
                .data()
                .tg_trigtuple
                .as_ref()
                .and_then(|tuple| tuple.t_data.as_ref())
            else {
                return false;
            };
            let place = header.t_ctid;
            place.ip_posid == MOVED_OFFSET
                && place.ip_blkid.bi_hi == u16::MAX
                && place.ip_blkid.bi_lo == u16::MAX
        }
    }

    /// Whether a statement trigger was given the tables of changed rows that its event has, under
    /// these names.
    pub fn has_row_tables(&self, old_name: &CStr, new_name: &CStr) -> bool {
        let Ok(definition) = self.definition() else {
            return false;
        };
        let named = |table: *mut pg_sys::Tuplestorestate, given: *mut c_char, name: &CStr| {
            // SAFETY: a table of changed rows has a NUL-terminated name.
            !table.is_null() && !given.is_null() && unsafe { CStr::from_ptr(given) } == name
        };
        let data = self.data();
        let old = named(data.tg_oldtable, definition.tgoldtable, old_name);
        let new = named(data.tg_newtable, definition.tgnewtable, new_name);
        match self.event() {
            Event::Insert => new,
            Event::Update => old && new,
            Event::Delete => old,
            Event::Truncate => false,
        }
    }

    /// How many rows the statement changed, as far as its tables of changed rows tell.
    pub fn row_count(&self) -> i64 {
        let data = self.data();
        [data.tg_oldtable, data.tg_newtable]
            .into_iter()
            .filter(|store| !store.is_null())
            // SAFETY: the stores are valid for the length of the call.
            .map(|store| unsafe { pg_sys::tuplestore_tuple_count(store) })
            .max()
            .unwrap_or(0)
    }
}

/// Refuses a call from SQL, and triggers on anybody else's table.
///
/// # Errors
/// `39P01`, `42501`.
pub fn require_own(fcinfo: pg_sys::FunctionCallInfo) -> Result<()> {
    let trigger = Trigger::of(fcinfo)
        .ok_or_else(|| Error::not_a_trigger("a trigger function was not called by a trigger"))?;
    // SAFETY: trigger data of a running trigger names its open relation.
    let relation = unsafe { (*trigger.data().tg_relation).rd_id };
    require_own_table(relation)
}

/// Refuses a table outside schema `owo`, where only the extension's owner makes any.
///
/// # Errors
/// `42501`.
pub fn require_own_table(relation: pg_sys::Oid) -> Result<()> {
    // SAFETY: catalog look-ups that answer an invalid oid for what they do not know.
    let (namespace, own) = unsafe {
        (
            pg_sys::get_rel_namespace(relation),
            pg_sys::get_namespace_oid(c"owo".as_ptr(), true),
        )
    };
    if namespace == own && own != pg_sys::InvalidOid {
        return Ok(());
    }
    Err(Error::denied(
        "this trigger function is for the tables of owostack",
    ))
}

/// The row as it is, so that the statement goes on; nothing for statement triggers.
pub fn pass(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    let row = Trigger::of(fcinfo).map_or(std::ptr::null_mut(), |trigger| {
        let data = trigger.data();
        if data.tg_newtuple.is_null() {
            data.tg_trigtuple
        } else {
            data.tg_newtuple
        }
    });
    // A trigger that skips its row hands back a null pointer, never SQL's NULL.
    Answer::datum(pg_sys::Datum::from(row))
}
