//! Commands that need a database to themselves: the worker in it leaves before they begin.
//!
//! DROP DATABASE and its like fail when anybody is connected, for reasons a user of this extension
//! cannot see. So the backend that runs such a command keeps workers out of the database until its
//! transaction ends, and waits a moment for the one that is there. Only who owns the database may
//! do so: a command that is bound to be refused disturbs nobody.

use crate::backend::board;
use crate::backend::database::{self, Database};
use crate::backend::seat;
use crate::backend::wake;
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::ffi::{CStr, c_char};

/// How long to look again for a worker that is leaving, and how often.
const PAUSE_MS: i64 = 10;
const LOOKS: u32 = 400;
/// After so many looks whatever the worker does is interrupted.
const PATIENCE: u32 = 100;

unsafe extern "C" {
    fn kill(pid: i32, signal: i32) -> i32;
}

type Utility = unsafe extern "C-unwind" fn(
    *mut pg_sys::PlannedStmt,
    *const c_char,
    bool,
    pg_sys::ProcessUtilityContext::Type,
    pg_sys::ParamListInfo,
    *mut pg_sys::QueryEnvironment,
    *mut pg_sys::DestReceiver,
    *mut pg_sys::QueryCompletion,
);

unsafe extern "C-unwind" {
    fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const c_char,
        read_only_tree: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        parameters: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        receiver: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}

/// What runs after our hook.
static mut NEXT: Utility = standard_ProcessUtility;

/// Puts the hook in front of those that are there; while the server preloads the library.
pub fn install() {
    // SAFETY: the server is single-threaded and no command runs yet.
    unsafe {
        if let Some(previous) = pg_sys::ProcessUtility_hook {
            NEXT = previous;
        }
        pg_sys::ProcessUtility_hook = Some(before_utility);
    }
}

/// The hook. What comes next is called without a guard, so that its errors pass as they are, with
/// every field: a guard would cut them down to what Rust knows of. Nothing here needs cleaning up.
#[allow(clippy::too_many_arguments)]
unsafe extern "C-unwind" fn before_utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: Postgres passes a planned utility statement; what comes next gets what came in.
    unsafe {
        let node = (*statement).utilityStmt;
        if is_ours((*node).type_) {
            prepare(node);
        }
        NEXT(
            statement,
            text,
            read_only_tree,
            context,
            parameters,
            environment,
            receiver,
            completion,
        );
    }
}

const fn is_ours(tag: pg_sys::NodeTag) -> bool {
    matches!(
        tag,
        pg_sys::NodeTag::T_DropdbStmt
            | pg_sys::NodeTag::T_AlterDatabaseStmt
            | pg_sys::NodeTag::T_CreatedbStmt
            | pg_sys::NodeTag::T_RenameStmt
            | pg_sys::NodeTag::T_DropStmt
    )
}

/// # Safety
/// `node` is the parse tree of a utility statement.
#[pg_guard]
unsafe extern "C-unwind" fn prepare(node: *mut pg_sys::Node) {
    // SAFETY: the caller's promise; the node tag says which struct it is.
    unsafe {
        let name = match (*node).type_ {
            pg_sys::NodeTag::T_DropdbStmt => (*node.cast::<pg_sys::DropdbStmt>()).dbname,
            pg_sys::NodeTag::T_AlterDatabaseStmt => {
                (*node.cast::<pg_sys::AlterDatabaseStmt>()).dbname
            }
            pg_sys::NodeTag::T_CreatedbStmt => template(&*node.cast::<pg_sys::CreatedbStmt>()),
            pg_sys::NodeTag::T_RenameStmt => renamed(&*node.cast::<pg_sys::RenameStmt>()),
            pg_sys::NodeTag::T_DropStmt => {
                let statement = &*node.cast::<pg_sys::DropStmt>();
                if statement.removeType == pg_sys::ObjectType::OBJECT_EXTENSION {
                    wake::note();
                }
                return;
            }
            _ => return,
        };
        if !name.is_null()
            && let Some(database) = database::by_name(CStr::from_ptr(name))
            && is_owner(&database)
        {
            empty(database.oid);
        }
    }
}

/// The database that a new one is copied from, null for the server's own template.
///
/// # Safety
/// The statement is a valid parse tree.
unsafe fn template(statement: &pg_sys::CreatedbStmt) -> *mut c_char {
    // SAFETY: options are a list of definitions with NUL-terminated names.
    unsafe {
        let Some(options) = statement.options.as_ref() else {
            return std::ptr::null_mut();
        };
        let length = usize::try_from(options.length).unwrap_or(0);
        std::slice::from_raw_parts(options.elements, length)
            .iter()
            .map(|cell| cell.ptr_value.cast::<pg_sys::DefElem>())
            .find(|option| {
                CStr::from_ptr((**option).defname) == c"template" && !(**option).arg.is_null()
            })
            .map_or(std::ptr::null_mut(), |option| pg_sys::defGetString(option))
    }
}

fn renamed(statement: &pg_sys::RenameStmt) -> *mut c_char {
    if statement.renameType == pg_sys::ObjectType::OBJECT_DATABASE {
        statement.subname
    } else {
        std::ptr::null_mut()
    }
}

fn is_owner(database: &Database) -> bool {
    // SAFETY: a catalog look-up; superusers pass it by definition.
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), database.owner) }
}

/// Keeps workers out of the database and waits, for a while, until none is connected to it.
fn empty(database: pg_sys::Oid) {
    wake::hold(database);
    let worker = board::board()
        .and_then(|board| board.find(database))
        .and_then(|slot| slot.seat.pid());
    let Some(pid) = worker else {
        return;
    };
    for look in 0..LOOKS {
        if !seat::is_alive(pid) {
            return;
        }
        if look == PATIENCE {
            // SAFETY: asks a process of this server to end, as pg_terminate_backend does.
            unsafe { kill(pid, pg_sys::SIGTERM as i32) };
        }
        pause();
    }
}

fn pause() {
    let events = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    // SAFETY: the own latch; a cancel is served at once.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            events as i32,
            PAUSE_MS,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
        pg_sys::check_for_interrupts!();
    }
}
