//! Expressions of users, bound to the objects that their names mean now.
//!
//! A bound expression names everything outside `pg_catalog` with its schema, so that whoever writes
//! to the table later cannot make it mean something else by a search path of their own.
//! Nothing is evaluated here.

use crate::backend::owner::SearchPath;
use crate::backend::spi::Connection;
use crate::backend::table::Table;
use crate::error::{Error, Result};
use pgrx::pg_sys;
use std::ffi::{CStr, CString};
use std::ptr;

/// Reads an expression over the columns of a table and prints it with all names bound.
///
/// Names are looked up along the current path. Syntax errors, unknown names and the like are raised
/// by Postgres itself.
///
/// # Errors
/// `22023` when it is more than one value computed from one row.
pub fn bound(table: &Table, quoted_table: &str, expression: &str) -> Result<String> {
    let _path = SearchPath::guarded();
    let _connection = Connection::open()?;
    // The line ends keep a comment in the expression from hiding what follows.
    let sql = format!("SELECT (\n{expression}\n) FROM ONLY {quoted_table}");
    let sql = CString::new(sql).map_err(|_| Error::invalid("text must not hold NUL"))?;
    let name = CString::new(table.name.as_str())
        .map_err(|_| Error::internal("a table's name with NUL"))?;
    // SAFETY: connected; the text lives through the call.
    let plan = unsafe { pg_sys::SPI_prepare(sql.as_ptr(), 0, ptr::null_mut()) };
    // SAFETY: an analysed plan, or null.
    let value = unsafe { only_value(plan) }.ok_or_else(|| {
        Error::invalid("value_expression must be one value computed from one row of the table")
            .detail(format!("It is \"{expression}\"."))
            .hint("Use columns, constants, operators and functions; no aggregates, no sets.")
    })?;
    let _system = SearchPath::enter(c"pg_catalog, pg_temp");
    // SAFETY: the expression was analysed over this table as its only relation; the printed text is
    // palloc'ed and copied at once.
    unsafe {
        let context = pg_sys::deparse_context_for(name.as_ptr(), table.oid);
        let text = pg_sys::deparse_expression(value, context, false, false);
        CStr::from_ptr(text).to_str().map(str::to_owned)
    }
    .map_err(|_| Error::internal("an expression that is not UTF-8"))
}

/// The one value of a plain query over one relation; None for whatever else the text turned out to be.
///
/// # Safety
/// `plan` must be null or prepared in the open connection.
unsafe fn only_value(plan: pg_sys::SPIPlanPtr) -> Option<*mut pg_sys::Node> {
    if plan.is_null() {
        return None;
    }
    // SAFETY: promised by the caller; node tags are implied by where a node stands in a query.
    unsafe {
        let source: *mut pg_sys::CachedPlanSource = only(pg_sys::SPI_plan_get_plan_sources(plan))?;
        let query = only::<pg_sys::Query>((*source).query_list)?.as_ref()?;
        let select = query.commandType == pg_sys::CmdType::CMD_SELECT;
        let aggregated = query.hasAggs || query.hasWindowFuncs || query.hasTargetSRFs;
        let from = query.jointree.as_ref()?;
        let one_relation = length(query.rtable) == 1 && length(from.fromlist) == 1;
        let clauses = [
            query.cteList,
            query.groupClause,
            query.groupingSets,
            query.sortClause,
            query.distinctClause,
            query.rowMarks,
        ];
        let more = clauses.iter().any(|clause| length(*clause) > 0)
            || !query.limitCount.is_null()
            || !query.limitOffset.is_null()
            || !query.havingQual.is_null()
            || !query.setOperations.is_null()
            || !from.quals.is_null();
        let entry = only::<pg_sys::TargetEntry>(query.targetList)?.as_ref()?;
        (select && one_relation && !aggregated && !more).then_some(entry.expr.cast())
    }
}

/// # Safety
/// The list must be null or valid.
unsafe fn length(list: *mut pg_sys::List) -> usize {
    // SAFETY: promised by the caller.
    unsafe { list.as_ref() }.map_or(0, |list| usize::try_from(list.length).unwrap_or(0))
}

/// The only element of a list of pointers to `T`.
///
/// # Safety
/// The list must be null or valid, and hold pointers to `T`.
unsafe fn only<T>(list: *mut pg_sys::List) -> Option<*mut T> {
    // SAFETY: promised by the caller.
    unsafe {
        if length(list) != 1 {
            return None;
        }
        let element: *mut T = (*(*list).elements).ptr_value.cast();
        (!element.is_null()).then_some(element)
    }
}
