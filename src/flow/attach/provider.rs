//! Who bills a new subscription: named in the call, by the plan or by the organization.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use uuid::Uuid;

/// The built-in provider, without network.
pub const MANUAL: &str = "manual";

/// Every provider, the built-in one first.
const KNOWN: [&str; 5] = [MANUAL, "stripe", "paystack", "dodo", "polar"];

/// The provider of an attach.
///
/// # Errors
/// `42704` when it is not known.
pub fn chosen(context: &Context, plan_id: Uuid, named: Option<&str>) -> Result<String> {
    let of_plan = || db::facts::plan_provider(&Snapshot::latest()?, plan_id);
    let name = match named {
        Some(name) => name.to_owned(),
        None => of_plan()?.unwrap_or_else(|| context.organization.default_provider.clone()),
    };
    if KNOWN.contains(&name.as_str()) {
        return Ok(name);
    }
    Err(
        Error::undefined(format!("provider \"{name}\" does not exist"))
            .hint(format!("Providers are {}.", KNOWN.join(", "))),
    )
}

/// Refuses a step that needs money from a provider that cannot be asked.
///
/// # Errors
/// `55000`.
pub fn require_account(provider: &str) -> Result<()> {
    if provider == MANUAL {
        return Ok(());
    }
    Err(Error::wrong_state(format!(
        "provider \"{provider}\" has no account in this organization"
    ))
    .hint("Set one with owo_provider_set()."))
}
