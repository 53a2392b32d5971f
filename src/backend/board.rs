//! The board: what committing backends, the launcher and the workers tell each other in shared memory.
//!
//! Exists only when the library is preloaded; without it there is no board and nobody to tell.
//!
//! Locking rules. [`BOOK`] guards what must not happen twice or by halves: giving a slot to a
//! database and freeing it, taking a worker's seat, placing a hold, the error texts. Everything else
//! is read and written without it (see `slot` and `seat`). While it is held: no allocation, no error,
//! no call that can wait, loops bounded by the constants below.

use crate::backend::seat::{self, Seat};
use crate::backend::slot::{Slot, Stamp};
use pgrx::prelude::*;
use pgrx::{PGRXSharedMemory, PgAtomic, PgLwLock, pg_sys};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering::SeqCst};

/// Databases of one server that can have a worker.
pub const SLOTS: usize = 128;
/// Databases that commands want to themselves at one time.
const HOLDS: usize = 32;
/// How often a note is posted again whose slot was freed at that moment.
const POSTS: usize = 3;
/// Bytes kept of an error's text.
const TEXT: usize = 240;

/// A database that a transaction wants to itself until it ends.
#[repr(C)]
struct Hold {
    /// Its oid; 0 when the place is free.
    database: AtomicU32,
    /// The backend that runs the transaction.
    pid: AtomicI32,
}

/// The whole board.
#[repr(C)]
pub struct Board {
    /// Where the launcher sits.
    pub launcher: Seat,
    /// Since when no background process has been free for a worker that should start.
    pub full_at: Stamp,
    holds: [Hold; HOLDS],
    slots: [Slot; SLOTS],
}

/// Texts of last errors, by slot.
#[repr(C)]
struct Book {
    texts: [[u8; TEXT]; SLOTS],
}

// SAFETY: plain atomics, no pointers.
unsafe impl PGRXSharedMemory for Board {}
// SAFETY: plain bytes.
unsafe impl PGRXSharedMemory for Book {}

// SAFETY: no other extension uses the name.
static BOARD: PgAtomic<Board> = unsafe { PgAtomic::new(c"owostack_board") };
// SAFETY: as above.
static BOOK: PgLwLock<Book> = unsafe { PgLwLock::new(c"owostack_book") };
static PRELOADED: AtomicBool = AtomicBool::new(false);

const fn empty_board() -> Board {
    Board {
        launcher: Seat::empty(),
        full_at: Stamp::unset(),
        holds: [const {
            Hold {
                database: AtomicU32::new(0),
                pid: AtomicI32::new(0),
            }
        }; HOLDS],
        slots: [const { Slot::free() }; SLOTS],
    }
}

const EMPTY_BOOK: Book = Book {
    texts: [[0; TEXT]; SLOTS],
};

/// Reserves the shared memory; called while the server preloads the library.
#[allow(
    unexpected_cfgs,
    reason = "the macro asks for versions of Postgres that we do not serve"
)]
pub fn request() {
    pgrx::pg_shmem_init!(BOARD = empty_board());
    pgrx::pg_shmem_init!(BOOK = EMPTY_BOOK);
    PRELOADED.store(true, SeqCst);
}

/// The board, where there is one.
pub fn board() -> Option<&'static Board> {
    PRELOADED.load(SeqCst).then(|| BOARD.get())
}

