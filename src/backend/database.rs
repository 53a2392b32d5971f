//! `pg_database`: which databases there are, who owns them, whether a worker belongs there.
//!
//! Read without SQL, since the launcher is connected to no database: so it is never in the way of
//! a command that wants one to itself.

use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// One database.
#[derive(Debug, Clone)]
pub struct Database {
    pub oid: pg_sys::Oid,
    pub name: String,
    pub owner: pg_sys::Oid,
    /// Connections are allowed, it is no template, and no DROP DATABASE was cut short in it.
    pub takes_worker: bool,
}

/// Connection limit of a database whose DROP was interrupted.
const INVALID: i32 = -2;

/// This process's database.
pub fn own() -> pg_sys::Oid {
    // SAFETY: set once at process start.
    unsafe { pg_sys::MyDatabaseId }
}

/// Every database of the server; inside a transaction.
pub fn all() -> Vec<Database> {
    let mut databases = Vec::new();
    // SAFETY: a shared catalog is opened, read under a registered snapshot and closed; each tuple
    // is looked at before the scan moves on.
    unsafe {
        let relation = pg_sys::table_open(
            pg_sys::DatabaseRelationId,
            pg_sys::AccessShareLock as pg_sys::LOCKMODE,
        );
        let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            databases.push(database(tuple));
        }
        if let Some(end) = (*(*relation).rd_tableam).scan_end {
            end(scan);
        }
        pg_sys::table_close(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
    }
    databases
}

/// The database with that oid, if it still exists; inside a transaction.
pub fn find(oid: pg_sys::Oid) -> Option<Database> {
    // SAFETY: a look-up whose row is released after it was copied.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::DATABASEOID as i32,
            pg_sys::Datum::from(oid),
        );
        if tuple.is_null() {
            return None;
        }
        let found = database(tuple);
        pg_sys::ReleaseSysCache(tuple);
        Some(found)
    }
}

/// The database with that name; inside a transaction.
pub fn by_name(name: &CStr) -> Option<Database> {
    let name = CString::from(name);
    // SAFETY: a look-up that answers an invalid oid for an unknown name.
    let oid = unsafe { pg_sys::get_database_oid(name.as_ptr(), true) };
    find(oid)
}

/// # Safety
/// `tuple` is a row of `pg_database`.
unsafe fn database(tuple: pg_sys::HeapTuple) -> Database {
    // SAFETY: the caller's promise; fixed columns lead the row and are never null.
    let form = unsafe { &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>() };
    // SAFETY: a name is NUL-terminated.
    let name = unsafe { CStr::from_ptr(form.datname.data.as_ptr()) };
    Database {
        oid: form.oid,
        name: name.to_string_lossy().into_owned(),
        owner: form.datdba,
        takes_worker: form.datallowconn && !form.datistemplate && form.datconnlimit != INVALID,
    }
}
