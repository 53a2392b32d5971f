//! Names of other systems for a customer (`api.md` 3).

use crate::backend::lock::{self, Class, Mode};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::identity::Name;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::customer;
use crate::flow::text;
use owostack_domain::ids;
use uuid::Uuid;

/// A name whose three parts are given and within bounds.
///
/// # Errors
/// `22004` when a part is NULL, `22023` when it is empty or too long.
pub fn name<'a>(
    provider: Option<&'a str>,
    external_id: Option<&'a str>,
    kind: Option<&'a str>,
) -> Result<Name<'a>> {
    Ok(Name {
        provider: text::required("provider", provider)?,
        external_id: text::required("external_id", external_id)?,
        kind: text::required("kind", kind)?,
    })
}

/// Gives the customer the name; a second time changes nothing.
///
/// # Errors
/// `23505` when another customer holds it, `23503` when the customer was deleted meanwhile.
pub fn link(context: &Context, customer: &Customer, name: &Name) -> Result<()> {
    let organization_id = context.organization.id;
    customer::lock_living(customer)?;
    let text = serde_json::json!([name.provider, name.kind, name.external_id]).to_string();
    let alias = ids::derived(organization_id, &text);
    lock::acquire(Class::Alias, alias.as_u64_pair().0, Mode::Exclusive);
    let snapshot = Snapshot::latest()?;
    match db::identity::holder(&snapshot, organization_id, name)? {
        Some(id) if id == customer.id => Ok(()),
        Some(id) => Err(taken(&snapshot, customer, name, id)?),
        None => db::identity::insert(organization_id, customer.id, name, context.now),
    }
}

fn taken(snapshot: &Snapshot, customer: &Customer, name: &Name, holder: Uuid) -> Result<Error> {
    let other = db::customer::find(snapshot, vec![holder])?.pop();
    let other = other.map_or_else(|| holder.to_string(), |other| other.key);
    Ok(Error::taken(format!(
        "{} {} \"{}\" of customer \"{}\" belongs to customer \"{other}\"",
        name.provider, name.kind, name.external_id, customer.key
    ))
    .hint("Unlink it there with owo_identity_unlink() first."))
}

/// The living customer with that name.
///
/// # Errors
/// As the statements.
pub fn find(context: &Context, snapshot: &Snapshot, name: &Name) -> Result<Option<Uuid>> {
    db::identity::holder(snapshot, context.organization.id, name)
}