impl Board {
    /// The slots in use.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.database() != 0)
    }

    /// The slot of a database.
    pub fn find(&self, database: pg_sys::Oid) -> Option<&Slot> {
        let database = database.to_u32();
        self.slots
            .iter()
            .find(|slot| database != 0 && slot.database() == database)
    }

    /// The slot of a database, given to it now if it has none; None when all are taken.
    pub fn claim(&self, database: pg_sys::Oid) -> Option<&Slot> {
        if let Some(slot) = self.find(database) {
            return Some(slot);
        }
        let is_free = |slot: &&Slot| slot.database() == 0;
        self.slots.iter().find(is_free)?;
        let _book = BOOK.exclusive();
        if let Some(slot) = self.find(database) {
            return Some(slot);
        }
        let slot = self.slots.iter().find(is_free)?;
        slot.assign(database.to_u32());
        Some(slot)
    }

    /// Frees the slot of a database that is gone or has nothing for a worker.
    ///
    /// Left as it is while somebody sits there or a note waits. Whoever posts a note looks afterwards
    /// whether the slot was still the database's, so none is lost in between.
    pub fn free(&self, slot: &Slot) {
        let _book = BOOK.exclusive();
        if slot.seat.pid().is_none() {
            slot.release();
        }
    }

    /// Seats this process as the worker of a slot; false when there is one.
    pub fn take_seat(&self, seat: &Seat) -> bool {
        let _book = BOOK.exclusive();
        seat.take()
    }

    /// Leaves a note for a database and wakes whoever can take it up; `called` when there is
    /// something to send to a provider.
    ///
    /// Runs in commit callbacks: memory and latches only.
    pub fn post(&self, database: pg_sys::Oid, called: bool) {
        for _ in 0..POSTS {
            let Some(slot) = self.claim(database) else {
                return;
            };
            // A call first: the note is what the launcher starts a worker for.
            let is_call = called && slot.note_call();
            let is_new = slot.note();
            if slot.database() == database.to_u32() {
                if (is_new || is_call) && !slot.seat.wake() {
                    self.launcher.wake();
                }
                return;
            }
        }
    }

    /// Keeps workers out of a database until [`Board::release`]; wakes the one that is there.
    ///
    /// False when too many commands do so at once.
    pub fn hold(&self, database: pg_sys::Oid) -> bool {
        let placed = {
            let _book = BOOK.exclusive();
            let (own, wanted) = (seat::own_pid(), database.to_u32());
            let place = |database: u32, pid: Option<i32>| {
                self.holds.iter().find(|hold| {
                    hold.database.load(SeqCst) == database
                        && pid.is_none_or(|pid| hold.pid.load(SeqCst) == pid)
                })
            };
            let hold = place(wanted, Some(own)).or_else(|| place(0, None));
            if let Some(hold) = hold {
                hold.pid.store(own, SeqCst);
                hold.database.store(wanted, SeqCst);
            }
            hold.is_some()
        };
        if let Some(slot) = self.find(database) {
            slot.seat.wake();
        }
        placed
    }

    /// Ends the holds of this process; their databases get their workers back if they still exist.
    ///
    /// Runs in commit and abort callbacks.
    pub fn release(&self) {
        let own = seat::own_pid();
        {
            let _book = BOOK.exclusive();
            for hold in &self.holds {
                if hold.pid.load(SeqCst) == own {
                    let database = hold.database.swap(0, SeqCst);
                    hold.pid.store(0, SeqCst);
                    if let Some(slot) = self.find(pg_sys::Oid::from(database)) {
                        slot.note();
                    }
                }
            }
        }
        self.launcher.wake();
    }

    /// Whether a command wants the database to itself.
    pub fn is_held(&self, database: pg_sys::Oid) -> bool {
        let database = database.to_u32();
        self.holds
            .iter()
            .any(|hold| hold.database.load(SeqCst) == database)
    }

    /// Keeps the text of a slot's last error, cut to what there is room for.
    pub fn set_error(&self, slot: &Slot, text: &str) {
        let bytes = text
            .get(..text.floor_char_boundary(TEXT))
            .unwrap_or("")
            .as_bytes();
        let mut book = BOOK.exclusive();
        let place = self.slots.iter().position(|each| std::ptr::eq(each, slot));
        if let Some(kept) = place.and_then(|place| book.texts.get_mut(place)) {
            for (to, from) in kept.iter_mut().zip(bytes) {
                *to = *from;
            }
            slot.set_error_length(bytes.len());
        }
    }

    /// The text of a slot's last error.
    pub fn error(&self, slot: &Slot) -> Option<String> {
        let place = self
            .slots
            .iter()
            .position(|each| std::ptr::eq(each, slot))?;
        let (text, length) = {
            let book = BOOK.share();
            (*book.texts.get(place)?, slot.error_length())
        };
        match text.get(..length) {
            None | Some([]) => None,
            Some(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}
