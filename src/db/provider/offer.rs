//! What the catalog says of a price that a provider should have.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use owostack_provider::wish::PriceKey;
use uuid::Uuid;

/// Name and description of what is sold.
#[derive(Debug, Clone)]
pub struct Words {
    pub name: String,
    pub description: Option<String>,
}

/// The words for a plan or credit pack.
///
/// # Errors
/// As `spi::read`.
pub fn words(snapshot: &Snapshot, id: Uuid) -> Result<Option<Words>> {
    static WORDS: Statement = Statement::look_up(
        "SELECT name, description FROM owo.plan WHERE id = $1
          UNION ALL
         SELECT name, description FROM owo.credit_pack WHERE id = $1",
    );
    let rows = spi::read(snapshot, &WORDS, arguments![id], |row| {
        Ok(Words {
            name: row.get(0)?,
            description: row.get(1)?,
        })
    })?;
    Ok(rows.into_iter().next())
}

/// The provider's id that the catalog itself gives to a price: one that was made there by hand.
///
/// # Errors
/// As `spi::read`.
pub fn external_price(snapshot: &Snapshot, key: &PriceKey) -> Result<Option<String>> {
    static PRICE: Statement = Statement::look_up(
        "SELECT external_id FROM owo.plan_cycle
          WHERE plan_id = $1 AND price_amount = $2 AND currency = $3 AND billing_interval = $4
            AND interval_count = $5 AND external_id IS NOT NULL
          ORDER BY key LIMIT 1",
    );
    let Some(cadence) = key.cadence else {
        return Ok(None);
    };
    let arguments = arguments![
        key.plan_id,
        key.money.amount,
        key.money.currency.as_str(),
        cadence.interval.as_str(),
        i32::try_from(cadence.count).unwrap_or(i32::MAX),
    ];
    let rows = spi::read(snapshot, &PRICE, arguments, |row| row.get(0))?;
    Ok(rows.into_iter().next())
}
