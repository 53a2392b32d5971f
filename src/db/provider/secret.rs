//! `owo.provider_secret`: sealed credentials. Only ciphertext passes through here.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Credentials as they lie in the table.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub account_id: Uuid,
    /// Which key sealed them.
    pub key_id: String,
    pub bytes: Vec<u8>,
}

fn sealed(row: &Row) -> Result<Sealed> {
    Ok(Sealed {
        account_id: row.get(0)?,
        key_id: row.get(1)?,
        bytes: row.get(2)?,
    })
}

/// The credentials of an account; None when they lie in a file.
///
/// # Errors
/// As `spi::read`.
pub fn find(snapshot: &Snapshot, account_id: Uuid) -> Result<Option<Sealed>> {
    static FIND: Statement = Statement::new(
        "SELECT account_id, key_id, sealed FROM owo.provider_secret WHERE account_id = $1",
    );
    Ok(spi::read(snapshot, &FIND, arguments![account_id], sealed)?.pop())
}

/// Whether any credentials are sealed at all: else no key is needed.
///
/// # Errors
/// As `spi::read`.
pub fn are_there_any(snapshot: &Snapshot) -> Result<bool> {
    static ANY: Statement = Statement::new("SELECT EXISTS (SELECT FROM owo.provider_secret)");
    let found = spi::read(snapshot, &ANY, arguments![], |row| row.get::<bool>(0))?;
    Ok(found.into_iter().any(|any| any))
}

/// Locks up to `count` credentials that one of these keys sealed; those that somebody changes right
/// now are passed over.
///
/// # Errors
/// As `spi::write`.
pub fn lock_sealed_by(key_ids: Vec<String>, count: i64) -> Result<Vec<Sealed>> {
    static LOCK: Statement = Statement::new(
        "SELECT account_id, key_id, sealed FROM owo.provider_secret
          WHERE key_id = ANY ($1) ORDER BY account_id LIMIT $2 FOR UPDATE SKIP LOCKED",
    );
    spi::write(&LOCK, arguments![key_ids, count], sealed)
}

/// Writes credentials in place of earlier ones.
///
/// # Errors
/// As `spi::run`.
pub fn store(sealed: &Sealed, at: DateTime<Utc>) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.provider_secret (account_id, key_id, sealed, sealed_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id) DO UPDATE
            SET key_id = excluded.key_id, sealed = excluded.sealed, sealed_at = excluded.sealed_at",
    );
    let bytes = sealed.bytes.as_slice();
    spi::run(
        &STORE,
        arguments![sealed.account_id, &sealed.key_id, bytes, at],
    )
    .map(|_| ())
}

/// Forgets credentials, which lie in a file from now on.
///
/// # Errors
/// As `spi::run`.
pub fn delete(account_id: Uuid) -> Result<()> {
    static DELETE: Statement =
        Statement::new("DELETE FROM owo.provider_secret WHERE account_id = $1");
    spi::run(&DELETE, arguments![account_id]).map(|_| ())
}
