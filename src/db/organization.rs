//! `owo.organization`: tenants, their settings and clock.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::backend::wake;
use crate::error::Result;
use chrono::{DateTime, Utc};
use owostack_domain::ids;
use pgrx::pg_sys;
use uuid::Uuid;

/// The organization that always exists; its row is written by the first call that writes.
pub const DEFAULT_ID: Uuid = Uuid::from_u128(0x6f77_6f73_7461_636b_8000_6465_6661_756c);

/// Slug of the organization that always exists.
pub const DEFAULT_SLUG: &str = "default";

/// The id that an organization made by `owo_organization` has.
pub fn id_of(slug: &str) -> Uuid {
    if slug == DEFAULT_SLUG {
        DEFAULT_ID
    } else {
        ids::derived(DEFAULT_ID, slug)
    }
}

/// One organization as calls need it.
#[derive(Debug, Clone)]
pub struct Organization {
    pub id: Uuid,
    pub slug: String,
    pub sandbox: bool,
    /// IANA name.
    pub timezone: String,
    pub default_provider: String,
    /// Sandbox clock; None follows real time.
    pub clock_at: Option<DateTime<Utc>>,
    pub grace_days: i32,
    pub event_age_days: i32,
    pub idempotency_days: i32,
    pub email_unique: bool,
    /// Whether a provider's events may be matched to customers by e-mail address.
    pub match_email: bool,
    /// False for `default` before its first write.
    pub stored: bool,
}

impl Default for Organization {
    fn default() -> Self {
        Self {
            id: DEFAULT_ID,
            slug: DEFAULT_SLUG.to_owned(),
            sandbox: false,
            timezone: "UTC".to_owned(),
            default_provider: "manual".to_owned(),
            clock_at: None,
            grace_days: 7,
            event_age_days: 35,
            idempotency_days: 35,
            email_unique: true,
            match_email: false,
            stored: false,
        }
    }
}

fn organization(row: &Row) -> Result<Organization> {
    Ok(Organization {
        id: row.get(0)?,
        slug: row.get(1)?,
        sandbox: row.get(2)?,
        timezone: row.get(3)?,
        default_provider: row.get(4)?,
        clock_at: row.get(5)?,
        grace_days: row.get(6)?,
        event_age_days: row.get(7)?,
        idempotency_days: row.get(8)?,
        email_unique: row.get(9)?,
        match_email: row.get(10)?,
        stored: true,
    })
}

/// The organization with that slug.
///
/// # Errors
/// As `spi::read`.
pub fn find(snapshot: &Snapshot, slug: &str) -> Result<Option<Organization>> {
    static FIND: Statement = Statement::new(
        "SELECT id, slug, environment = 'sandbox', timezone, default_provider, clock_at,
                grace_days, event_age_days, idempotency_days, email_unique, match_email
           FROM owo.organization WHERE slug = $1",
    );
    Ok(spi::read(snapshot, &FIND, arguments![slug], organization)?.pop())
}

/// The organization with that id.
///
/// # Errors
/// As `spi::read`.
pub fn find_by_id(snapshot: &Snapshot, id: Uuid) -> Result<Option<Organization>> {
    static FIND: Statement = Statement::new(
        "SELECT id, slug, environment = 'sandbox', timezone, default_provider, clock_at,
                grace_days, event_age_days, idempotency_days, email_unique, match_email
           FROM owo.organization WHERE id = $1",
    );
    Ok(spi::read(snapshot, &FIND, arguments![id], organization)?.pop())
}

/// Writes a new organization; the caller holds the installation lock.
///
/// # Errors
/// As `spi::run`; unknown environment or a taken slug is refused by constraint.
pub fn insert(
    id: Uuid,
    slug: &str,
    name: Option<&str>,
    environment: &str,
    timezone: &str,
) -> Result<()> {
    static INSERT: Statement = Statement::new(
        "INSERT INTO owo.organization (id, slug, name, environment, timezone)
         VALUES ($1, $2, $3, $4, $5)",
    );
    spi::run(&INSERT, arguments![id, slug, name, environment, timezone]).map(|_| ())
}

