//! Running our statements as the extension's owner, with a search path nobody can influence.
//!
//! Rules (protocol 13): rights and row security of the caller never filter what we count; objects
//! of the caller's search path are never seen. Both are set for the life of the guard and put back
//! when it drops; after an error the transaction's abort puts them back.
//! Expressions and columns of users' tables are never evaluated inside this guard.

use crate::backend::direct;
use crate::error::{Error, Result};
use pgrx::pg_catalog::pg_proc::PgProc;
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// While it lives, the current user is another role, first of all the extension's owner.
pub struct AsOwner {
    user: pg_sys::Oid,
    context: i32,
    // Put back after the user, when the fields drop.
    _path: SearchPath,
}

/// While it lives, names are looked up along another path.
pub struct SearchPath {
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
    direct::current_user()
}

/// Whether a role may act as another: it is that one, inherits from it, or is a superuser.
pub fn has_rights_of(role: pg_sys::Oid, other: pg_sys::Oid) -> bool {
    // SAFETY: a catalog look-up.
    unsafe { pg_sys::has_privs_of_role(role, other) }
}

/// Whether a role is a superuser.
pub fn is_superuser(role: pg_sys::Oid) -> bool {
    // SAFETY: a catalog look-up.
    unsafe { pg_sys::superuser_arg(role) }
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
        Self::switch(owner, pg_sys::SECURITY_LOCAL_USERID_CHANGE)
    }

    /// Switches to the owner of a table, whose policies then filter nothing, forced or not.
    ///
    /// Functions of the owner may run meanwhile. As where Postgres runs them for somebody else, they
    /// can leave nothing behind that runs later with the rights of who calls, such as deferred triggers.
    pub fn of_table(owner: pg_sys::Oid) -> Self {
        Self::switch(
            owner,
            pg_sys::SECURITY_LOCAL_USERID_CHANGE
                | pg_sys::SECURITY_RESTRICTED_OPERATION
                | pg_sys::SECURITY_NOFORCE_RLS,
        )
    }

    fn switch(role: pg_sys::Oid, flags: u32) -> Self {
        let path = SearchPath::enter(c"pg_catalog, pg_temp");
        let mut user = pg_sys::InvalidOid;
        let mut context = 0;
        // SAFETY: both pointers are to locals; user and context are put back in `drop` or by abort.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut user, &raw mut context);
            pg_sys::SetUserIdAndSecContext(role, context | flags as i32);
        }
        Self {
            user,
            context,
            _path: path,
        }
    }
}

impl Drop for AsOwner {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: values come from `switch`; guards nest.
            unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
        }
    }
}

impl SearchPath {
    /// Looks names up along `path` until the guard drops.
    pub fn enter(path: &CStr) -> Self {
        // SAFETY: the text lives through the call, which copies it; the GUC nest level is closed in
        // `drop` or by abort; GUC_ACTION_SAVE is allowed in parallel workers as for a function's
        // SET clause.
        let guc_level = unsafe {
            let guc_level = pg_sys::NewGUCNestLevel();
            pg_sys::set_config_option(
                c"search_path".as_ptr(),
                path.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
            guc_level
        };
        Self { guc_level }
    }

    /// The path that is in force.
    pub fn current() -> CString {
        // SAFETY: the setting exists; its text is copied at once.
        unsafe {
            let text = pg_sys::GetConfigOption(c"search_path".as_ptr(), true, false);
            if text.is_null() {
                CString::default()
            } else {
                CStr::from_ptr(text).to_owned()
            }
        }
    }

    /// The path in force with the system's names first and temporary ones last, so that no object of
    /// the session can stand in for `sum` or `text`.
    pub fn guarded() -> Self {
        let own = Self::current();
        let own = own.to_string_lossy();
        let path = if own.trim().is_empty() {
            "pg_catalog, pg_temp".to_owned()
        } else {
            format!("pg_catalog, {own}, pg_temp")
        };
        Self::enter(&CString::new(path).unwrap_or_default())
    }
}

impl Drop for SearchPath {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: guards nest, so the level is the innermost one.
            unsafe { pg_sys::AtEOXact_GUC(true, self.guc_level) };
        }
    }
}
