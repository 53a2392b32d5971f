//! Running our statements as the extension's owner, with a search path nobody can influence.
//!
//! Rules (protocol 13): rights and row security of the caller never filter what we count; objects
//! of the caller's search path are never seen. Both are set for the life of the guard and put back
//! when it drops; after an error the transaction's abort puts them back.
//! Expressions and columns of users' tables are never evaluated inside this guard.

use crate::error::{Error, Result};
use pgrx::pg_catalog::pg_proc::PgProc;
use pgrx::pg_sys;
use std::ffi::CStr;

/// While it lives, the current user is the extension's owner.
pub struct AsOwner {
    user: pg_sys::Oid,
    context: i32,
    guc_level: i32,
}

/// The role that owns the function being called, hence the extension.
///
/// # Errors
/// When the function vanished from the catalog.
pub fn of_function(function: pg_sys::Oid) -> Result<pg_sys::Oid> {
    PgProc::new(function)
        .map(|function| function.proowner())
        .ok_or_else(|| Error::internal("the called function is not in pg_proc"))
}

/// The role whose rights count: `current_user` at the call.
pub fn current_user() -> pg_sys::Oid {
    // SAFETY: reads a backend-local variable.
    unsafe { pg_sys::GetUserId() }
}

/// The name of a role.
pub fn role_name(role: pg_sys::Oid) -> Option<String> {
    // SAFETY: a catalog look-up that answers NULL for an unknown role; the text is palloc'ed.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

impl AsOwner {
    /// Switches to `owner` until the guard drops.
    pub fn enter(owner: pg_sys::Oid) -> Self {
        let mut user = pg_sys::InvalidOid;
        let mut context = 0;
        // SAFETY: both pointers are to locals; the GUC nest level is closed in `drop` or by abort;
        // GUC_ACTION_SAVE is allowed in parallel workers as for a function's SET clause.
        let guc_level = unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut user, &raw mut context);
            let guc_level = pg_sys::NewGUCNestLevel();
            pg_sys::set_config_option(
                c"search_path".as_ptr(),
                c"pg_catalog, pg_temp".as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
            pg_sys::SetUserIdAndSecContext(
                owner,
                context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32,
            );
            guc_level
        };
        Self {
            user,
            context,
            guc_level,
        }
    }
}

impl Drop for AsOwner {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // SAFETY: values come from `enter`; guards nest, so the level is the innermost one.
        unsafe {
            pg_sys::AtEOXact_GUC(true, self.guc_level);
            pg_sys::SetUserIdAndSecContext(self.user, self.context);
        }
    }
}
