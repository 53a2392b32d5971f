//! Credits that are given, and grants that end: by date, or taken back (`api.md` 6).
//!
//! Invariant: a grant is closed once, under the lock of its row; what was left is taken from its
//! meter in the same step, so that nobody spends what was refunded (protocol 18).

use crate::backend::random;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::credit::{Closing, NewGrant};
use crate::db::event::Event;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::customer;
use crate::flow::hold;
use crate::flow::idempotency;
use crate::flow::text;
use crate::meter::{self, Rest};
use chrono::{DateTime, Utc};
use owostack_domain::entitlement::facts::{Grant, GrantClosing};
use owostack_domain::entitlement::grant_meter;
use owostack_domain::ids;
use owostack_domain::quantity::Quantity;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Place of a grant in the order of drawing when nobody says otherwise.
pub const PRIORITY: i32 = 100;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Gift<'a> {
    pub customer: Option<&'a str>,
    pub credit_system: &'a str,
    pub amount: Quantity,
    pub expires_at: Option<DateTime<Utc>>,
    pub priority: i32,
    pub reason: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
}

impl Gift<'_> {
    fn check(&self, context: &Context) -> Result<()> {
        if !self.amount.is_positive() {
            return Err(Error::invalid(format!(
                "amount is {}, it must be positive",
                self.amount
            )));
        }
        if self.expires_at.is_some_and(|at| at <= context.now) {
            return Err(Error::invalid("expires_at must lie in the future"));
        }
        if let Some(reason) = self.reason {
            text::bounded("reason", reason, text::NAME_LENGTH)?;
        }
        self.idempotency_key.map_or(Ok(()), idempotency::check)
    }

    fn request(&self) -> Value {
        json!({
            "call": "credit_grant",
            "credit_system": self.credit_system,
            "amount": self.amount,
            "expires_at": self.expires_at.map(|at| at.timestamp_micros()),
            "priority": self.priority,
        })
    }
}

/// Gives credits; the ids of customer and grant.
///
/// # Errors
/// `42704` unknown credit system, `23503` unknown customer, `22023` bad amount or date, `23505` key
/// used otherwise.
pub fn give(context: &Context, gift: &Gift) -> Result<(Uuid, Uuid)> {
    let snapshot = Snapshot::latest()?;
    let organization_id = context.organization.id;
    let system = db::credit::system(&snapshot, organization_id, gift.credit_system)?;
    let system = system.ok_or_else(|| unknown_system(gift.credit_system))?;
    let customer = &customer::require(context, &snapshot, gift.customer)?;
    gift.check(context)?;
    drop(snapshot);
    if let Some(key) = gift.idempotency_key {
        idempotency::lock_key(customer.id, key);
        let snapshot = Snapshot::latest()?;
        let stored = idempotency::replay(context, &snapshot, customer.id, key, &gift.request())?;
        if let Some(stored) = stored {
            return serde_json::from_value(stored)
                .map(|id| (customer.id, id))
                .map_err(|_| Error::internal("the grant stored under an idempotency key"));
        }
    }
    customer::lock_living(customer)?;
    let grant = NewGrant {
        id: ids::time_ordered(context.now, random::ten_bytes()?),
        customer_id: customer.id,
        organization_id,
        credit_system_id: system,
        amount: gift.amount,
        expires_at: gift.expires_at,
        priority: gift.priority,
        reason: gift.reason,
        pack_id: None,
        checkout_id: None,
        metadata: json!({}),
        created_at: context.now,
    };
    write(context, &grant)?;
    if let Some(key) = gift.idempotency_key {
        let result = json!(grant.id);
        idempotency::store(context, customer.id, key, &gift.request(), &result)?;
    }
    Ok((customer.id, grant.id))
}

fn unknown_system(slug: &str) -> Error {
    Error::undefined(format!("credit system \"{slug}\" does not exist"))
        .hint("Credit systems are listed by owo_catalog() and created by owo_sync().")
}

