//! Receipt of a webhook: verified over the bytes as they came, stored once, applied later.
//!
//! Called by the API for whoever forwards webhooks. Invariants: what is not signed with a secret of
//! the account leaves no row, and one message says so whatever was wrong; one event of an account is
//! one row, however often it is delivered; what was answered is on disk (protocol 32). Deliberately
//! absent: what an event means for us.

use crate::backend::spi::Snapshot;
use crate::backend::{random, setting, wake};
use crate::db;
use crate::db::provider::account::AccountRow;
use crate::db::webhook::New;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::provider::account;
use crate::flow::webhook::read::Read;
use owostack_domain::ids;
use owostack_provider::Provider;
use owostack_provider::account::{Account, Environment};
use owostack_provider::answer::Headers;
use owostack_provider::secret::Secret;
use owostack_provider::webhook::{Delivery, Rejected};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Largest body.
const BODY_BYTES: usize = 2 * 1_024 * 1_024;
/// Largest document of headers, in bytes of its text.
const HEADERS_BYTES: usize = 64 * 1_024;

/// A webhook as it is handed over.
#[derive(Clone, Copy)]
pub struct Posted<'a> {
    pub provider: &'a str,
    pub headers: &'a Value,
    pub body: &'a [u8],
    /// Environment of the account; None: whichever's secret fits.
    pub account: Option<&'a str>,
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub id: Uuid,
    pub status: String,
    /// It had come before.
    pub duplicate: bool,
}

/// Verifies a webhook and keeps it.
///
/// # Errors
/// `28000` when it is not believed; `42704` unknown provider; `22023` too large; `55000` when the
/// credentials cannot be opened.
pub fn receive(context: &Context, posted: &Posted) -> Result<Receipt> {
    let provider = account::provider(posted.provider)?;
    bound_sizes(posted)?;
    let headers = Headers::from_json(posted.headers);
    let delivery = Delivery {
        headers: &headers,
        body: posted.body,
        received_at: context.now,
    };
    let account = signer(context, provider, posted, &delivery)?;
    let read = Read::of(provider, &delivery, account.environment);
    let new = New {
        id: ids::time_ordered(context.now, random::ten_bytes()?),
        account_id: account.id,
        organization_id: context.organization.id,
        provider: provider.code(),
        event_id: &read.event_id,
        kind: &read.kind,
        status: read.status,
        headers: kept(provider, &headers),
        body: posted.body,
        error: read.error.as_deref(),
        event_at: read.event_at,
        received_at: context.now,
    };
    setting::commit_to_disk();
    if db::webhook::insert(&new, context.caller.at)? {
        wake::note();
        return Ok(Receipt {
            id: new.id,
            status: new.status.as_str().to_owned(),
            duplicate: false,
        });
    }
    let (id, status) = db::webhook::find(&Snapshot::latest()?, account.id, &read.event_id)?
        .ok_or_else(|| Error::retry("the same webhook is being received; try again"))?;
    Ok(Receipt {
        id,
        status,
        duplicate: true,
    })
}

fn bound_sizes(posted: &Posted) -> Result<()> {
    let headers = posted.headers.to_string().len();
    for (what, bytes, most) in [
        ("body", posted.body.len(), BODY_BYTES),
        ("headers", headers, HEADERS_BYTES),
    ] {
        if bytes > most {
            return Err(Error::invalid(format!(
                "{what} has {bytes} bytes, at most {most} are allowed"
            )));
        }
    }
    Ok(())
}

/// The account whose secret signed the webhook.
fn signer(
    context: &Context,
    provider: &dyn Provider,
    posted: &Posted,
    delivery: &Delivery,
) -> Result<AccountRow> {
    let snapshot = Snapshot::latest()?;
    let mut accounts =
        db::provider::account::of_provider(&snapshot, context.organization.id, provider.code())?;
    accounts.retain(|one| {
        posted
            .account
            .is_none_or(|name| name == one.environment.as_str())
    });
    if accounts.is_empty() {
        // As long as with an account, so that nobody learns which there are.
        let _ = provider.verify(delivery, &decoy()?);
    }
    let mut unopened = None;
    for row in accounts {
        match account::open(&snapshot, &row) {
            Ok(opened) if provider.verify(delivery, &opened).is_ok() => return Ok(row),
            Ok(_) => {}
            Err(error) => unopened = Some(error),
        }
    }
    // A webhook that nobody could judge must come again.
    Err(unopened.unwrap_or_else(|| Error::unbelieved(Rejected.to_string())))
}

/// An account whose secret nobody knows.
fn decoy() -> Result<Account> {
    let bytes: [u8; 32] = random::bytes()?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Account {
        environment: Environment::Test,
        secret_key: Secret::new(digits.clone()),
        webhook_secrets: vec![Secret::new(format!("whsec_{digits}"))],
        base_url: None,
        api_version: None,
    })
}

/// The headers that it can be read and verified by again; others may hold credentials of ours.
fn kept(provider: &dyn Provider, headers: &Headers) -> Value {
    let names = provider.capabilities().webhook_headers.iter();
    let pairs = names.filter_map(|name| Some(((*name).to_owned(), json!(headers.get(name)?))));
    Value::Object(pairs.collect::<Map<String, Value>>())
}
