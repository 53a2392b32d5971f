//! SQL over rows of users' tables: casts, expressions and functions of users, with their rights.
//!
//! Rules (`api.md` 7): runs outside `AsOwner`, as the role that changes the table. Names are not
//! looked up along that role's path: whoever writes must not choose what an expression means, so
//! what is not the system's is named with its schema. Functions of users that it calls then run
//! along that path, as in any trigger. Only counted numbers and texts come back.
//! Plans of triggers are kept by trigger; Postgres makes them anew when table, path or role change.

use crate::backend::owner::{AsOwner, SearchPath};
use crate::backend::spi::{self, Connection, Row};
use crate::backend::table::{Table, TableRow};
use crate::backend::trigger::Trigger;
use crate::error::{Error, Result};
use pgrx::pg_sys;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::ptr;

/// Name under which statements read rows as they were before.
pub const OLD: &CStr = c"owo_old";
/// Name under which statements read rows as they are now.
pub const NEW: &CStr = c"owo_new";

/// Most plans that a backend keeps; beyond it all are dropped and made again.
const PLANS: usize = 256;

/// Rows that a statement reads, under [`OLD`] and [`NEW`].
#[derive(Clone, Copy)]
pub enum Rows<'a> {
    /// The tables of changed rows of a statement trigger.
    Changed(&'a Trigger),
    /// A copy.
    Copied(&'a RowStore),
}

/// A copy of rows, read under one name.
pub struct RowStore {
    name: &'static CStr,
    store: *mut pg_sys::Tuplestorestate,
    /// Either the table that the rows look like, or a description of them.
    relation: pg_sys::Oid,
    descriptor: pg_sys::TupleDesc,
}

impl RowStore {
    fn new(name: &'static CStr) -> Self {
        // SAFETY: allocates in the memory context of the call.
        let store = unsafe { pg_sys::tuplestore_begin_heap(true, false, pg_sys::work_mem) };
        Self {
            name,
            store,
            relation: pg_sys::InvalidOid,
            descriptor: ptr::null_mut(),
        }
    }

    /// A copy of one row that a trigger was called for.
    pub fn of_row(row: &TableRow, name: &'static CStr) -> Self {
        let mut copy = Self::new(name);
        copy.relation = row.relation;
        // SAFETY: the tuple is valid for the length of the call; the store copies it.
        unsafe { pg_sys::tuplestore_puttuple(copy.store, row.tuple) };
        copy
    }

    /// A copy of all rows of a table, read as its owner and past its policies, in their latest
    /// committed state plus what this transaction did.
    ///
    /// # Errors
    /// When Postgres refuses without raising.
    pub fn of_table(table: &Table, sql: &str, name: &'static CStr) -> Result<Self> {
        let mut copy = Self::new(name);
        // SAFETY: the context of the call outlives the copy.
        let context = unsafe { pg_sys::CurrentMemoryContext };
        let _owner = AsOwner::of_table(table.owner);
        let sql = text(sql)?;
        let _connection = Connection::open()?;
        // SAFETY: connected; every pointer comes from the call before and is valid until
        // SPI_finish, the description excepted, which is copied to the outer context.
        unsafe {
            let plan = pg_sys::SPI_prepare(sql.as_ptr(), 0, ptr::null_mut());
            if plan.is_null() {
                return Err(Error::internal("a table could not be read"));
            }
            pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot());
            let portal =
                pg_sys::SPI_cursor_open(ptr::null(), plan, ptr::null_mut(), ptr::null(), true);
            let inner = pg_sys::MemoryContextSwitchTo(context);
            copy.descriptor = pg_sys::CreateTupleDescCopy((*portal).tupDesc);
            pg_sys::MemoryContextSwitchTo(inner);
            loop {
                pg_sys::SPI_cursor_fetch(portal, true, BATCH);
                let fetched = pg_sys::SPI_tuptable;
                let rows = spi::tuples(fetched).map_or(&[][..], |(rows, _)| rows);
                for row in rows {
                    pg_sys::tuplestore_puttuple(copy.store, *row);
                }
                let done = rows.is_empty();
                pg_sys::SPI_freetuptable(fetched);
                if done {
                    break;
                }
            }
            pg_sys::SPI_cursor_close(portal);
            pg_sys::PopActiveSnapshot();
        }
        Ok(copy)
    }

    /// Lets the statements of the open connection read the copy.
    fn register(&self) -> Result<()> {
        // SAFETY: connected; the record is palloc'ed for the length of the connection and points to
        // what outlives it.
        unsafe {
            let entry = pg_sys::palloc0(size_of::<pg_sys::EphemeralNamedRelationData>())
                .cast::<pg_sys::EphemeralNamedRelationData>();
            (*entry).md.name = self.name.as_ptr().cast_mut();
            (*entry).md.reliddesc = self.relation;
            (*entry).md.tupdesc = self.descriptor;
            (*entry).md.enrtype = pg_sys::EphemeralNameRelationType::ENR_NAMED_TUPLESTORE;
            #[allow(clippy::cast_precision_loss)]
            {
                (*entry).md.enrtuples = pg_sys::tuplestore_tuple_count(self.store) as f64;
            }
            (*entry).reldata = self.store.cast();
            registered(pg_sys::SPI_register_relation(entry))
        }
    }
}

