//! `owo.credit_pack`: credits for sale.
//!
//! Called by purchases, and by whoever tells of credits in words.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use owostack_domain::quantity::Quantity;
use uuid::Uuid;

/// A credit pack of the catalog.
#[derive(Debug, Clone)]
pub struct Pack {
    pub id: Uuid,
    pub slug: String,
    pub credit_system_id: Uuid,
    pub credits: Quantity,
    /// Minor units.
    pub price: i64,
    pub currency: Option<String>,
    /// None: the organization's.
    pub provider: Option<String>,
    /// Interval text; None: for ever.
    pub expires_after: Option<String>,
    pub active: bool,
}

/// The credit pack with that slug.
///
/// # Errors
/// As `spi::read`.
pub fn pack(snapshot: &Snapshot, organization_id: Uuid, slug: &str) -> Result<Option<Pack>> {
    static PACK: Statement = Statement::new(
        "SELECT id, slug, credit_system_id, credits, price_amount, currency, provider,
                expires_after, active
           FROM owo.credit_pack WHERE organization_id = $1 AND slug = $2",
    );
    let found = spi::read(snapshot, &PACK, arguments![organization_id, slug], |row| {
        Ok(Pack {
            id: row.get(0)?,
            slug: row.get(1)?,
            credit_system_id: row.get(2)?,
            credits: row.get(3)?,
            price: row.get(4)?,
            currency: row.get(5)?,
            provider: row.get(6)?,
            expires_after: row.get(7)?,
            active: row.get(8)?,
        })
    })?;
    Ok(found.into_iter().next())
}

/// Slugs of a credit system and, where there is one, of a pack, for the words of an event.
///
/// # Errors
/// As `spi::read`.
pub fn slugs(
    snapshot: &Snapshot,
    credit_system_id: Uuid,
    pack_id: Option<Uuid>,
) -> Result<(Option<String>, Option<String>)> {
    static SLUGS: Statement = Statement::new(
        "SELECT (SELECT slug FROM owo.credit_system WHERE id = $1),
                (SELECT slug FROM owo.credit_pack WHERE id = $2)",
    );
    let found = spi::read(
        snapshot,
        &SLUGS,
        arguments![credit_system_id, pack_id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(found.into_iter().next().unwrap_or_default())
}
