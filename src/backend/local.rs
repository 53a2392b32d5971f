//! Memory of one backend, without the cost of looking it up by thread.
//!
//! In a library that is loaded at run time each access of a `thread_local!` is a function call. A
//! backend has one thread that runs our code, so a plain static does; where others exist (transport
//! of the worker), they never come here.

use std::cell::RefCell;

/// What one backend remembers.
pub struct Local<T>(RefCell<T>);

// SAFETY: only the one thread that Postgres runs us in reads or writes it.
unsafe impl<T> Sync for Local<T> {}

impl<T> Local<T> {
    /// A memory that begins as `value`.
    pub const fn new(value: T) -> Self {
        Self(RefCell::new(value))
    }

    /// Reads it. What `body` calls must not come back here to write.
    pub fn read<R>(&self, body: impl FnOnce(&T) -> R) -> R {
        body(&self.0.borrow())
    }

    /// Changes it. What `body` calls must not come back here at all.
    pub fn write<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        body(&mut self.0.borrow_mut())
    }
}