/// Rows that a cursor fetches at a time.
const BATCH: std::ffi::c_long = 10_000;

impl Drop for RowStore {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: made in `new`, ended only here; after an error its context goes with all.
            unsafe { pg_sys::tuplestore_end(self.store) };
        }
    }
}

fn registered(status: i32) -> Result<()> {
    if status < 0 {
        return Err(Error::internal(format!("SPI status {status}")));
    }
    Ok(())
}

fn text(sql: &str) -> Result<CString> {
    CString::new(sql).map_err(|_| Error::invalid("text must not hold NUL"))
}

struct Kept {
    sql: String,
    plan: pg_sys::SPIPlanPtr,
}

thread_local! {
    static KEPT: RefCell<HashMap<(pg_sys::Oid, &'static str), Kept>> = RefCell::new(HashMap::new());
    /// Queries that run now, one inside the other.
    static RUNNING: Cell<u32> = const { Cell::new(0) };
}

/// Counts a query while it runs, also when it ends in an error.
struct Running;

impl Running {
    fn begin() -> Self {
        RUNNING.set(RUNNING.get().saturating_add(1));
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.set(RUNNING.get().saturating_sub(1));
    }
}

/// Runs a query over `rows` as the current role and converts what it returns.
///
/// With `keep`, a trigger and a word, its plan is kept for the next time.
///
/// # Errors
/// Whatever `convert` returns; errors of the user's SQL are raised by Postgres itself.
pub fn select<T>(
    rows: Rows,
    sql: &str,
    keep: Option<(pg_sys::Oid, &'static str)>,
    convert: impl FnMut(&Row) -> Result<T>,
) -> Result<Vec<T>> {
    let _running = Running::begin();
    let own = SearchPath::current();
    let _system = SearchPath::enter(c"pg_catalog, pg_temp");
    let _connection = Connection::open()?;
    match rows {
        // SAFETY: connected; the trigger's data lives through the call.
        Rows::Changed(trigger) => unsafe {
            registered(pg_sys::SPI_register_trigger_data(trigger.as_ptr()))?;
        },
        Rows::Copied(copy) => copy.register()?,
    }
    let plan = match keep {
        Some(key) => kept(key, sql)?,
        None => prepare(sql)?,
    };
    // SAFETY: connected; a plan without parameters. Not read-only: functions of users may write, as
    // in any trigger. Nothing is evaluated yet, but for what is constant.
    let portal =
        unsafe { pg_sys::SPI_cursor_open(ptr::null(), plan, ptr::null_mut(), ptr::null(), false) };
    let rows = {
        let _own = SearchPath::enter(&own);
        // SAFETY: the portal that was just opened; it fetches all.
        unsafe { pg_sys::SPI_cursor_fetch(portal, true, std::ffi::c_long::MAX) };
        spi::results(0, convert)?.0
    };
    // SAFETY: as above; an error ends it with the transaction or savepoint that it was opened in.
    unsafe { pg_sys::SPI_cursor_close(portal) };
    Ok(rows)
}

fn kept(key: (pg_sys::Oid, &'static str), sql: &str) -> Result<pg_sys::SPIPlanPtr> {
    let found = KEPT.with_borrow(|kept| {
        kept.get(&key)
            .filter(|kept| kept.sql == sql)
            .map(|kept| kept.plan)
    });
    if let Some(plan) = found {
        return Ok(plan);
    }
    let plan = prepare(sql)?;
    // Inside another query a plan that would have to go may be the one that runs.
    let nested = RUNNING.get() > 1;
    let crowded = KEPT.with_borrow(|kept| kept.len() >= PLANS || kept.contains_key(&key));
    if nested && crowded {
        return Ok(plan);
    }
    // SAFETY: a plan that was just prepared.
    if unsafe { pg_sys::SPI_keepplan(plan) } != 0 {
        return Err(Error::internal("a plan could not be kept"));
    }
    let outdated = KEPT.with_borrow_mut(|kept| {
        let mut outdated: Vec<Kept> = if kept.len() >= PLANS {
            kept.drain().map(|(_, kept)| kept).collect()
        } else {
            Vec::new()
        };
        let sql = sql.to_owned();
        outdated.extend(kept.insert(key, Kept { sql, plan }));
        outdated
    });
    for kept in outdated {
        // SAFETY: kept here alone, and no query runs that could be using it.
        unsafe { pg_sys::SPI_freeplan(kept.plan) };
    }
    Ok(plan)
}

fn prepare(sql: &str) -> Result<pg_sys::SPIPlanPtr> {
    let sql = text(sql)?;
    // SAFETY: connected; the text lives through the call.
    unsafe {
        let plan = pg_sys::SPI_prepare(sql.as_ptr(), 0, ptr::null_mut());
        if plan.is_null() || !pg_sys::SPI_is_cursor_plan(plan) {
            return Err(Error::invalid("an expression must be a single value"));
        }
        Ok(plan)
    }
}
