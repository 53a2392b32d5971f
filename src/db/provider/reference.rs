//! `owo.provider_ref`: our ids beside the provider's, and how new our knowledge of each object is.
//!
//! Used by what plans calls, which needs the provider's ids, and by what applies answers and
//! webhooks, which need ours. Invariants: one external id leads to one of our things; a customer,
//! plan price or product of ours has one link that calls use, further ones only lead back. The
//! caller holds the customer's lock where a customer is concerned.

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

/// A link to be written.
#[derive(Debug, Clone)]
pub struct Link<'a> {
    pub account_id: Uuid,
    pub kind: Kind,
    pub external_id: &'a str,
    pub local_id: Uuid,
    pub customer_id: Option<Uuid>,
    /// Empty where the kind has none.
    pub key: &'a str,
    pub detail: Value,
    /// How new our knowledge of the object is, where it is known.
    pub order: Option<&'a Order>,
    pub at: DateTime<Utc>,
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

/// Writes the link that calls use from now on, in place of another one where there can be but one.
///
/// What is known of the object stays when the link was there before.
///
/// # Errors
/// As `spi::run`.
pub fn link(link: &Link) -> Result<()> {
    static REPLACE: Statement = Statement::look_up(
        "UPDATE owo.provider_ref SET state = 'stale', updated_at = $6
          WHERE local_id = $3 AND account_id = $1 AND kind = $2 AND key = $4 AND external_id <> $5
            AND state = 'linked' AND kind IN ('customer', 'plan', 'product')",
    );
    spi::run(
        &REPLACE,
        arguments![
            link.account_id,
            link.kind.as_str(),
            link.local_id,
            link.key,
            link.external_id,
            link.at,
        ],
    )?;
    store(link, "linked")
}

/// Writes a link that leads back to us, and that calls use only where there is no other.
///
/// # Errors
/// As `spi::run`.
pub fn link_back(link: &Link) -> Result<()> {
    if !matches!(link.kind, Kind::Customer | Kind::Plan | Kind::Product) {
        return store(link, "linked");
    }
    let used = of(
        &Snapshot::latest()?,
        link.account_id,
        link.kind,
        link.local_id,
        link.key,
    )?;
    let taken = used.is_some_and(|one| one.external_id != link.external_id);
    store(link, if taken { "stale" } else { "linked" })
}

fn store(link: &Link, state: &str) -> Result<()> {
    static STORE: Statement = Statement::new(
        "INSERT INTO owo.provider_ref AS r
             (account_id, kind, external_id, local_id, customer_id, key, state, detail, created_at,
              updated_at, order_at, order_stage, order_period_end, order_noticed_at, order_certain)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11::smallint, $12, $13, $14)
         ON CONFLICT (account_id, kind, external_id) DO UPDATE
            SET local_id = excluded.local_id, customer_id = excluded.customer_id,
                key = excluded.key, state = excluded.state, updated_at = excluded.updated_at,
                detail = CASE excluded.detail WHEN '{}' THEN r.detail ELSE excluded.detail END,
                order_at = coalesce($10, r.order_at),
                order_stage = coalesce($11::smallint, r.order_stage),
                order_period_end = CASE WHEN $10 IS NULL THEN r.order_period_end ELSE $12 END,
                order_noticed_at = coalesce($13, r.order_noticed_at),
                order_certain = coalesce($14, r.order_certain)
          WHERE (r.local_id, r.key, r.state) <> (excluded.local_id, excluded.key, excluded.state)
             OR r.customer_id IS DISTINCT FROM excluded.customer_id
             OR (excluded.detail <> '{}' AND r.detail <> excluded.detail)
             OR $10 IS NOT NULL",
    );
    spi::run(
        &STORE,
        arguments![
            link.account_id,
            link.kind.as_str(),
            link.external_id,
            link.local_id,
            link.customer_id,
            link.key,
            state,
            &link.detail,
            link.at,
            link.order.map(|order| order.at),
            link.order.map(|order| i32::from(order.stage)),
            link.order.and_then(|order| order.period_end),
            link.order.map(|order| order.noticed_at),
            link.order.map(|order| order.certain),
        ],
    )
    .map(|_| ())
}

