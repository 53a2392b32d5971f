//! Accounts at payment providers (`api.md` 8): set, adopted, chosen, opened.
//!
//! Called by the API, by whoever bills through a provider, and by the worker. Invariants: an account
//! acts only in the database that it is bound to (protocol 31), and only `set` and `adopt` bind;
//! credentials are opened for a call or a webhook, and never kept; no error repeats one.

use crate::backend::spi::Snapshot;
use crate::backend::wake;
use crate::db;
use crate::db::provider::account::{AccountRow, Wanted};
use crate::db::provider::{binding, secret};
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::outbox::enqueue::{Whose, enqueue};
use crate::flow::outbox::job::Job;
use crate::flow::provider::{credentials, key};
use owostack_domain::ids;
use owostack_provider::Provider;
use owostack_provider::account::{Account, Environment};
use serde_json::Value;
use uuid::Uuid;

/// What `owo_provider_set` is given.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub provider: &'a str,
    pub credentials: &'a Value,
    pub environment: &'a str,
    pub is_default: bool,
}

/// The provider of that name; `manual` has no account.
///
/// # Errors
/// `42704`.
pub fn provider(name: &str) -> Result<&'static dyn Provider> {
    owostack_provider::find(name).ok_or_else(|| {
        let providers = owostack_provider::PROVIDERS.iter();
        let names: Vec<&str> = providers.map(|provider| provider.code()).collect();
        Error::undefined(format!("provider \"{name}\" has no accounts"))
            .hint(format!("Providers with accounts are {}.", names.join(", ")))
    })
}

/// Makes an account or changes its credentials, and binds it to this database.
///
/// # Errors
/// `42704` unknown provider; `22023` bad environment or credentials; `42501` a file named by who is
/// no superuser; `55000` when the key or the file cannot be used.
pub fn set(context: &Context, setting: &Setting) -> Result<Uuid> {
    let provider = provider(setting.provider)?;
    let environment = environment(context, setting.environment)?;
    let given = credentials::given(context, provider, setting.credentials, environment)?;
    let organization_id = context.organization.id;
    let name = format!("provider:{}:{}", provider.code(), environment.as_str());
    let row = AccountRow {
        id: ids::derived(organization_id, &name),
        organization_id,
        provider: provider.code().to_owned(),
        environment,
        credentials_file: given.file.map(str::to_owned),
        resting_until: None,
    };
    let wanted = Wanted {
        id: row.id,
        organization_id,
        provider: provider.code(),
        environment,
        is_default: setting.is_default,
        base_url: given.account.base_url.as_ref().map(|url| url.as_str()),
        credentials_file: given.file,
    };
    let stored = db::provider::account::find(&Snapshot::latest()?, row.id)?;
    db::provider::account::store(&wanted, context.now)?;
    match &given.document {
        Some(plain) => {
            let newest = key::sealing(&Snapshot::latest()?)?;
            let sealed = key::seal(&newest, &row, plain.as_bytes())?;
            secret::store(&sealed, context.now)?;
        }
        None => secret::delete(row.id)?,
    }
    if setting.is_default {
        db::provider::account::make_default(organization_id, provider.code(), context.now)?;
    }
    let is_new = stored.is_none();
    if is_new || is_bound(&Snapshot::latest()?, row.id)? {
        binding::bind(row.id, context.now)?;
        wake::note();
        wake::note_call();
    } else {
        take_over(context, &row)?;
    }
    Ok(row.id)
}

/// Binds the accounts at a provider to this database, which was restored or copied, or which went
/// back in time: they first tell what they know, since they may know more than we do. Returns the
/// account that acts.
///
/// # Errors
/// `42704` unknown provider, `55000` when there is no account.
pub fn adopt(context: &Context, name: &str) -> Result<Uuid> {
    let provider = provider(name)?;
    let accounts = of_provider(context, provider.code())?;
    let acting = accounts.first().ok_or_else(|| {
        Error::wrong_state(format!(
            "provider \"{name}\" has no account in this organization"
        ))
        .hint("Make one with owo_provider_set().")
    })?;
    for account in &accounts {
        db::provider::account::wake_up(account.id, context.now)?;
        take_over(context, account)?;
    }
    Ok(acting.id)
}

/// Binds an account that another database, or this one at another time, may have used: pull first,
/// push afterwards.
fn take_over(context: &Context, account: &AccountRow) -> Result<()> {
    binding::bind(account.id, context.now)?;
    let whose = Whose {
        organization_id: account.organization_id,
        account_id: account.id,
        customer_id: None,
    };
    let at = context.caller.at;
    let look = enqueue(&whose, &Job::Reconcile { cursor: None }, at)?;
    db::outbox::line_up_behind(account.id, look, at)?;
    wake::note();
    Ok(())
}

fn environment(context: &Context, name: &str) -> Result<Environment> {
    let environment = Environment::parse(name).ok_or_else(|| {
        Error::invalid(format!("environment \"{name}\" is not known"))
            .hint("Environments are test and live.")
    })?;
    if context.organization.sandbox && environment == Environment::Live {
        return Err(Error::invalid(
            "a sandbox organization has test accounts only: its money is not real",
        ));
    }
    Ok(environment)
}

/// The account that acts for the organization at a provider: the live one where there is one, but
/// never in a sandbox.
///
/// # Errors
/// As `spi::read`.
pub fn acting(context: &Context, provider: &str) -> Result<Option<AccountRow>> {
    Ok(of_provider(context, provider)?.into_iter().next())
}

/// Accounts of the organization at a provider, the one that acts first.
fn of_provider(context: &Context, provider: &str) -> Result<Vec<AccountRow>> {
    let snapshot = Snapshot::latest()?;
    let mut accounts =
        db::provider::account::of_provider(&snapshot, context.organization.id, provider)?;
    let sandbox = context.organization.sandbox;
    accounts.retain(|account| !sandbox || account.environment == Environment::Test);
    Ok(accounts)
}

/// Whether this database may act through the account (protocol 31).
///
/// # Errors
/// As `spi::read`.
pub fn is_bound(snapshot: &Snapshot, account_id: Uuid) -> Result<bool> {
    binding::is_bound(snapshot, account_id)
}

/// The account with its credentials: for the worker, and for verifying webhooks.
///
/// # Errors
/// `55000` when the key or the file is missing, or cannot be used.
pub fn open(snapshot: &Snapshot, row: &AccountRow) -> Result<Account> {
    let provider = provider(&row.provider)?;
    if let Some(path) = &row.credentials_file {
        return credentials::from_file(provider, path, row.environment);
    }
    let sealed = secret::find(snapshot, row.id)?.ok_or_else(|| {
        Error::wrong_state(format!("provider \"{}\" has no credentials", row.provider))
            .hint("Set them with owo_provider_set().")
    })?;
    let plain = key::open(&key::ring()?, row, &sealed)?;
    let document: Value = serde_json::from_slice(&plain)
        .map_err(|_| Error::internal("sealed credentials are no JSON"))?;
    Account::read(&document, row.environment).map_err(|error| Error::internal(error.to_string()))
}
