//! A webhook applied once more, as a person asks: after a mistake of ours, or what it waited for.

use crate::backend::spi::Snapshot;
use crate::backend::wake;
use crate::db;
use crate::db::webhook::Event;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::provider::account;
use crate::flow::webhook::read::Read;
use crate::flow::webhook::receive::Receipt;
use owostack_provider::answer::Headers;
use owostack_provider::webhook::Delivery;
use uuid::Uuid;

/// Judges a webhook anew, and has it applied once more where it says something to us; what it has
/// done already is not done twice.
///
/// # Errors
/// `42704` when the organization has none with that id, `55000` when its body has been dropped.
pub fn replay(context: &Context, id: Uuid) -> Result<Receipt> {
    let event = db::webhook::lock(context.organization.id, id)?
        .ok_or_else(|| Error::undefined(format!("webhook \"{id}\" does not exist")))?;
    let read = read(&event)?;
    let status = read.status;
    db::webhook::reopen(
        id,
        &read.kind,
        status,
        read.error.as_deref(),
        context.caller.at,
    )?;
    wake::note();
    Ok(Receipt {
        id,
        status: status.as_str().to_owned(),
        duplicate: false,
    })
}

fn read(event: &Event) -> Result<Read> {
    let body = event.body.as_deref().ok_or_else(|| {
        Error::wrong_state("the body of the webhook has been dropped")
            .hint("Setting webhook_days of owo_organization_set() says how long bodies are kept.")
    })?;
    let account = db::provider::account::find(&Snapshot::latest()?, event.account_id)?
        .ok_or_else(|| Error::internal("a webhook has no account"))?;
    let delivery = Delivery {
        headers: &Headers::from_json(&event.headers),
        body,
        received_at: event.received_at,
    };
    let provider = account::provider(&event.provider)?;
    Ok(Read::of(provider, &delivery, account.environment))
}
