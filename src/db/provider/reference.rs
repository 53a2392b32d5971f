//! `owo.provider_ref`: our ids beside the provider's, and how new our knowledge of each object is.
//!
//! Read by what plans calls, which needs the provider's ids, and by what applies answers and
//! webhooks, which need ours; written by `refer`. Invariants: one external id leads to one of our
//! things; a customer, plan price or product of ours has one link that calls use, further ones only
//! lead back.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_provider::event::Order;
use serde_json::Value;
use uuid::Uuid;

/// What is linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Customer,
    /// A plan's price; `key` names the very price.
    Plan,
    /// A product behind charges or card set-ups; `key` names purpose and currency.
    Product,
    Checkout,
    Subscription,
    Payment,
    Refund,
    Method,
}

impl Kind {
    /// The word of the column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Plan => "plan",
            Self::Product => "product",
            Self::Checkout => "checkout",
            Self::Subscription => "subscription",
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Method => "method",
        }
    }
}

/// One link.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    pub external_id: String,
    /// Our row.
    pub local_id: Uuid,
    /// Whose it is, where it is somebody's.
    pub customer_id: Option<Uuid>,
    pub key: String,
    /// Calls do not use it: the object is gone, or another one took its place.
    pub stale: bool,
    /// What else must be known of the object, such as the price beside a product.
    pub detail: Value,
    /// How new our knowledge of it is; None before any.
    pub order: Option<Order>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT external_id, local_id, customer_id, key, state = 'stale', detail, order_at, ",
            "order_stage::integer, order_period_end, order_noticed_at, order_certain ",
            "FROM owo.provider_ref ",
            $rest
        )
    };
}

pub(super) fn reference(row: &Row) -> Result<Reference> {
    Ok(Reference {
        external_id: row.get(0)?,
        local_id: row.get(1)?,
        customer_id: row.get(2)?,
        key: row.get(3)?,
        stale: row.get(4)?,
        detail: row.get(5)?,
        order: order(row)?,
    })
}

fn order(row: &Row) -> Result<Option<Order>> {
    let Some(at) = row.get::<Option<DateTime<Utc>>>(6)? else {
        return Ok(None);
    };
    let stage = u8::try_from(row.get::<i32>(7)?);
    Ok(Some(Order {
        at,
        stage: stage.map_err(|_| Error::internal("the stage of a link"))?,
        period_end: row.get(8)?,
        noticed_at: row.get(9)?,
        certain: row.get(10)?,
    }))
}

/// What an external id leads to, stale or not.
///
/// # Errors
/// As `spi::read`.
pub fn find(
    snapshot: &Snapshot,
    account_id: Uuid,
    kind: Kind,
    external_id: &str,
) -> Result<Option<Reference>> {
    static FIND: Statement = Statement::look_up(select!(
        "WHERE account_id = $1 AND kind = $2 AND external_id = $3"
    ));
    let arguments = arguments![account_id, kind.as_str(), external_id];
    Ok(spi::read(snapshot, &FIND, arguments, reference)?.pop())
}

/// The link of one of our things that calls use; the newest where there are several.
///
/// # Errors
/// As `spi::read`.
pub fn of(
    snapshot: &Snapshot,
    account_id: Uuid,
    kind: Kind,
    local_id: Uuid,
    key: &str,
) -> Result<Option<Reference>> {
    static OF: Statement = Statement::look_up(select!(
        "WHERE local_id = $3 AND account_id = $1 AND kind = $2 AND key = $4 AND state = 'linked'
         ORDER BY created_at, external_id"
    ));
    let arguments = arguments![account_id, kind.as_str(), local_id, key];
    Ok(spi::read(snapshot, &OF, arguments, reference)?.pop())
}

/// How many links of one of our things went stale: another one is another attempt.
///
/// # Errors
/// As `spi::read`.
pub fn generation(
    snapshot: &Snapshot,
    account_id: Uuid,
    kind: Kind,
    local_id: Uuid,
    key: &str,
) -> Result<i64> {
    static GENERATION: Statement = Statement::look_up(
        "SELECT count(*) FROM owo.provider_ref
          WHERE local_id = $3 AND account_id = $1 AND kind = $2 AND key = $4 AND state = 'stale'",
    );
    let arguments = arguments![account_id, kind.as_str(), local_id, key];
    let counts = spi::read(snapshot, &GENERATION, arguments, |row| row.get::<i64>(0))?;
    Ok(counts.into_iter().sum())
}

/// A provider's subscription that stands behind one of our rows.
#[derive(Debug, Clone)]
pub struct Behind {
    pub account_id: Uuid,
    pub external_id: String,
    pub detail: Value,
}

/// What stands at providers behind a subscription row.
///
/// # Errors
/// As `spi::read`.
pub fn behind(snapshot: &Snapshot, subscription_id: Uuid) -> Result<Vec<Behind>> {
    static BEHIND: Statement = Statement::look_up(
        "SELECT account_id, external_id, detail FROM owo.provider_ref
          WHERE local_id = $1 AND kind = 'subscription' AND state = 'linked'",
    );
    spi::read(snapshot, &BEHIND, arguments![subscription_id], |row| {
        Ok(Behind {
            account_id: row.get(0)?,
            external_id: row.get(1)?,
            detail: row.get(2)?,
        })
    })
}

/// The plan price whose product is that one, where the link is by price.
///
/// # Errors
/// As `spi::read`.
pub fn of_product(snapshot: &Snapshot, account_id: Uuid, product: &str) -> Result<Vec<Reference>> {
    static OF: Statement = Statement::new(select!(
        "WHERE account_id = $1 AND kind = 'plan' AND detail ->> 'product' = $2
         ORDER BY state, created_at DESC, external_id"
    ));
    spi::read(snapshot, &OF, arguments![account_id, product], reference)
}
