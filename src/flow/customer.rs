//! Customers: found by id, key or e-mail; made and refreshed (`api.md` 1 and 3, protocol 3).

use crate::backend::lock::{self, Class, Mode};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::event::Event;
use crate::error::{Error, Result};
use crate::flow::attach;
use crate::flow::context::Context;
use crate::flow::text;
use owostack_domain::{ids, period};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// What a call may say about a customer; None leaves the field as it is.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    pub email: Option<String>,
    pub name: Option<String>,
    /// Merged at the top level.
    pub metadata: Option<Value>,
    pub timezone: Option<String>,
}

impl Profile {
    /// Reads `customer_data`: an object with `email`, `name` and `metadata`.
    ///
    /// # Errors
    /// `22023` when it is not such an object or a text is too long.
    pub fn from_json(data: Value) -> Result<Self> {
        let Value::Object(mut fields) = data else {
            return Err(Error::invalid("customer_data must be a JSON object"));
        };
        let mut take_text = |name: &str| match fields.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::invalid(format!(
                "customer_data.{name} must be a string"
            ))),
        };
        let profile = Self {
            email: take_text("email")?,
            name: take_text("name")?,
            timezone: take_text("timezone")?,
            metadata: None,
        };
        let profile = Self {
            metadata: text::metadata(fields.remove("metadata"))?,
            ..profile
        };
        match fields.keys().next() {
            None => profile.checked(),
            Some(key) => Err(
                Error::invalid(format!("customer_data has an unknown key \"{key}\""))
                    .hint("Known keys are email, name, timezone and metadata."),
            ),
        }
    }

    /// The same profile, once its texts are within bounds.
    ///
    /// # Errors
    /// `22023` naming the field.
    pub fn checked(self) -> Result<Self> {
        if let Some(email) = &self.email {
            text::bounded("email", email, text::EMAIL_LENGTH)?;
        }
        if let Some(name) = &self.name {
            text::bounded("name", name, text::NAME_LENGTH)?;
        }
        if let Some(zone) = &self.timezone
            && period::zone(zone).is_none()
        {
            return Err(Error::invalid(format!("time zone \"{zone}\" is not known"))
                .hint("Use a name of the IANA time zone database, such as Europe/Berlin."));
        }
        Ok(self)
    }

    /// Whether storing the profile would change nothing of `customer`.
    pub fn is_contained_in(&self, customer: &Customer) -> bool {
        let same =
            |given: &Option<String>, stored: &Option<String>| given.is_none() || given == stored;
        let merged = self
            .metadata
            .as_ref()
            .and_then(Value::as_object)
            .is_none_or(|given| {
                given
                    .iter()
                    .all(|(key, value)| customer.metadata.get(key) == Some(value))
            });
        same(&self.email, &customer.email)
            && same(&self.name, &customer.name)
            && same(&self.timezone, &customer.timezone)
            && merged
    }
}

/// The living customer that a name means: internal id, key, e-mail, in that order.
///
/// # Errors
/// `21000` when an e-mail belongs to two customers, `22023` when the name is empty or too long.
pub fn find(context: &Context, snapshot: &Snapshot, name: &str) -> Result<Option<Customer>> {
    text::bounded("customer", name, text::EMAIL_LENGTH)?;
    let candidates = candidates(context, name);
    let found = db::customer::find(snapshot, candidates)?;
    if let Some(customer) = named(context, name, |id| found.iter().find(|row| row.id == id)) {
        return Ok(Some(customer.clone()));
    }
    if name.contains('@') {
        find_by_email(context, snapshot, name)
    } else {
        Ok(None)
    }
}

