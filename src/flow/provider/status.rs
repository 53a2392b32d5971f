//! How it stands with accounts: bound or not, and what is wrong with their credentials.
//!
//! Called by the view of health. Invariant: what is wrong is told in the words of the error that a
//! call would meet, which never repeat a credential.

use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::provider::binding;
use crate::error::Result;
use crate::flow::context::Level;
use crate::flow::provider::account;
use uuid::Uuid;

/// How it stands with one account.
#[derive(Debug, Clone)]
pub struct Status {
    pub account_id: Uuid,
    /// Whether this database may use it.
    pub is_bound: bool,
    /// Why its credentials cannot be used.
    pub problem: Option<String>,
}

/// The accounts of the organizations that the caller may read.
///
/// # Errors
/// As the statements.
pub fn list(caller: &Caller) -> Result<Vec<Status>> {
    let snapshot = Snapshot::latest()?;
    let levels = Level::Reader.sufficient();
    let ids = db::role::organizations(&snapshot, caller.role, caller.is_master(), levels)?;
    let mut list = Vec::new();
    for row in db::provider::account::of_organizations(&snapshot, ids)? {
        let opened = account::open(&snapshot, &row);
        list.push(Status {
            account_id: row.id,
            is_bound: binding::is_bound(&snapshot, row.id)?,
            problem: opened.err().map(|error| error.message().to_owned()),
        });
    }
    Ok(list)
}
