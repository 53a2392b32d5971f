//! Who bills what is new: named in the call, by the plan or pack, or by the organization.

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
    let own = match named {
        Some(_) => None,
        None => db::facts::plan_provider(&Snapshot::latest()?, plan_id)?,
    };
    choose(context, named, own.as_deref())
}

/// The provider that the call names, else the one of what is sold, else the organization's.
///
/// # Errors
/// `42704` when it is not known.
pub fn choose(context: &Context, named: Option<&str>, own: Option<&str>) -> Result<String> {
    let name = named.or(own);
    let name = name.unwrap_or(&context.organization.default_provider);
    if KNOWN.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(
        Error::undefined(format!("provider \"{name}\" does not exist"))
            .hint(format!("Providers are {}.", KNOWN.join(", "))),
    )
}
