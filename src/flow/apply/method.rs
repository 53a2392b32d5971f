//! Saved means of payment, as a provider reports them.
//!
//! Invariants: a method is one row per token; one that was removed does not come back by an older
//! notice; the one that was saved last is the default.

use super::{Applied, Case};
use crate::db;
use crate::db::method::Method as Row;
use crate::db::provider::refer;
use crate::db::provider::reference::Kind;
use crate::error::Result;
use owostack_provider::object::Method;
use serde_json::json;

/// Applies that a method was saved.
///
/// # Errors
/// As the statements.
pub fn saved(case: &Case, told: &Method) -> Result<Applied> {
    if !told.reusable {
        return Ok(Applied::Skipped(
            "the method cannot be charged again".to_owned(),
        ));
    }
    let found = case.reference(Kind::Method, &told.token)?;
    let known = found.as_ref().and_then(|found| found.order);
    let newer = known.is_none_or(|known| *case.order >= known);
    let gone = found.is_some_and(|found| found.detail.get("removed").is_some());
    if gone && !newer {
        return Ok(Applied::Skipped("the method was removed later".to_owned()));
    }
    note(case, &told.token, newer, &json!({}))?;
    let number = |value: Option<u32>| value.and_then(|value| i32::try_from(value).ok());
    let month = |month: &i32| (1..=12).contains(month);
    db::method::store(
        &Row {
            id: case.method_id(&told.token),
            customer_id: case.customer.id,
            provider: case.source.provider.to_owned(),
            kind: told.kind.clone().unwrap_or_else(|| "card".to_owned()),
            is_default: false,
            expires_month: number(told.expires_month).filter(month),
            expires_year: number(told.expires_year),
            created_at: case.order.at,
            external_id: Some(told.token.clone()),
            brand: told.brand.clone(),
            last_digits: told.last4.clone(),
            account_id: Some(case.source.account_id),
            fingerprint: told.fingerprint.clone(),
        },
        newer,
    )?;
    db::method::choose_default(case.customer.id)?;
    let id = case.method_id(&told.token);
    Ok(Applied::Done(format!("payment method {id} is saved")))
}

/// Applies that a method is gone.
///
/// # Errors
/// As the statements.
pub fn removed(case: &Case, token: &str) -> Result<Applied> {
    let found = case.reference(Kind::Method, token)?;
    let known = found.and_then(|found| found.order);
    if known.is_some_and(|known| known > *case.order) {
        return Ok(Applied::Skipped("the method was saved later".to_owned()));
    }
    note(case, token, true, &json!({ "removed": true }))?;
    let id = case.method_id(token);
    db::method::delete(case.customer.id, id)?;
    db::method::choose_default(case.customer.id)?;
    Ok(Applied::Done(format!("payment method {id} is removed")))
}

/// Notes how new our knowledge of the token is.
fn note(case: &Case, token: &str, newer: bool, detail: &serde_json::Value) -> Result<()> {
    let (account_id, at) = (case.source.account_id, case.context.now);
    if case.reference(Kind::Method, token)?.is_none() {
        case.link(Kind::Method, token, case.method_id(token), detail)?;
    }
    if newer {
        let order = Some(case.order);
        refer::know(account_id, Kind::Method, token, Some(detail), order, at)?;
    }
    Ok(())
}
