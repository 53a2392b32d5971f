//! Calls into Postgres without pgrx's guard around each.
//!
//! The guard sets a jump point, so that an error of Postgres unwinds Rust frames; it costs more than
//! most of the functions below do. The first block never raises: those are called as they are. What
//! may raise is called inside [`guarded`], which sets one jump point for a sequence of calls.
//! Called by the hot path alone: warm checks, takes, rows of usage and of keys, rows
//! that a statement changed.

use pgrx::pg_sys;
use pgrx::pg_sys::{Datum, HeapTuple, LOCKMODE, Oid, Relation};

unsafe extern "C-unwind" {
    fn IsInParallelMode() -> bool;
    fn RecoveryInProgress() -> bool;
    fn GetUserId() -> Oid;
    fn GetTopTransactionIdIfAny() -> pg_sys::TransactionId;
    fn GetCurrentStatementStartTimestamp() -> pg_sys::TimestampTz;
    fn GetCurrentTimestamp() -> pg_sys::TimestampTz;
    fn LWLockAcquire(lock: *mut pg_sys::LWLock, mode: pg_sys::LWLockMode::Type) -> bool;
    fn LWLockRelease(lock: *mut pg_sys::LWLock);
}

/// Whether this is a parallel worker, or its leader while a parallel plan runs.
pub fn is_in_parallel_mode() -> bool {
    // SAFETY: reads a variable of this backend.
    unsafe { IsInParallelMode() }
}

/// Whether this is part of a parallel plan of a transaction that may have changed something: other
/// parts of the plan do not know what (protocol 14).
///
/// Who changed nothing has no transaction id, and its workers are told of one.
pub fn is_partial() -> bool {
    // SAFETY: reads a variable of this backend.
    is_in_parallel_mode() && unsafe { GetTopTransactionIdIfAny() } != pg_sys::InvalidTransactionId
}

/// Whether the server is a standby, or still recovering.
pub fn is_in_recovery() -> bool {
    // SAFETY: reads a variable of this backend, or shared state.
    unsafe { RecoveryInProgress() }
}

/// `current_user`.
pub fn current_user() -> Oid {
    // SAFETY: reads a variable of this backend.
    unsafe { GetUserId() }
}

/// When the client's statement began, in Postgres' microseconds.
pub fn statement_start() -> pg_sys::TimestampTz {
    // SAFETY: reads a variable of this backend.
    unsafe { GetCurrentStatementStartTimestamp() }
}

/// This instant, in Postgres' microseconds.
pub fn wall_clock() -> pg_sys::TimestampTz {
    // SAFETY: reads the system clock.
    unsafe { GetCurrentTimestamp() }
}

/// Waits for a light lock.
///
/// # Safety
/// The lock must be initialised, and not held by this backend, which holds less than 200 of them:
/// then nothing is raised.
pub unsafe fn lock_light(lock: *mut pg_sys::LWLock, mode: pg_sys::LWLockMode::Type) {
    // SAFETY: promised by the caller.
    unsafe { LWLockAcquire(lock, mode) };
}

/// Releases a light lock.
///
/// # Safety
/// The lock must be held by this backend.
pub unsafe fn unlock_light(lock: *mut pg_sys::LWLock) {
    // SAFETY: promised by the caller.
    unsafe { LWLockRelease(lock) };
}

/// Whether a value's bytes are where it points to as they are: neither compressed nor elsewhere.
///
/// # Safety
/// It must be a varlena.
pub unsafe fn is_in_place(value: *const pg_sys::varlena) -> bool {
    // SAFETY: promised by the caller; reads its header.
    unsafe {
        pgrx::varatt_is_4b_u(value) || (pgrx::varatt_is_1b(value) && !pgrx::varatt_is_1b_e(value))
    }
}

/// Functions that may raise, for calls inside [`guarded`].
pub mod raw {
    use super::*;

