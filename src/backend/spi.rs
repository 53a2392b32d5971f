//! Our face of SPI: kept plans, explicit snapshots, no transaction id in reads (protocol 11, 12).
//!
//! `read` sees the latest committed state and the caller's own rows, at every isolation level;
//! `write` acts on that state too, so that REPEATABLE READ fails only where somebody is really in
//! the way. pgrx's own SPI client is not used: it reads with the transaction's old snapshot.

use crate::backend::direct;
use crate::backend::sqlstate::Frame;
use crate::backend::value::{Argument, FromColumn};
use crate::error::{Error, Result};
use pgrx::pg_sys;
use std::ffi::CString;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};

/// An SQL statement, planned once per backend. Used as a `static` beside the function that runs it.
pub struct Statement {
    sql: &'static str,
    options: u32,
    plan: AtomicPtr<pg_sys::_SPI_plan>,
}

/// A registered snapshot of the latest committed state; released on drop or by abort.
pub struct Snapshot(NonNull<pg_sys::SnapshotData>);

/// One row of a result; columns count from 0.
pub struct Row {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
}

impl Statement {
    /// A statement with `$1`-style parameters.
    pub const fn new(sql: &'static str) -> Self {
        Self {
            sql,
            options: 0,
            plan: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// The same with one plan for all arguments: for look-ups by a few keys in tables that stay
    /// small or are reached by one index. Left alone, Postgres plans a statement with an array anew
    /// at each call, because it takes a short array for cheaper than an unknown one; and what was
    /// planned while a table was empty reads all of it once it is full, so indexes are preferred.
    pub const fn look_up(sql: &'static str) -> Self {
        Self {
            sql,
            options: pg_sys::CURSOR_OPT_GENERIC_PLAN,
            plan: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn plan(&self, arguments: &[Argument]) -> Result<pg_sys::SPIPlanPtr> {
        let kept = self.plan.load(Ordering::Relaxed);
        if !kept.is_null() {
            return Ok(kept);
        }
        let sql = CString::new(self.sql).map_err(|_| Error::internal("statement with NUL"))?;
        let mut types: Vec<pg_sys::Oid> = arguments.iter().map(|a| a.type_oid).collect();
        let count = count_of(types.len())?;
        // SAFETY: connected to SPI by the caller; pointers live through the calls.
        let plan = unsafe {
            let options = self.options.cast_signed();
            let plan = pg_sys::SPI_prepare_cursor(sql.as_ptr(), count, types.as_mut_ptr(), options);
            if plan.is_null() || pg_sys::SPI_keepplan(plan) != 0 {
                return Err(Error::internal("a statement could not be prepared"));
            }
            plan
        };
        self.plan.store(plan, Ordering::Relaxed);
        Ok(plan)
    }
}

pub(super) fn count_of(length: usize) -> Result<i32> {
    i32::try_from(length).map_err(|_| Error::internal("too many arguments"))
}

impl Snapshot {
    /// The latest committed state plus what this transaction has done so far.
    ///
    /// In parallel mode Postgres gives none out for queries (protocol 14). Where the transaction has
    /// changed something the active one is used, as its workers know of nothing else; where it has
    /// not, the one for looking at a catalog: the latest, made anew for each table without a cache
    /// in memory, as ours are.
    pub fn latest() -> Result<Self> {
        // SAFETY: inside a transaction; what is registered is a copy of its own, released once.
        let snapshot = unsafe {
            let latest = if direct::is_partial() {
                pg_sys::GetActiveSnapshot()
            } else if direct::is_in_parallel_mode() {
                pg_sys::GetCatalogSnapshot(pg_sys::InvalidOid)
            } else {
                pg_sys::GetLatestSnapshot()
            };
            pg_sys::RegisterSnapshot(latest)
        };
        NonNull::new(snapshot)
            .map(Self)
            .ok_or_else(|| Error::internal("no snapshot"))
    }

    /// Valid as long as the snapshot is.
    pub(super) const fn as_ptr(&self) -> pg_sys::Snapshot {
        self.0.as_ptr()
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: registered in `latest`, released only here.
            unsafe { pg_sys::UnregisterSnapshot(self.0.as_ptr()) };
        }
    }
}

impl Row {
    /// A row that was found without a statement.
    pub(super) const fn new(tuple: pg_sys::HeapTuple, descriptor: pg_sys::TupleDesc) -> Self {
        Self { tuple, descriptor }
    }

    /// The value of column `index`.
    ///
    /// # Errors
    /// When the column is NULL but `T` is not an option, or holds what `T` cannot.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T> {
        let (datum, null) = self.datum(index)?;
        // SAFETY: statement and reader stand side by side in `db/`, so types agree.
        unsafe { T::from_column(datum, null) }
            .map_err(|error| error.detail(format!("Column {index} of a statement of owostack.")))
    }

    fn datum(&self, index: usize) -> Result<(pg_sys::Datum, bool)> {
        let number = count_of(index)?.saturating_add(1);
        let mut null = false;
        // SAFETY: tuple and descriptor belong to the live SPI result.
        let datum =
            unsafe { pg_sys::SPI_getbinval(self.tuple, self.descriptor, number, &raw mut null) };
        Ok((datum, null))
    }

    /// A composite column, copied so that it outlives the statement.
    ///
    /// # Errors
    /// When the column is NULL.
    pub fn composite(&self, index: usize) -> Result<pg_sys::Datum> {
        let (datum, null) = self.datum(index)?;
        if null {
            return Err(Error::internal("a row was expected"));
        }
        // SAFETY: composites are variable-length, passed by reference; the copy goes to the
        // context that was current before SPI was connected.
        Ok(unsafe { pg_sys::SPI_datumTransfer(datum, false, -1) })
    }
}

/// Runs a reading statement at `snapshot` and converts each row.
///
/// # Errors
/// Whatever `convert` returns; SQL errors are raised by Postgres itself.
pub fn read<T>(
    snapshot: &Snapshot,
    statement: &Statement,
    arguments: Vec<Argument>,
    convert: impl FnMut(&Row) -> Result<T>,
) -> Result<Vec<T>> {
    execute(Some(snapshot), statement, arguments, true, convert).map(|(rows, _)| rows)
}

/// Runs a writing statement on the latest state and converts each row it returns.
///
/// # Errors
/// As [`read`].
pub fn write<T>(
    statement: &Statement,
    arguments: Vec<Argument>,
    convert: impl FnMut(&Row) -> Result<T>,
) -> Result<Vec<T>> {
    let snapshot = Snapshot::latest()?;
    execute(Some(&snapshot), statement, arguments, false, convert).map(|(rows, _)| rows)
}

/// Runs a writing statement and says how many rows it touched.
///
/// # Errors
/// As [`read`].
pub fn run(statement: &Statement, arguments: Vec<Argument>) -> Result<u64> {
    let snapshot = Snapshot::latest()?;
    execute(Some(&snapshot), statement, arguments, false, |_| Ok(())).map(|(_, count)| count)
}

/// Runs statements given as text, such as GRANT, that cannot be planned once.
///
/// # Errors
/// When Postgres refuses them without raising.
pub fn utility(sql: &str) -> Result<()> {
    let text = CString::new(sql).map_err(|_| Error::invalid("text must not hold NUL"))?;
    let _connection = Connection::open()?;
    // SAFETY: connected; the text lives through the call.
    let status = unsafe { pg_sys::SPI_execute(text.as_ptr(), false, 0) };
    if status < 0 {
        Err(Error::internal(format!("SPI status {status}")))
    } else {
        Ok(())
    }
}

/// A connection to SPI; closed on drop, or by abort.
pub(super) struct Connection {
    _frame: Pin<Box<Frame>>,
}

impl Connection {
    pub(super) fn open() -> Result<Self> {
        // SAFETY: closed on drop, or by abort.
        if unsafe { pg_sys::SPI_connect() } == pg_sys::SPI_OK_CONNECT as i32 {
            Ok(Self {
                _frame: Frame::open(),
            })
        } else {
            Err(Error::internal("SPI is not available"))
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened in `open`.
            unsafe { pg_sys::SPI_finish() };
        }
    }
}

/// While it lives, plans prefer indexes, whatever the size of a table is at the moment.
struct ByIndex {
    seqscan: bool,
    jit: bool,
}

impl ByIndex {
    fn enter() -> Self {
        // SAFETY: backend-local settings of the planner, put back on drop, by an error too. Without
        // a fitting index the price of the other way would ask for code to be compiled.
        unsafe {
            let kept = Self {
                seqscan: pg_sys::enable_seqscan,
                jit: pg_sys::jit_enabled,
            };
            pg_sys::enable_seqscan = false;
            pg_sys::jit_enabled = false;
            kept
        }
    }
}

impl Drop for ByIndex {
    fn drop(&mut self) {
        // SAFETY: as in `enter`.
        unsafe {
            pg_sys::enable_seqscan = self.seqscan;
            pg_sys::jit_enabled = self.jit;
        }
    }
}

fn execute<T>(
    snapshot: Option<&Snapshot>,
    statement: &Statement,
    arguments: Vec<Argument>,
    read_only: bool,
    convert: impl FnMut(&Row) -> Result<T>,
) -> Result<(Vec<T>, u64)> {
    let _connection = Connection::open()?;
    let plan = statement.plan(&arguments)?;
    let mut values: Vec<pg_sys::Datum> = arguments
        .iter()
        .map(|a| a.datum.unwrap_or(pg_sys::Datum::null()))
        .collect();
    let nulls: Vec<std::ffi::c_char> = arguments
        .iter()
        .map(|a| if a.datum.is_some() { b' ' } else { b'n' } as std::ffi::c_char)
        .collect();
    let snapshot = snapshot.map_or(ptr::null_mut(), |snapshot| snapshot.0.as_ptr());
    let by_index = (statement.options != 0).then(ByIndex::enter);
    // SAFETY: plan is kept; values and nulls have one entry per parameter and live through it.
    let status = unsafe {
        pg_sys::SPI_execute_snapshot(
            plan,
            values.as_mut_ptr(),
            nulls.as_ptr(),
            snapshot,
            ptr::null_mut(),
            read_only,
            true,
            0,
        )
    };
    drop(by_index);
    results(status, convert)
}

/// Converts the rows of the statement that just ended with `status`, and says how many it touched.
pub(super) fn results<T>(
    status: i32,
    mut convert: impl FnMut(&Row) -> Result<T>,
) -> Result<(Vec<T>, u64)> {
    if status < 0 {
        return Err(Error::internal(format!("SPI status {status}")));
    }
    // SAFETY: globals of the statement that just ran; the table is freed by SPI_finish.
    let (found, processed) = unsafe { (tuples(pg_sys::SPI_tuptable), pg_sys::SPI_processed) };
    let mut rows = Vec::new();
    if let Some((tuples, descriptor)) = found {
        for tuple in tuples {
            rows.push(convert(&Row {
                tuple: *tuple,
                descriptor,
            })?);
        }
    }
    Ok((rows, processed))
}

/// The rows of a tuple table.
///
/// # Safety
/// The table must be null, or valid for as long as the slice is used.
pub(super) unsafe fn tuples<'a>(
    table: *mut pg_sys::SPITupleTable,
) -> Option<(&'a [pg_sys::HeapTuple], pg_sys::TupleDesc)> {
    // SAFETY: promised by the caller; a tuple table holds `numvals` tuples of its descriptor.
    unsafe {
        let table = table.as_ref()?;
        let length = usize::try_from(table.numvals).unwrap_or(0);
        if length == 0 {
            return Some((&[], table.tupdesc));
        }
        Some((
            std::slice::from_raw_parts(table.vals, length),
            table.tupdesc,
        ))
    }
}

/// Builds the argument list of a statement.
#[macro_export]
macro_rules! arguments {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::backend::value::IntoArgument::into_argument($value)),*]
    };
}
