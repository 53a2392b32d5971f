//! Files that hold secrets: the key file, and credentials that stay outside the database.
//!
//! Called by `flow/provider`. Invariants: no error text repeats what a file holds; a file is bounded
//! before it is read; a key file is never written over. Files lie on the server, so who may name one
//! is decided by the callers and by the context of the setting.

use crate::backend::random;
use crate::error::{Error, Result};
use owostack_provider::seal::{KEY_BYTES, Key};
use pgrx::pg_sys;
use std::ffi::CStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Name of the key file in the data directory.
const KEY_FILE: &str = "owostack.key";
/// Largest file that is read.
const BYTES_MAX: u64 = 64 * 1024;
/// Rights that a file with secrets must not give: those of everybody.
const EVERYBODY: u32 = 0o007;
/// Rights of a new key file: its owner's alone.
const OWNER_ONLY: u32 = 0o600;

/// Where the key file lies when no setting names one.
pub fn default_key_path() -> PathBuf {
    // SAFETY: set once at server start, NUL-terminated.
    let folder = unsafe {
        let folder = pg_sys::DataDir;
        (!folder.is_null()).then(|| CStr::from_ptr(folder).to_string_lossy().into_owned())
    };
    Path::new(&folder.unwrap_or_default()).join(KEY_FILE)
}

/// The text of a file; None when there is none. `what` names it to the user.
///
/// # Errors
/// `55000` when it cannot be read, is no plain file, too large, open to everybody or no text.
pub fn read(path: &Path, what: &str) -> Result<Option<Zeroizing<String>>> {
    // A pipe would keep the backend waiting for ever.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(what, &error)),
    };
    let about = file.metadata().map_err(|error| unreadable(what, &error))?;
    if !about.is_file() || about.len() > BYTES_MAX {
        return Err(
            Error::wrong_state(format!("the {what} is not a file with secrets"))
                .hint("It must be a plain file of at most 64 kB."),
        );
    }
    if about.mode() & EVERYBODY != 0 {
        return Err(
            Error::wrong_state(format!("the {what} is open to everybody"))
                .hint("Take the rights of others away: chmod o-rwx."),
        );
    }
    let mut text = Zeroizing::new(String::new());
    file.take(BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(what, &error))?;
    Ok(Some(text))
}

fn flags() -> i32 {
    libc::O_NONBLOCK | libc::O_CLOEXEC
}

fn unreadable(what: &str, error: &io::Error) -> Error {
    Error::wrong_state(format!("the {what} cannot be read"))
        .detail(format!("The operating system says: {error}."))
        .hint("It must be a text file that the server's operating system user may read.")
}

/// Writes a new random key where there is no file yet; what somebody else wrote meanwhile stays.
///
/// # Errors
/// `55000` when the file cannot be written.
pub fn create_key(path: &Path) -> Result<()> {
    let key = Key::new(random::bytes::<KEY_BYTES>()?);
    let name = format!("{KEY_FILE}.{}", std::process::id());
    let draft = path.with_file_name(name);
    let made = write_once(&draft, path, &key);
    // Gone already, or of no use to anybody.
    let _ = fs::remove_file(&draft);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::wrong_state("the key file cannot be written")
                .detail(format!("The operating system says: {error}."))
                .hint("Make one yourself and name it with owostack.secret_key_file."))
        }
        _ => Ok(()),
    }
}

/// The file appears whole and on disk, or not at all.
fn write_once(draft: &Path, path: &Path, key: &Key) -> io::Result<()> {
    let _ = fs::remove_file(draft);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(draft)?;
    file.write_all(key.write().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::hard_link(draft, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
