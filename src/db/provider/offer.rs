//! What the catalog says of a price that a provider should have.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_domain::interval::{Cadence, Interval};
use owostack_provider::money::Money;
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

/// What an import has led to.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Prices that stand for a plan here.
    pub linked: i64,
    /// Plans that were made of them.
    pub imported: i64,
    /// When the last page was taken.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What imports from an account have led to.
///
/// # Errors
/// As `spi::read`.
pub fn counts(snapshot: &Snapshot, account_id: Uuid, provider: &str) -> Result<Counts> {
    static COUNTS: Statement = Statement::new(
        "SELECT (SELECT count(*) FROM owo.provider_ref
                  WHERE account_id = $1 AND kind = 'plan' AND state = 'linked'),
                (SELECT count(*) FROM owo.plan AS p
                   JOIN owo.provider_account AS a ON a.organization_id = p.organization_id
                  WHERE a.id = $1 AND p.source = 'provider' AND p.provider = $2),
                (SELECT max(closed_at) FROM owo.outbox
                  WHERE account_id = $1 AND kind = 'import_plans' AND state = 'done')",
    );
    let rows = spi::read(snapshot, &COUNTS, arguments![account_id, provider], |row| {
        Ok(Counts {
            linked: row.get(0)?,
            imported: row.get(1)?,
            finished_at: row.get(2)?,
        })
    })?;
    rows.into_iter()
        .next()
        .ok_or_else(|| Error::internal("counts of an import"))
}

/// Whether a plan was made of a provider's.
///
/// # Errors
/// As `spi::read`.
pub fn is_imported(snapshot: &Snapshot, organization_id: Uuid, plan_id: Uuid) -> Result<bool> {
    static IMPORTED: Statement = Statement::look_up(
        "SELECT source = 'provider' FROM owo.plan WHERE organization_id = $1 AND id = $2",
    );
    let arguments = arguments![organization_id, plan_id];
    let rows = spi::read(snapshot, &IMPORTED, arguments, |row| row.get::<bool>(0))?;
    Ok(rows.into_iter().any(|imported| imported))
}

/// A plan that is made of a provider's.
#[derive(Debug, Clone, Copy)]
pub struct NewPlan<'a> {
    pub organization_id: Uuid,
    pub slug: &'a str,
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub money: Option<Money>,
    /// None: paid once.
    pub interval: Option<Interval>,
    pub trial_days: u32,
    pub provider: &'a str,
}

/// Writes such a plan; its id.
///
/// # Errors
/// As `spi::write`.
pub fn insert_plan(plan: &NewPlan) -> Result<Uuid> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.plan
             (organization_id, slug, name, description, price_amount, currency, billing_interval,
              billing_type, trial_days, provider, source)
         VALUES ($1, $2, left($3, 1000), left($4, 1000), $5, $6, coalesce($7, 'monthly'),
                 CASE WHEN $7 IS NULL THEN 'one_time' ELSE 'recurring' END, $8, $9, 'provider')
         RETURNING id",
    );
    let ids = spi::write(
        &INSERT,
        arguments![
            plan.organization_id,
            plan.slug,
            plan.name,
            plan.description,
            plan.money.map_or(0, |money| money.amount),
            plan.money.as_ref().map(|money| money.currency.as_str()),
            plan.interval.map(Interval::as_str),
            i32::try_from(plan.trial_days).unwrap_or(0),
            plan.provider,
        ],
        |row| row.get(0),
    )?;
    ids.into_iter()
        .next()
        .ok_or_else(|| Error::internal("a plan that was not written"))
}

/// Writes another price of a plan.
///
/// # Errors
/// As `spi::run`.
pub fn insert_cycle(
    plan_id: Uuid,
    key: &PriceKey,
    cadence: Cadence,
    external_id: &str,
) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.plan_cycle
             (plan_id, key, price_amount, currency, billing_interval, interval_count, external_id)
         VALUES ($1, left($7, 255), $2, $3, $4, $5, left($6, 255))
         ON CONFLICT DO NOTHING",
    );
    spi::run(
        &INSERT,
        arguments![
            plan_id,
            key.money.amount,
            key.money.currency.as_str(),
            cadence.interval.as_str(),
            i32::try_from(cadence.count).unwrap_or(1),
            external_id,
            external_id,
        ],
    )
    .map(|_| ())
}
