//! `owo.provider_account`: accounts at payment providers; nothing here is secret.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_provider::account::Environment;
use pgrx::pg_sys;
use uuid::Uuid;

/// One account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountRow {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub provider: String,
    pub environment: Environment,
    /// File on the server that holds the credentials instead of the database.
    pub credentials_file: Option<String>,
    /// No calls until then.
    pub resting_until: Option<DateTime<Utc>>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organization_id, provider, environment, credentials_file, resting_until ",
            "FROM owo.provider_account ",
            $rest
        )
    };
}

fn account(row: &Row) -> Result<AccountRow> {
    let environment: String = row.get(3)?;
    Ok(AccountRow {
        id: row.get(0)?,
        organization_id: row.get(1)?,
        provider: row.get(2)?,
        environment: Environment::parse(&environment)
            .ok_or_else(|| Error::internal("environment of an account is not known"))?,
        credentials_file: row.get(4)?,
        resting_until: row.get(5)?,
    })
}

/// The account with that id.
///
/// # Errors
/// As `spi::read`.
pub fn find(snapshot: &Snapshot, id: Uuid) -> Result<Option<AccountRow>> {
    static FIND: Statement = Statement::new(select!("WHERE id = $1"));
    Ok(spi::read(snapshot, &FIND, arguments![id], account)?.pop())
}

/// Accounts of an organization at a provider, the live one first.
///
/// # Errors
/// As `spi::read`.
pub fn of_provider(
    snapshot: &Snapshot,
    organization_id: Uuid,
    provider: &str,
) -> Result<Vec<AccountRow>> {
    static OF: Statement = Statement::new(select!(
        "WHERE organization_id = $1 AND provider = $2 ORDER BY environment"
    ));
    spi::read(
        snapshot,
        &OF,
        arguments![organization_id, provider],
        account,
    )
}

/// Accounts of these organizations.
///
/// # Errors
/// As `spi::read`.
pub fn of_organizations(snapshot: &Snapshot, ids: Vec<Uuid>) -> Result<Vec<AccountRow>> {
    static OF: Statement = Statement::new(select!("WHERE organization_id = ANY ($1) ORDER BY id"));
    spi::read(snapshot, &OF, arguments![ids], account)
}

/// Lets an account that rested act again.
///
/// # Errors
/// As `spi::run`.
pub fn wake_up(id: Uuid, at: DateTime<Utc>) -> Result<()> {
    static WAKE: Statement = Statement::new(
        "UPDATE owo.provider_account
            SET resting_until = NULL, resting_reason = NULL, updated_at = $2
          WHERE id = $1 AND resting_until IS NOT NULL",
    );
    spi::run(&WAKE, arguments![id, at]).map(|_| ())
}

/// What `owo_provider_set` says of an account.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub provider: &'a str,
    pub environment: Environment,
    pub is_default: bool,
    pub base_url: Option<&'a str>,
    pub credentials_file: Option<&'a str>,
}

/// Writes an account, or changes the one of that environment, which then rests no longer.
///
/// # Errors
/// As `spi::run`.
pub fn store(wanted: &Wanted, at: DateTime<Utc>) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.provider_account AS a
             (id, organization_id, provider, environment, is_default, base_url, credentials_file,
              created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         ON CONFLICT (organization_id, provider, environment) DO UPDATE
            SET is_default = a.is_default OR excluded.is_default,
                base_url = excluded.base_url,
                credentials_file = excluded.credentials_file,
                resting_until = NULL,
                resting_reason = NULL,
                updated_at = excluded.updated_at",
    );
    spi::run(
        &STORE,
        arguments![
            wanted.id,
            wanted.organization_id,
            wanted.provider,
            wanted.environment.as_str(),
            wanted.is_default,
            wanted.base_url,
            wanted.credentials_file,
            at
        ],
    )
    .map(|_| ())
}

/// Makes a provider the organization's default, and its accounts alone.
///
/// # Errors
/// As `spi::run`.
pub fn make_default(organization_id: Uuid, provider: &str, at: DateTime<Utc>) -> Result<()> {
    static ORGANIZATION: Statement = Statement::new(
        "UPDATE owo.organization SET default_provider = $2, updated_at = now()
          WHERE id = $1 AND default_provider <> $2",
    );
    static OTHERS: Statement = Statement::new(
        "UPDATE owo.provider_account SET is_default = false, updated_at = $3
          WHERE organization_id = $1 AND provider <> $2 AND is_default",
    );
    spi::run(&ORGANIZATION, arguments![organization_id, provider])?;
    spi::run(&OTHERS, arguments![organization_id, provider, at]).map(|_| ())
}

/// The account's row as a composite datum.
///
/// # Errors
/// As `spi::read`.
pub fn row(id: Uuid) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement = Statement::new("SELECT a FROM owo.provider_account AS a WHERE id = $1");
    let snapshot = Snapshot::latest()?;
    Ok(spi::read(&snapshot, &ROW, arguments![id], |row| row.composite(0))?.pop())
}

/// Lets an account rest; false when it does already.
///
/// # Errors
/// As `spi::run`.
pub fn rest(id: Uuid, until: DateTime<Utc>, reason: &str, at: DateTime<Utc>) -> Result<bool> {
    static REST: Statement = Statement::new(
        "UPDATE owo.provider_account
            SET resting_until = $2, resting_reason = $3, updated_at = $4
          WHERE id = $1 AND coalesce(resting_until <= $4, true)",
    );
    Ok(spi::run(&REST, arguments![id, until, reason, at])? > 0)
}

/// Forgets a rest that is over: a call went well since.
///
/// # Errors
/// As `spi::run`.
pub fn wake(id: Uuid, at: DateTime<Utc>) -> Result<()> {
    static WAKE: Statement = Statement::new(
        "UPDATE owo.provider_account
            SET resting_until = NULL, resting_reason = NULL, updated_at = $2
          WHERE id = $1 AND resting_until <= $2",
    );
    spi::run(&WAKE, arguments![id, at]).map(|_| ())
}