/// Lets the provider's subscription of one row belong to the row that goes on with it.
///
/// # Errors
/// As `spi::run`.
pub fn take_over(account_id: Uuid, from: Uuid, to: Uuid, at: DateTime<Utc>) -> Result<()> {
    static TAKE: Statement = Statement::look_up(
        "UPDATE owo.provider_ref SET local_id = $3, updated_at = $4
          WHERE local_id = $2 AND account_id = $1 AND kind = 'subscription'",
    );
    spi::run(&TAKE, arguments![account_id, from, to, at]).map(|_| ())
}

/// Notes that the provider does not know the object any more; whether a link was in use.
///
/// # Errors
/// As `spi::run`.
pub fn mark_stale(
    account_id: Uuid,
    kind: Kind,
    external_id: &str,
    at: DateTime<Utc>,
) -> Result<bool> {
    static MARK: Statement = Statement::look_up(
        "UPDATE owo.provider_ref SET state = 'stale', updated_at = $4
          WHERE account_id = $1 AND kind = $2 AND external_id = $3 AND state = 'linked'",
    );
    let arguments = arguments![account_id, kind.as_str(), external_id, at];
    Ok(spi::run(&MARK, arguments)? > 0)
}

/// Notes how new our knowledge of a linked object is.
///
/// # Errors
/// As `spi::run`.
pub fn set_order(
    account_id: Uuid,
    kind: Kind,
    external_id: &str,
    order: &Order,
    at: DateTime<Utc>,
) -> Result<()> {
    static SET: Statement = Statement::look_up(
        "UPDATE owo.provider_ref
            SET order_at = $4, order_stage = $5::smallint, order_period_end = $6,
                order_noticed_at = $7, order_certain = $8, updated_at = $9
          WHERE account_id = $1 AND kind = $2 AND external_id = $3",
    );
    spi::run(
        &SET,
        arguments![
            account_id,
            kind.as_str(),
            external_id,
            order.at,
            i32::from(order.stage),
            order.period_end,
            order.noticed_at,
            order.certain,
            at,
        ],
    )
    .map(|_| ())
}

/// Keeps what was heard of a linked object, and how new it is.
///
/// # Errors
/// As `spi::run`.
pub fn set_detail(
    account_id: Uuid,
    kind: Kind,
    external_id: &str,
    detail: &Value,
    at: DateTime<Utc>,
) -> Result<()> {
    static SET: Statement = Statement::look_up(
        "UPDATE owo.provider_ref SET detail = $4, updated_at = $5
          WHERE account_id = $1 AND kind = $2 AND external_id = $3 AND detail <> $4",
    );
    let arguments = arguments![account_id, kind.as_str(), external_id, detail, at];
    spi::run(&SET, arguments).map(|_| ())
}

/// Keeps what was heard of a linked object, and how new it is where that has changed.
///
/// # Errors
/// As `spi::run`.
pub fn set_known(
    account_id: Uuid,
    kind: Kind,
    external_id: &str,
    detail: &Value,
    order: Option<&Order>,
    at: DateTime<Utc>,
) -> Result<()> {
    let Some(order) = order else {
        return set_detail(account_id, kind, external_id, detail, at);
    };
    static SET: Statement = Statement::look_up(
        "UPDATE owo.provider_ref
            SET order_at = $4, order_stage = $5::smallint, order_period_end = $6,
                order_noticed_at = $7, order_certain = $8, updated_at = $9, detail = $10
          WHERE account_id = $1 AND kind = $2 AND external_id = $3",
    );
    spi::run(
        &SET,
        arguments![
            account_id,
            kind.as_str(),
            external_id,
            order.at,
            i32::from(order.stage),
            order.period_end,
            order.noticed_at,
            order.certain,
            at,
            detail,
        ],
    )
    .map(|_| ())
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