/// Those of many names that mean a customer by id or key, in one look-up.
///
/// # Errors
/// As the statements.
pub fn find_many<'a>(
    context: &Context,
    snapshot: &Snapshot,
    names: &HashSet<&'a str>,
) -> Result<HashMap<&'a str, Customer>> {
    let ids = names
        .iter()
        .flat_map(|name| candidates(context, name))
        .collect();
    let found = db::customer::find(snapshot, ids)?.into_iter();
    let found: HashMap<Uuid, Customer> = found.map(|customer| (customer.id, customer)).collect();
    let hits = names.iter().filter_map(|name| {
        let customer = named(context, name, |id| found.get(&id))?;
        Some((*name, customer.clone()))
    });
    Ok(hits.collect())
}

/// The ids that a name may mean, the one that it is before the one that it makes.
fn candidates(context: &Context, name: &str) -> Vec<Uuid> {
    let organization = &context.organization;
    let derived = ids::customer_id(organization.id, name, organization.sandbox);
    ids::canonical(name).into_iter().chain([derived]).collect()
}

/// The living customer that a name means by id or key, among those that `find` knows.
fn named<'a>(
    context: &Context,
    name: &str,
    find: impl Fn(Uuid) -> Option<&'a Customer>,
) -> Option<&'a Customer> {
    let organization = &context.organization;
    let key = ids::stored_key(name, organization.sandbox);
    let is_meant = |customer: &&Customer| {
        customer.organization_id == organization.id
            && customer.deleted_at.is_none()
            && (customer.key == key || ids::canonical(name) == Some(customer.id))
    };
    candidates(context, name)
        .into_iter()
        .find_map(|id| find(id).filter(is_meant))
}

fn find_by_email(context: &Context, snapshot: &Snapshot, name: &str) -> Result<Option<Customer>> {
    let email = name.to_lowercase();
    let mut found = db::customer::find_by_email(snapshot, context.organization.id, &email)?;
    if let [first, second, ..] = found.as_slice() {
        return Err(Error::ambiguous(format!(
            "e-mail \"{name}\" belongs to customers \"{}\" and \"{}\"",
            first.key, second.key
        ))
        .hint("Name the customer by key or id."));
    }
    Ok(found.pop())
}

/// The customer, which must exist.
///
/// # Errors
/// `22004` when NULL, `23503` when there is none.
pub fn require(context: &Context, snapshot: &Snapshot, name: Option<&str>) -> Result<Customer> {
    let name = name.ok_or_else(|| Error::null_argument("customer"))?;
    find(context, snapshot, name)?.ok_or_else(|| Error::unknown_customer(name))
}

/// The customer with that key, made if there is none, with the profile stored.
///
/// # Errors
/// `23505` when the key is another customer's id or the e-mail another customer's;
/// `23514` when the key was deleted.
pub fn ensure(context: &Context, key: &str, profile: Profile) -> Result<Customer> {
    text::bounded("customer", key, text::KEY_LENGTH)?;
    let organization = &context.organization;
    let id = ids::customer_id(organization.id, key, organization.sandbox);
    let stored_key = ids::stored_key(key, organization.sandbox).into_owned();
    if let Some(customer) = stored(context, id, &stored_key)?
        && profile.is_contained_in(&customer)
    {
        return Ok(customer);
    }
    lock_profile(id);
    match stored(context, id, &stored_key)? {
        Some(customer) => refresh(context, customer, profile),
        None => create(context, id, stored_key, profile),
    }
}

/// Waits until this transaction alone may write the customer's row.
pub fn lock_profile(customer_id: Uuid) {
    lock::acquire(Class::Profile, lock::stripe(customer_id), Mode::Exclusive);
}

/// The same for customers with these keys, without a deadlock between two such calls.
pub fn lock_profiles<'k>(context: &Context, keys: impl Iterator<Item = &'k str>) {
    let organization = &context.organization;
    let id = |key| ids::customer_id(organization.id, key, organization.sandbox);
    let stripes: BTreeSet<u64> = keys.map(|key| lock::stripe(id(key))).collect();
    for stripe in stripes {
        lock::acquire(Class::Profile, stripe, Mode::Exclusive);
    }
}

