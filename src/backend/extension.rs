//! Keeping the extension from vanishing under a transaction.

use crate::backend::database;
use pgrx::pg_sys;
use std::ffi::CStr;

const NAME: &CStr = c"owostack";

/// What a transaction finds that wants to work with our tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there, and DROP EXTENSION waits until the transaction ends.
    Here,
    /// Somebody is dropping it.
    Leaving,
    Absent,
}

/// Looks for the extension and keeps it, waiting for nobody.
pub fn keep() -> Presence {
    let oid = oid();
    if oid == pg_sys::InvalidOid {
        return Presence::Absent;
    }
    let tag = pg_sys::LOCKTAG {
        locktag_field1: database::own().to_u32(),
        locktag_field2: pg_sys::ExtensionRelationId.to_u32(),
        locktag_field3: oid.to_u32(),
        locktag_field4: 0,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    };
    let mode = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    // SAFETY: the tag, the one that DROP EXTENSION locks, lives through the call, which copies it.
    let result = unsafe { pg_sys::LockAcquire(&raw const tag, mode, false, true) };
    if result == pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL {
        return Presence::Leaving;
    }
    // SAFETY: inside a transaction. The lock may have come after somebody's DROP was committed.
    unsafe { pg_sys::AcceptInvalidationMessages() };
    if self::oid() == oid {
        Presence::Here
    } else {
        Presence::Absent
    }
}

fn oid() -> pg_sys::Oid {
    // SAFETY: a catalog look-up that answers an invalid oid for an unknown name.
    unsafe { pg_sys::get_extension_oid(NAME.as_ptr(), true) }
}
