//! The key file, and what it seals.
//!
//! Called by `flow/provider/account` and by rounds. Invariants: the key never enters a table, an
//! error or a log; credentials are bound to their account, so that a row copied to another one opens
//! nothing; a key file is made only while nothing is sealed that an older one would open.

use crate::backend::random;
use crate::backend::secret_file;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::provider::account::AccountRow;
use crate::db::provider::secret::{self, Sealed};
use crate::error::{Error, Result};
use crate::guc;
use chrono::{DateTime, Utc};
use owostack_provider::seal::{Key, KeyRing};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// How the key file is called in messages: where it lies is for superusers.
const NAME: &str = "key file of owostack";
/// Credentials that one batch seals anew.
const BATCH: i64 = 100;

/// The keys of the file; None when there is no file.
fn try_ring() -> Result<Option<KeyRing>> {
    let path = guc::secret_key_file().map_or_else(secret_file::default_key_path, PathBuf::from);
    let Some(text) = secret_file::read(&path, NAME)? else {
        return Ok(None);
    };
    let ring = KeyRing::read(&text).map_err(|error| {
        Error::wrong_state(format!("the {NAME} cannot be used: {error}"))
            .hint("Put one key a line into it, the newest first.")
    })?;
    Ok(Some(ring))
}

fn missing() -> Error {
    Error::wrong_state(format!("the {NAME} is missing")).hint(
        "Name it with owostack.secret_key_file, or bring owostack.key back into the data directory.",
    )
}

/// The keys that there are.
///
/// # Errors
/// `55000` when there is no file, or it cannot be used.
pub fn ring() -> Result<KeyRing> {
    try_ring()?.ok_or_else(missing)
}

/// The key that seals. Made where none was named and nothing has been sealed.
///
/// # Errors
/// `55000` as [`ring`].
pub fn sealing(snapshot: &Snapshot) -> Result<Key> {
    let found = match try_ring()? {
        Some(ring) => Some(ring),
        None if guc::secret_key_file().is_none() && !secret::are_there_any(snapshot)? => {
            secret_file::create_key(&secret_file::default_key_path())?;
            try_ring()?
        }
        None => None,
    };
    found
        .as_ref()
        .and_then(KeyRing::newest)
        .cloned()
        .ok_or_else(missing)
}

/// What a seal is for: credentials of this account at this provider in this environment.
fn purpose(account: &AccountRow) -> Vec<u8> {
    let mut purpose = account.id.as_bytes().to_vec();
    purpose.extend_from_slice(account.provider.as_bytes());
    purpose.push(0);
    purpose.extend_from_slice(account.environment.as_str().as_bytes());
    purpose
}

/// Seals credentials.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn seal(key: &Key, account: &AccountRow, plain: &[u8]) -> Result<Sealed> {
    let bytes = key
        .seal(random::bytes()?, &purpose(account), plain)
        .ok_or_else(|| Error::internal("credentials cannot be sealed"))?;
    Ok(Sealed {
        account_id: account.id,
        key_id: key.id(),
        bytes,
    })
}

/// What was sealed.
///
/// # Errors
/// `55000` when the key is not in the file, or does not open it.
pub fn open(ring: &KeyRing, account: &AccountRow, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>> {
    let key = ring.find(&sealed.key_id).ok_or_else(|| {
        Error::wrong_state(format!(
            "key {} that sealed the credentials is not in the {NAME}",
            sealed.key_id
        ))
        .hint("Add the key to the file again, or set the account anew with owo_provider_set().")
    })?;
    key.open(&purpose(account), &sealed.bytes).ok_or_else(|| {
        Error::wrong_state("the sealed credentials were changed")
            .hint("Set the account anew with owo_provider_set().")
    })
}

/// Seals with the newest key what older ones sealed; how many there were. What no key opens stays.
///
/// # Errors
/// As the statements.
pub fn reseal(at: DateTime<Utc>) -> Result<u64> {
    let snapshot = Snapshot::latest()?;
    if !secret::are_there_any(&snapshot)? {
        return Ok(0);
    }
    // Health tells what is wrong with the file; a round can do nothing about it.
    let Ok(Some(ring)) = try_ring() else {
        return Ok(0);
    };
    let Some(newest) = ring.newest() else {
        return Ok(0);
    };
    let mut count = 0_u64;
    for old in secret::lock_sealed_by(ring.older(), BATCH)? {
        let Some(account) = db::provider::account::find(&snapshot, old.account_id)? else {
            continue;
        };
        if let Ok(plain) = open(&ring, &account, &old) {
            secret::store(&seal(newest, &account, &plain)?, at)?;
            count = count.saturating_add(1);
        }
    }
    Ok(count)
}