/// Waits for [`lock_profile`] of a customer who must not have been deleted meanwhile.
///
/// # Errors
/// `23503` when that has happened.
pub fn lock_living(customer: &Customer) -> Result<()> {
    lock_profile(customer.id);
    if is_living(customer.id)? {
        return Ok(());
    }
    Err(Error::unknown_customer(&customer.key))
}

/// Whether the customer is there and not deleted, at the latest state.
///
/// # Errors
/// As the statements.
pub fn is_living(id: Uuid) -> Result<bool> {
    let found = db::customer::find(&Snapshot::latest()?, vec![id])?.pop();
    Ok(found.is_some_and(|row| row.deleted_at.is_none()))
}

/// Stores what `profile` adds to a customer that exists.
///
/// # Errors
/// `23505` when the e-mail is another customer's.
pub fn refresh(context: &Context, mut customer: Customer, profile: Profile) -> Result<Customer> {
    if profile.is_contained_in(&customer) {
        return Ok(customer);
    }
    claim_email(context, &customer, profile.email.as_deref())?;
    customer.email = profile.email.or(customer.email);
    customer.name = profile.name.or(customer.name);
    customer.timezone = profile.timezone.or(customer.timezone);
    merge(&mut customer.metadata, profile.metadata);
    text::metadata(Some(customer.metadata.clone()))?;
    db::customer::update(&customer, context.now)?;
    Ok(customer)
}

fn stored(context: &Context, id: Uuid, key: &str) -> Result<Option<Customer>> {
    let found = db::customer::find(&Snapshot::latest()?, vec![id])?.pop();
    let Some(customer) = found else {
        return Ok(None);
    };
    if customer.organization_id != context.organization.id || customer.key != key {
        return Err(Error::taken(format!(
            "customer key \"{key}\" is the id of another customer"
        ))
        .hint("Choose another key; a key in uuid form is the customer's id."));
    }
    if customer.deleted_at.is_some() {
        return Err(Error::forbidden(format!("customer \"{key}\" was deleted"))
            .hint("A deleted key never comes back to life; choose another key."));
    }
    Ok(Some(customer))
}

fn create(context: &Context, id: Uuid, key: String, profile: Profile) -> Result<Customer> {
    let mut customer = Customer {
        id,
        key,
        organization_id: context.organization.id,
        email: None,
        name: profile.name,
        metadata: json!({}),
        timezone: profile.timezone,
        created_at: context.now,
        deleted_at: None,
    };
    merge(&mut customer.metadata, profile.metadata);
    customer.email.clone_from(&profile.email);
    db::customer::insert(&customer)?;
    claim_email(context, &customer, profile.email.as_deref())?;
    db::event::append(&Event {
        kind: "customer.created",
        organization_id: context.organization.id,
        organization: &context.organization.slug,
        customer_id: id,
        at: context.now,
        data: json!({ "key": customer.key }),
    })?;
    attach::auto_enable(context, &customer)?;
    Ok(customer)
}

fn merge(metadata: &mut Value, given: Option<Value>) {
    if let (Some(target), Some(Value::Object(given))) = (metadata.as_object_mut(), given) {
        target.extend(given);
    }
}

fn claim_email(context: &Context, customer: &Customer, email: Option<&str>) -> Result<()> {
    let Some(given) = email else { return Ok(()) };
    let email = given.to_lowercase();
    let organization = &context.organization;
    let alias = ids::derived(organization.id, &email);
    lock::acquire(Class::Alias, alias.as_u64_pair().0, Mode::Exclusive);
    let holders = db::customer::find_by_email(&Snapshot::latest()?, organization.id, &email)?;
    let other = holders.iter().find(|holder| holder.id != customer.id);
    if let (true, Some(other)) = (organization.email_unique, other) {
        return Err(Error::taken(format!(
            "e-mail \"{given}\" of customer \"{}\" belongs to customer \"{}\"",
            customer.key, other.key
        ))
        .hint("Turn off email_unique with owo_organization_set() to allow shared addresses."));
    }
    db::customer::store_email(organization.id, customer.id, &email)
}
