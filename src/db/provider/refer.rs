//! Writing `owo.provider_ref`: links made, taken over and gone stale, and what was heard of an object.
//!
//! Called by what applies answers and webhooks, which holds the customer's lock where a customer is
//! concerned. Invariant: a customer, plan price or product of ours has one link that calls use.

use super::reference::{self, Kind};
use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_provider::event::Order;
use serde_json::Value;
use uuid::Uuid;

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
    let used = reference::of(
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

/// Keeps what was heard of a linked object, and how new that is; None leaves what is known.
///
/// # Errors
/// As `spi::run`.
pub fn know(
    account_id: Uuid,
    kind: Kind,
    external_id: &str,
    detail: Option<&Value>,
    order: Option<&Order>,
    at: DateTime<Utc>,
) -> Result<()> {
    static KNOW: Statement = Statement::look_up(
        "UPDATE owo.provider_ref
            SET detail = coalesce($4, detail), updated_at = $5,
                order_at = coalesce($6, order_at), order_stage = coalesce($7::smallint, order_stage),
                order_period_end = CASE WHEN $6 IS NULL THEN order_period_end ELSE $8 END,
                order_noticed_at = coalesce($9, order_noticed_at),
                order_certain = coalesce($10, order_certain)
          WHERE account_id = $1 AND kind = $2 AND external_id = $3
            AND ($6 IS NOT NULL OR detail <> $4)",
    );
    spi::run(
        &KNOW,
        arguments![
            account_id,
            kind.as_str(),
            external_id,
            detail,
            at,
            order.map(|order| order.at),
            order.map(|order| i32::from(order.stage)),
            order.and_then(|order| order.period_end),
            order.map(|order| order.noticed_at),
            order.map(|order| order.certain),
        ],
    )
    .map(|_| ())
}
