//! Transaction-level heavyweight locks of our own tag classes.
//!
//! Locking rules (protocol 23, 30). Tags are advisory tags of this database whose fourth field is
//! one of the classes below: SQL's advisory functions use 1 and 2 there, Citus small numbers.
//! Lock first, take the latest snapshot second, in separate statements. Several locks of one class
//! are taken in ascending order; classes are taken in the order of [`Class`]. All are held until
//! the transaction ends, and the deadlock detector sees them.
//!
//! [`Class::Customer`] is shared by every take of the shared engine: under preload such a share is a
//! bit on the process's own board (see [`share`]) as long as nobody wants the stripe alone.

use crate::backend::share;
use pgrx::pg_sys;

/// What a lock protects. Order of declaration is order of acquisition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Class {
    /// The row of `owo.installation` and of organization `default`.
    Installation = 7_001,
    /// The catalog of one organization.
    Catalog = 7_002,
    /// Stripe of idempotency keys.
    KeyStripe = 7_003,
    /// One idempotency key.
    Key = 7_004,
    /// Stripe of customers: their rows and overrides. A track that makes its customer takes it before
    /// the [`Key`](Self::Key), which is named by the customer.
    Profile = 7_005,
    /// Stripe of customers: what they are subscribed to. The shared engine's takes share it.
    Customer = 7_006,
    /// Stripe of customers: their entities.
    Entity = 7_007,
    /// Stripe of customers: draws that depend on earlier periods (rollover, late events).
    Serial = 7_008,
    /// Stripe of customers: what is held, apart from what is returned.
    Hold = 7_009,
    /// One e-mail address or other alias.
    Alias = 7_010,
    /// The fold: one folder per database.
    Fold = 7_011,
}

/// Number of stripes of each class that has stripes.
pub const STRIPES: u32 = 1_024;

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Share,
    /// Together with its like, apart from the other modes.
    Joint,
    Exclusive,
}

impl Mode {
    fn lockmode(self) -> pg_sys::LOCKMODE {
        match self {
            Self::Share => pg_sys::ShareLock as pg_sys::LOCKMODE,
            Self::Joint => pg_sys::RowExclusiveLock as pg_sys::LOCKMODE,
            Self::Exclusive => pg_sys::ExclusiveLock as pg_sys::LOCKMODE,
        }
    }
}

fn tag(class: Class, number: u64) -> pg_sys::LOCKTAG {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    pg_sys::LOCKTAG {
        // SAFETY: set once at backend start.
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: u32::from_be_bytes([a, b, c, d]),
        locktag_field3: u32::from_be_bytes([e, f, g, h]),
        locktag_field4: class as u16,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// Waits for the lock; it is held until the transaction ends.
pub fn acquire(class: Class, number: u64, mode: Mode) {
    let Some(stripe) = board_stripe(class, number) else {
        take(&tag(class, number), mode, Patience::Wait);
        return;
    };
    match mode {
        Mode::Share if share::enter(stripe) => {}
        Mode::Exclusive => {
            let new = share::want(stripe);
            take(&tag(class, number), mode, Patience::Wait);
            if new {
                share::wait_for_sharers(stripe);
            }
        }
        _ => {
            take(&tag(class, number), mode, Patience::Wait);
        }
    }
}

/// Takes the lock alone if nobody is in the way; true when it is held now.
pub fn try_acquire(class: Class, number: u64) -> bool {
    let tag = tag(class, number);
    let Some(stripe) = board_stripe(class, number) else {
        return take(&tag, Mode::Exclusive, Patience::None);
    };
    let new = share::want(stripe);
    let held = take(&tag, Mode::Exclusive, Patience::None);
    if held && (!new || share::is_unshared(stripe)) {
        return true;
    }
    if held {
        // SAFETY: taken above.
        unsafe { pg_sys::LockRelease(&raw const tag, Mode::Exclusive.lockmode(), false) };
    }
    if new {
        share::unwant();
    }
    false
}

/// The stripe of a lock whose shares need not be in the lock table.
fn board_stripe(class: Class, number: u64) -> Option<u32> {
    match class {
        Class::Customer => u32::try_from(number)
            .ok()
            .filter(|stripe| *stripe < STRIPES),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Wait,
    None,
}

/// Asks the lock table; true when the lock is held now.
fn take(tag: &pg_sys::LOCKTAG, mode: Mode, patience: Patience) -> bool {
    let at_once = patience == Patience::None;
    // SAFETY: the tag lives through the call, which copies it.
    let result = unsafe { pg_sys::LockAcquire(tag, mode.lockmode(), false, at_once) };
    result != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

/// The stripe of an id, for stripe classes.
pub fn stripe(id: uuid::Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    (high ^ low) % u64::from(STRIPES)
}