/// Changes name and zone where given.
///
/// # Errors
/// As `spi::run`.
pub fn update(id: Uuid, name: Option<&str>, timezone: Option<&str>) -> Result<()> {
    static UPDATE: Statement = Statement::new(
        "UPDATE owo.organization
            SET name = coalesce($2, name), timezone = coalesce($3, timezone), updated_at = now()
          WHERE id = $1",
    );
    spi::run(&UPDATE, arguments![id, name, timezone]).map(|_| ())
}

/// Changes settings; absent ones keep their value.
#[derive(Debug, Default)]
pub struct Settings {
    pub name: Option<String>,
    pub timezone: Option<String>,
    pub default_provider: Option<String>,
    pub grace_days: Option<i32>,
    pub event_age_days: Option<i32>,
    pub idempotency_days: Option<i32>,
    pub email_unique: Option<bool>,
    pub match_email: Option<bool>,
    pub dunning_days: Option<Vec<i32>>,
    pub webhook_days: Option<i32>,
}

/// Stores settings.
///
/// # Errors
/// As `spi::run`.
pub fn store_settings(id: Uuid, settings: &Settings) -> Result<()> {
    static STORE: Statement = Statement::new(
        "UPDATE owo.organization
            SET name = coalesce($2, name),
                timezone = coalesce($3, timezone),
                default_provider = coalesce($4, default_provider),
                grace_days = coalesce($5, grace_days),
                event_age_days = coalesce($6, event_age_days),
                idempotency_days = coalesce($7, idempotency_days),
                email_unique = coalesce($8, email_unique),
                match_email = coalesce($12, match_email),
                dunning_days = CASE WHEN $10 THEN $9 ELSE dunning_days END,
                webhook_days = coalesce($11, webhook_days),
                updated_at = now()
          WHERE id = $1",
    );
    spi::run(
        &STORE,
        arguments![
            id,
            settings.name.as_ref(),
            settings.timezone.as_ref(),
            settings.default_provider.as_ref(),
            settings.grace_days,
            settings.event_age_days,
            settings.idempotency_days,
            settings.email_unique,
            settings.dunning_days.clone().unwrap_or_default(),
            settings.dunning_days.is_some(),
            settings.webhook_days,
            settings.match_email,
        ],
    )
    .map(|_| ())
}

/// Sets the sandbox clock; None lets it follow real time again.
///
/// # Errors
/// As `spi::run`.
pub fn set_clock(id: Uuid, at: Option<DateTime<Utc>>) -> Result<()> {
    static SET: Statement = Statement::new(
        "UPDATE owo.organization SET clock_at = $2, updated_at = now() WHERE id = $1",
    );
    wake::note();
    spi::run(&SET, arguments![id, at]).map(|_| ())
}

/// Whether any customer exists in the organization.
///
/// # Errors
/// As `spi::read`.
pub fn has_customers(snapshot: &Snapshot, id: Uuid) -> Result<bool> {
    static HAS: Statement =
        Statement::new("SELECT EXISTS (SELECT FROM owo.customer WHERE organization_id = $1)");
    Ok(
        spi::read(snapshot, &HAS, arguments![id], |row| row.get::<bool>(0))?
            .into_iter()
            .any(|x| x),
    )
}

/// The organization's row as a composite datum.
///
/// # Errors
/// When there is no such row.
pub fn row(id: Uuid) -> Result<Option<pg_sys::Datum>> {
    static ROW: Statement = Statement::new("SELECT o FROM owo.organization AS o WHERE id = $1");
    let snapshot = Snapshot::latest()?;
    Ok(spi::read(&snapshot, &ROW, arguments![id], |row| row.composite(0))?.pop())
}
