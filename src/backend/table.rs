//! Users' tables as a trigger meets them: identity, columns by name, the text of a column.
//!
//! Nothing here runs SQL or code of a user, with one exception: the output functions of a few
//! built-in types. Whatever else a column may be is left to `guest`.

use crate::error::{Error, Result};
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// Which table, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub oid: pg_sys::Oid,
    pub schema: String,
    pub name: String,
    /// The role that owns it.
    pub owner: pg_sys::Oid,
}

/// The columns of a table.
#[derive(Clone, Copy)]
pub struct Columns(pg_sys::TupleDesc);

/// A row that a trigger was called for.
#[derive(Clone, Copy)]
pub struct TableRow {
    pub(super) tuple: pg_sys::HeapTuple,
    pub(super) columns: Columns,
    pub(super) relation: pg_sys::Oid,
}

/// Types whose output is the same as their cast to text, and runs no code of a user.
const PLAIN_TYPES: &[pg_sys::Oid] = &[
    pg_sys::TEXTOID,
    pg_sys::VARCHAROID,
    pg_sys::UUIDOID,
    pg_sys::INT2OID,
    pg_sys::INT4OID,
    pg_sys::INT8OID,
    pg_sys::NUMERICOID,
    pg_sys::NAMEOID,
];

impl Columns {
    /// # Safety
    /// The descriptor must stay valid while the value is used.
    pub(super) const unsafe fn new(descriptor: pg_sys::TupleDesc) -> Self {
        Self(descriptor)
    }

    /// The column that a person means: by its exact name, else as SQL reads an identifier.
    pub fn find(self, given: &str) -> Option<String> {
        if self.number(given).is_some() {
            return Some(given.to_owned());
        }
        let read = match given.strip_prefix('"').and_then(|g| g.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => given.to_lowercase(),
        };
        self.number(&read).is_some().then_some(read)
    }

    fn number(self, name: &str) -> Option<i32> {
        let name = CString::new(name).ok()?;
        // SAFETY: the descriptor is valid; the name is NUL-terminated.
        let number = unsafe { pg_sys::SPI_fnumber(self.0, name.as_ptr()) };
        (number > 0).then_some(number)
    }

    /// The number of a column that rows hold, and its type below any domain.
    pub(super) fn base(self, name: &str) -> Option<(i32, pg_sys::Oid)> {
        // Which columns rows lack is known to the catalog alone, so none of their like is read here.
        if self.has_virtual() {
            return None;
        }
        let number = self.number(name)?;
        // SAFETY: the number is that of a column of the descriptor.
        let base = unsafe { pg_sys::getBaseType(pg_sys::SPI_gettypeid(self.0, number)) };
        Some((number, base))
    }

    /// Whether the table has virtual generated columns: computed when they are read, they are NULL in
    /// every row that a trigger is called for. Since Postgres 18.
    pub fn has_virtual(self) -> bool {
        // SAFETY: the descriptor is valid, and so is what it points to.
        #[cfg(feature = "pg18")]
        unsafe {
            (*self.0)
                .constr
                .as_ref()
                .is_some_and(|parts| parts.has_generated_virtual)
        }
        #[cfg(not(feature = "pg18"))]
        false
    }

    /// The column's number, if its text can be had without running SQL.
    fn plain(self, name: &str) -> Option<i32> {
        let (number, base) = self.base(name)?;
        PLAIN_TYPES.contains(&base).then_some(number)
    }
}

impl TableRow {
    /// Whether [`TableRow::text`] can tell this column.
    pub fn is_plain(&self, column: &str) -> bool {
        self.columns.plain(column).is_some()
    }

    /// The text of a plain column; None for SQL NULL.
    ///
    /// # Errors
    /// When there is no such column, or it is not plain.
    pub fn text(&self, column: &str) -> Result<Option<String>> {
        let number = self
            .columns
            .plain(column)
            .ok_or_else(|| Error::internal("a column that is not plain"))?;
        // SAFETY: tuple and descriptor belong to each other; the text is NUL-terminated, in the
        // server's encoding, which is UTF-8, and is copied at once.
        let text = unsafe {
            let text = pg_sys::SPI_getvalue(self.tuple, self.columns.0, number);
            if text.is_null() {
                return Ok(None);
            }
            CStr::from_ptr(text).to_str().map(str::to_owned)
        };
        text.map(Some)
            .map_err(|_| Error::internal("a text that is not UTF-8"))
    }
}

/// A fixed-size name of the catalog.
pub(super) fn name_text(name: &pg_sys::NameData) -> String {
    // SAFETY: names are NUL-terminated within their 64 bytes.
    unsafe { CStr::from_ptr(name.data.as_ptr()) }
        .to_string_lossy()
        .into_owned()
}
