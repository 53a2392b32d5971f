//! Our subscriptions beside what an account's provider last said of them.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// One pair; either side may be missing.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The provider's id.
    pub external_id: Option<String>,
    /// What was heard of it.
    pub detail: Option<Value>,
    /// When that was true.
    pub order_at: Option<DateTime<Utc>>,
    /// Our row.
    pub id: Option<Uuid>,
    pub status: Option<String>,
    pub cancel_at: Option<DateTime<Utc>>,
    pub period_end: Option<DateTime<Utc>>,
}

/// Every subscription that is linked to the account, or that its provider should bill.
///
/// # Errors
/// As `spi::read`.
pub fn subscriptions(snapshot: &Snapshot, account_id: Uuid) -> Result<Vec<Pair>> {
    static PAIRS: Statement = Statement::new(
        "SELECT r.external_id, r.detail, r.order_at, s.id, s.status, s.cancel_at, s.period_end
           FROM owo.provider_ref AS r
           LEFT JOIN owo.subscription AS s ON s.id = r.local_id
          WHERE r.account_id = $1 AND r.kind = 'subscription' AND r.state = 'linked'
          UNION ALL
         SELECT NULL, NULL, NULL, s.id, s.status, s.cancel_at, s.period_end
           FROM owo.provider_account AS a
           JOIN owo.subscription AS s ON s.organization_id = a.organization_id
            AND s.provider = a.provider
          WHERE a.id = $1 AND s.status IN ('active', 'past_due', 'paused') AND s.price_amount > 0
            AND NOT s.one_time
            AND NOT EXISTS (SELECT FROM owo.provider_ref AS r
                             WHERE r.local_id = s.id AND r.kind = 'subscription'
                               AND r.state = 'linked')
          ORDER BY 1, 4",
    );
    spi::read(snapshot, &PAIRS, arguments![account_id], |row| {
        Ok(Pair {
            external_id: row.get(0)?,
            detail: row.get(1)?,
            order_at: row.get(2)?,
            id: row.get(3)?,
            status: row.get(4)?,
            cancel_at: row.get(5)?,
            period_end: row.get(6)?,
        })
    })
}
