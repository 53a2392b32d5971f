//! The SQLSTATE of an error on its way through our frames.
//!
//! pgrx turns an error of Postgres into a panic and raises it again where the call began, but it
//! knows only the codes that Postgres itself defines: what a user's function raised with a code of
//! its own would arrive as `XX000`. Postgres shows every error to the context callbacks. So one of
//! them notes the code while our frames are open, and another, left behind for the error that is
//! raised again, puts it back.

use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr;

unsafe extern "C-unwind" {
    fn geterrcode() -> c_int;
    fn errcode(code: c_int) -> c_int;
}

/// The first two characters of a code, which say what class it is of.
const CLASS: c_int = 0xFFF;
/// `02`: it and the classes before it stand for success, warnings and no data.
const LAST_MILD_CLASS: c_int = 2 << 6;

thread_local! {
    /// Code of the last error that was raised below an open frame.
    static NOTED: Cell<c_int> = const { Cell::new(0) };
    /// The callback for the error that is raised again.
    static AGAIN: Cell<*mut pg_sys::ErrorContextCallback> = const { Cell::new(ptr::null_mut()) };
}

/// While it lives, codes of errors are noted; dropped by an error it has the code put back.
pub struct Frame {
    callback: pg_sys::ErrorContextCallback,
    _pinned: PhantomPinned,
}

impl Frame {
    /// Opens a frame; it closes when it is dropped, the last opened first.
    pub fn open() -> Pin<Box<Self>> {
        let mut frame = Box::pin(Self {
            callback: pg_sys::ErrorContextCallback {
                // SAFETY: reads and, below, writes a backend-local variable.
                previous: unsafe { pg_sys::error_context_stack },
                callback: Some(note),
                arg: ptr::null_mut(),
            },
            _pinned: PhantomPinned,
        });
        NOTED.set(0);
        // SAFETY: the frame stays where it is until it is dropped, which takes it off the list.
        unsafe {
            pg_sys::error_context_stack = &raw mut frame.as_mut().get_unchecked_mut().callback;
        }
        frame
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: frames nest, so what is below this one is the list as it was.
        unsafe { pg_sys::error_context_stack = self.callback.previous };
        if std::thread::panicking() && is_foreign(NOTED.get()) {
            leave_callback();
        }
    }
}

/// Whether pgrx would not know the code.
fn is_foreign(code: c_int) -> bool {
    let known = PgSqlErrorCode::from(code);
    code != 0
        && known == PgSqlErrorCode::ERRCODE_INTERNAL_ERROR
        && code != PgSqlErrorCode::ERRCODE_INTERNAL_ERROR as c_int
}

fn leave_callback() {
    if AGAIN.get().is_null() {
        AGAIN.set(Box::into_raw(Box::new(pg_sys::ErrorContextCallback {
            previous: ptr::null_mut(),
            callback: Some(put_back),
            arg: ptr::null_mut(),
        })));
    }
    // SAFETY: made once for the life of the backend; whoever catches the error puts back the list
    // that was there when he began.
    unsafe {
        let callback = AGAIN.get();
        if pg_sys::error_context_stack != callback {
            (*callback).previous = pg_sys::error_context_stack;
            pg_sys::error_context_stack = callback;
        }
    }
}

/// Called by Postgres for every message while a frame is open: must not raise.
unsafe extern "C-unwind" fn note(_argument: *mut c_void) {
    // SAFETY: in a context callback, as the function demands.
    let code = unsafe { geterrcode() };
    // Classes are two characters of six bits, the first one lowest; those of `0x` are 0 and a digit.
    let class = code & CLASS;
    let is_mild = class <= LAST_MILD_CLASS && class & 0x3F == 0;
    if !is_mild {
        NOTED.set(code);
    }
}

/// Called by Postgres for the first message after a frame was left by an error: must not raise.
unsafe extern "C-unwind" fn put_back(_argument: *mut c_void) {
    let code = NOTED.replace(0);
    // SAFETY: in a context callback of the message that is being built; the list is as it was
    // before `leave_callback`.
    unsafe {
        if is_foreign(code) && geterrcode() == PgSqlErrorCode::ERRCODE_INTERNAL_ERROR as c_int {
            errcode(code);
        }
        let callback = AGAIN.get();
        if pg_sys::error_context_stack == callback {
            pg_sys::error_context_stack = (*callback).previous;
        }
    }
}