/// Writes a grant and tells so.
///
/// # Errors
/// As the statements.
pub fn write(context: &Context, grant: &NewGrant) -> Result<()> {
    db::credit::insert(grant)?;
    let slugs =
        db::credit_pack::slugs(&Snapshot::latest()?, grant.credit_system_id, grant.pack_id)?;
    let (system, pack) = slugs;
    let mut data = Map::new();
    data.insert("grant".to_owned(), json!(grant.id));
    data.insert("credit_system".to_owned(), json!(system));
    data.insert("amount".to_owned(), json!(grant.amount));
    let more = [
        ("expires_at", grant.expires_at.map(|at| json!(at))),
        ("pack", pack.map(|slug| json!(slug))),
        ("checkout_id", grant.checkout_id.map(|id| json!(id))),
    ];
    for (key, value) in more {
        if let Some(value) = value {
            data.insert(key.to_owned(), value);
        }
    }
    let told = Told {
        kind: "credits.granted",
        customer_id: grant.customer_id,
        at: grant.created_at,
        data: Value::Object(data),
    };
    tell(context, told)
}

struct Told {
    kind: &'static str,
    customer_id: Uuid,
    at: DateTime<Utc>,
    data: Value,
}

fn tell(context: &Context, told: Told) -> Result<()> {
    db::event::append(&Event {
        kind: told.kind,
        organization_id: context.organization.id,
        organization: &context.organization.slug,
        customer_id: told.customer_id,
        at: told.at,
        data: told.data,
    })
}

/// Takes back what is left of a grant; answers how much that was, zero for a closed one.
///
/// A refund of credits is at most for the answer, in the same transaction.
///
/// # Errors
/// `42704` when the customer has no such grant.
pub fn void(
    context: &Context,
    customer_id: Uuid,
    id: Uuid,
    reason: Option<&str>,
) -> Result<Quantity> {
    if let Some(reason) = reason {
        text::bounded("reason", reason, text::NAME_LENGTH)?;
    }
    // What ended by date ended at that date: a hold has come back, of a grant nothing is left.
    meter::lock_customer(customer_id);
    hold::expire(customer_id, context.now)?;
    expire_due(context, customer_id, context.now)?;
    let grant = db::credit::lock(customer_id, id)?
        .ok_or_else(|| Error::undefined(format!("credit grant {id} does not exist")))?;
    let closed = close(
        customer_id,
        &grant,
        GrantClosing::Voided,
        context.now,
        reason,
    )?;
    Ok(closed.unwrap_or_default())
}

/// Takes back every grant of a customer who is deleted.
///
/// # Errors
/// As the statements.
pub fn void_all(context: &Context, customer_id: Uuid) -> Result<()> {
    for id in db::credit::open(&Snapshot::latest()?, customer_id, None)? {
        void(context, customer_id, id, None)?;
    }
    Ok(())
}

/// Closes grants whose date has come, and tells of those that still held something.
///
/// # Errors
/// As the statements.
pub fn expire_due(context: &Context, customer_id: Uuid, until: DateTime<Utc>) -> Result<()> {
    // The customer's lock before the row's, as everywhere.
    meter::lock_customer(customer_id);
    for id in db::credit::open(&Snapshot::latest()?, customer_id, Some(until))? {
        let Some(grant) = db::credit::lock(customer_id, id)? else {
            continue;
        };
        let at = grant.expires_at.unwrap_or(until);
        let taken = close(customer_id, &grant, GrantClosing::Expired, at, None)?;
        let Some(taken) = taken.filter(|taken| taken.is_positive()) else {
            continue;
        };
        let snapshot = Snapshot::latest()?;
        let (system, _) = db::credit_pack::slugs(&snapshot, grant.credit_system_id, None)?;
        let told = Told {
            kind: "credits.expired",
            customer_id,
            at,
            data: json!({ "grant": id, "credit_system": system, "amount": taken }),
        };
        tell(context, told)?;
    }
    Ok(())
}

/// Closes a grant whose row is locked and takes its rest; None: somebody has closed it before.
fn close(
    customer_id: Uuid,
    grant: &Grant,
    closed_as: GrantClosing,
    at: DateTime<Utc>,
    reason: Option<&str>,
) -> Result<Option<Quantity>> {
    if grant.closed.is_some() {
        return Ok(None);
    }
    let (key, period) = grant_meter(customer_id, grant);
    let taken = meter::take_rest(Rest {
        key,
        period,
        limit: grant.amount,
        kind: closed_as.as_str(),
        at,
    })?;
    let closing = Closing {
        closed_as,
        taken,
        at,
        reason,
    };
    db::credit::close(customer_id, grant.id, &closing)?;
    Ok(Some(taken))
}