    unsafe extern "C-unwind" {
        pub fn table_open(relation: Oid, mode: LOCKMODE) -> Relation;
        pub fn table_close(relation: Relation, mode: LOCKMODE);
        pub fn index_open(relation: Oid, mode: LOCKMODE) -> Relation;
        pub fn index_close(relation: Relation, mode: LOCKMODE);
        pub fn BuildIndexInfo(index: Relation) -> *mut pg_sys::IndexInfo;
        pub fn RelationGetIndexList(relation: Relation) -> *mut pg_sys::List;
        pub fn heap_form_tuple(
            descriptor: pg_sys::TupleDesc,
            values: *mut Datum,
            nulls: *mut bool,
        ) -> HeapTuple;
        pub fn nocachegetattr(
            tuple: HeapTuple,
            number: std::ffi::c_int,
            descriptor: pg_sys::TupleDesc,
        ) -> Datum;
        pub fn MakeSingleTupleTableSlot(
            descriptor: pg_sys::TupleDesc,
            kind: *const pg_sys::TupleTableSlotOps,
        ) -> *mut pg_sys::TupleTableSlot;
        pub fn ExecStoreHeapTuple(
            tuple: HeapTuple,
            slot: *mut pg_sys::TupleTableSlot,
            free: bool,
        ) -> *mut pg_sys::TupleTableSlot;
        pub fn ExecDropSingleTupleTableSlot(slot: *mut pg_sys::TupleTableSlot);
        pub fn heap_insert(
            relation: Relation,
            tuple: HeapTuple,
            command: pg_sys::CommandId,
            options: std::ffi::c_int,
            state: pg_sys::BulkInsertState,
        );
        pub fn heap_freetuple(tuple: HeapTuple);
        pub fn MemoryContextAlloc(
            context: pg_sys::MemoryContext,
            size: pg_sys::Size,
        ) -> *mut std::ffi::c_void;
        pub fn heap_multi_insert(
            relation: Relation,
            slots: *mut *mut pg_sys::TupleTableSlot,
            count: std::ffi::c_int,
            command: pg_sys::CommandId,
            options: std::ffi::c_int,
            state: pg_sys::BulkInsertState,
        );
        pub fn index_insert(
            index: Relation,
            values: *mut Datum,
            nulls: *mut bool,
            place: pg_sys::ItemPointer,
            heap: Relation,
            unique: pg_sys::IndexUniqueCheck::Type,
            unchanged: bool,
            info: *mut pg_sys::IndexInfo,
        ) -> bool;
        #[cfg(not(feature = "pg18"))]
        pub fn index_beginscan(
            heap: Relation,
            index: Relation,
            snapshot: pg_sys::Snapshot,
            keys: std::ffi::c_int,
            orders: std::ffi::c_int,
        ) -> pg_sys::IndexScanDesc;
        #[cfg(feature = "pg18")]
        pub fn index_beginscan(
            heap: Relation,
            index: Relation,
            snapshot: pg_sys::Snapshot,
            instrument: *mut pg_sys::IndexScanInstrumentation,
            keys: std::ffi::c_int,
            orders: std::ffi::c_int,
        ) -> pg_sys::IndexScanDesc;
        pub fn index_rescan(
            scan: pg_sys::IndexScanDesc,
            keys: pg_sys::ScanKey,
            count: std::ffi::c_int,
            orders: pg_sys::ScanKey,
            order_count: std::ffi::c_int,
        );
        pub fn index_getnext_slot(
            scan: pg_sys::IndexScanDesc,
            direction: pg_sys::ScanDirection::Type,
            slot: *mut pg_sys::TupleTableSlot,
        ) -> bool;
        pub fn index_endscan(scan: pg_sys::IndexScanDesc);
        pub fn ScanKeyInit(
            entry: pg_sys::ScanKey,
            column: pg_sys::AttrNumber,
            strategy: pg_sys::StrategyNumber,
            procedure: pg_sys::RegProcedure,
            argument: Datum,
        );
        pub fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, count: std::ffi::c_int);
        pub fn tuplestore_alloc_read_pointer(
            store: *mut pg_sys::Tuplestorestate,
            flags: std::ffi::c_int,
        ) -> std::ffi::c_int;
        pub fn tuplestore_select_read_pointer(
            store: *mut pg_sys::Tuplestorestate,
            pointer: std::ffi::c_int,
        );
        pub fn tuplestore_rescan(store: *mut pg_sys::Tuplestorestate);
        pub fn tuplestore_gettupleslot(
            store: *mut pg_sys::Tuplestorestate,
            forward: bool,
            copy: bool,
            slot: *mut pg_sys::TupleTableSlot,
        ) -> bool;
        pub fn ExecFetchSlotHeapTuple(
            slot: *mut pg_sys::TupleTableSlot,
            materialize: bool,
            free: *mut bool,
        ) -> HeapTuple;
        pub fn heap_copytuple(tuple: HeapTuple) -> HeapTuple;
        pub fn CreateTupleDescCopy(descriptor: pg_sys::TupleDesc) -> pg_sys::TupleDesc;
        pub fn pg_detoast_datum_packed(datum: *mut pg_sys::varlena) -> *mut pg_sys::varlena;
        pub fn GetCurrentCommandId(used: bool) -> pg_sys::CommandId;
        pub fn CommandCounterIncrement();
        pub fn HeapTupleHeaderGetDatum(tuple: pg_sys::HeapTupleHeader) -> Datum;
    }
}

/// Runs calls of [`raw`] with one jump point around them all.
///
/// # Safety
/// An error jumps out of `body` without dropping anything: it must own nothing that needs that. It must
/// not panic, nor call what turns an error of Postgres into a panic: that ends the process.
pub unsafe fn guarded<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: promised by the caller; backends run our code in their one thread.
    unsafe { pg_sys::ffi::pg_guard_ffi_boundary(body) }
}
