//! Organizations, their settings and the sandbox clock.

use crate::backend::call::Caller;
use crate::backend::lock::{self, Class, Mode};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::organization::{Organization, Settings};
use crate::error::{Error, Result};
use crate::flow::catalog;
use crate::flow::context::{self, Context};
use crate::flow::text;
use chrono::{DateTime, Datelike, Utc};
use owostack_domain::period;
use serde_json::Value;
use uuid::Uuid;

/// What concerns every organization takes admin on all of them: a grant for one is not enough.
///
/// # Errors
/// `42501`.
pub fn require_everywhere(caller: &Caller) -> Result<()> {
    let snapshot = Snapshot::latest()?;
    if caller.is_master() || db::role::holds_everywhere(&snapshot, caller.role, vec!["admin"])? {
        return Ok(());
    }
    Err(
        Error::denied("permission denied: admin on all organizations is needed")
            .hint("owo_grant_role(role, 'admin') without an organization gives it."),
    )
}

/// Makes an organization, or changes name and zone of an existing one.
///
/// # Errors
/// `22023` bad slug, environment or zone; `23514` when the environment would change.
pub fn ensure(
    caller: &Caller,
    slug: &str,
    name: Option<&str>,
    environment: Option<&str>,
    timezone: Option<&str>,
) -> Result<Uuid> {
    require_everywhere(caller)?;
    text::bounded("slug", slug, text::KEY_LENGTH)?;
    if let Some(name) = name {
        text::bounded("name", name, text::NAME_LENGTH)?;
    }
    let sandbox = match environment {
        None | Some("live") => false,
        Some("sandbox") => true,
        Some(other) => {
            return Err(Error::invalid(format!(
                "environment \"{other}\" is not live or sandbox"
            )));
        }
    };
    check_zone(timezone)?;
    context::ensure_bound()?;
    lock::acquire(Class::Installation, 0, Mode::Exclusive);
    match db::organization::find(&Snapshot::latest()?, slug)? {
        Some(existing) if existing.sandbox != sandbox && environment.is_some() => {
            Err(Error::forbidden(format!(
                "the environment of \"{slug}\" is fixed at creation"
            )))
        }
        Some(existing) => {
            db::organization::update(existing.id, name, timezone)?;
            Ok(existing.id)
        }
        None => {
            let id = db::organization::id_of(slug);
            let environment = if sandbox { "sandbox" } else { "live" };
            db::organization::insert(id, slug, name, environment, timezone.unwrap_or("UTC"))?;
            Ok(id)
        }
    }
}

fn check_zone(timezone: Option<&str>) -> Result<()> {
    match timezone {
        Some(zone) if period::zone(zone).is_none() => {
            Err(Error::invalid(format!("time zone \"{zone}\" is not known"))
                .hint("Use a name of the IANA time zone database, such as Europe/Berlin."))
        }
        _ => Ok(()),
    }
}

/// Stores settings of an organization that the caller administers.
///
/// # Errors
/// `42704` unknown organization, `22023` unknown setting or bad value, `42501`.
pub fn set(caller: &Caller, slug: &str, settings: Value) -> Result<Uuid> {
    context::ensure_bound()?;
    let snapshot = Snapshot::latest()?;
    let organization = require(&snapshot, slug)?;
    let context = Context::new(*caller, organization);
    context.require(&snapshot, context::Level::Admin)?;
    let settings = read_settings(settings)?;
    db::organization::store_settings(context.organization.id, &settings)?;
    Ok(context.organization.id)
}

/// The organization with that slug.
///
/// # Errors
/// `42704` when there is none.
pub fn require(snapshot: &Snapshot, slug: &str) -> Result<Organization> {
    db::organization::find(snapshot, slug)?
        .ok_or_else(|| Error::undefined(format!("organization \"{slug}\" does not exist")))
}

fn read_settings(settings: Value) -> Result<Settings> {
    let Value::Object(fields) = settings else {
        return Err(Error::invalid("settings must be a JSON object"));
    };
    let mut read = Settings::default();
    for (name, value) in fields {
        match name.as_str() {
            "name" => read.name = Some(setting_text(&name, &value)?),
            "timezone" => {
                let zone = setting_text(&name, &value)?;
                check_zone(Some(&zone))?;
                read.timezone = Some(zone);
            }
            "default_provider" => {
                let provider = setting_text(&name, &value)?;
                const PROVIDERS: [&str; 5] = ["manual", "stripe", "paystack", "dodo", "polar"];
                if !PROVIDERS.contains(&provider.as_str()) {
                    return Err(Error::undefined(format!(
                        "provider \"{provider}\" does not exist"
                    )));
                }
                read.default_provider = Some(provider);
            }
            "grace_days" => read.grace_days = Some(days(&name, &value, 0)?),
            "event_age_days" => read.event_age_days = Some(days(&name, &value, 0)?),
            "idempotency_days" => read.idempotency_days = Some(days(&name, &value, 1)?),
            "webhook_days" => read.webhook_days = Some(days(&name, &value, 1)?),
            "email_unique" => read.email_unique = Some(flag(&name, &value)?),
            "match_email" => read.match_email = Some(flag(&name, &value)?),
            "dunning_days" => {
                let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
                if list.is_empty() || list.len() > 20 {
                    return Err(Error::invalid(
                        "dunning_days must be an array of 1 to 20 days",
                    ));
                }
                let days: Result<Vec<i32>> = list.iter().map(|day| days(&name, day, 1)).collect();
                read.dunning_days = Some(days?);
            }
            other => return Err(Error::invalid(format!("setting \"{other}\" is not known"))),
        }
    }
    Ok(read)
}

fn flag(name: &str, value: &Value) -> Result<bool> {
    let flag = value.as_bool();
    flag.ok_or_else(|| Error::invalid(format!("{name} must be a boolean")))
}

fn setting_text(name: &str, value: &Value) -> Result<String> {
    let text = value
        .as_str()
        .ok_or_else(|| Error::invalid(format!("{name} must be a string")))?;
    text::bounded(name, text, text::NAME_LENGTH).map(str::to_owned)
}

fn days(name: &str, value: &Value, least: i32) -> Result<i32> {
    value
        .as_i64()
        .and_then(|days| i32::try_from(days).ok())
        .filter(|days| (least..=3_650).contains(days))
        .ok_or_else(|| {
            Error::invalid(format!(
                "{name} must be a whole number from {least} to 3650"
            ))
        })
}

/// Where the sandbox clock is to stand.
#[derive(Debug, Clone, Copy)]
pub enum Move {
    /// A time, not before the clock's.
    To(DateTime<Utc>),
    /// Back to following real time.
    Reset,
}

/// Years that a sandbox clock may show: ids are ordered by time from 1970 on, and the names of
/// monthly partitions have four digits for the year. The last century of them is left for periods.
const CLOCK_YEARS: std::ops::RangeInclusive<i32> = 1970..=9_899;

/// Checks that the sandbox clock of the context may go there and sets it; runs nothing.
///
/// # Errors
/// `55000` outside sandbox organizations, `22023` backwards while there are customers, or to a year
/// that the record has no partition for.
pub fn move_clock(context: &Context, to: Move) -> Result<DateTime<Utc>> {
    require_sandbox(context)?;
    let target = match to {
        Move::To(at) => at,
        Move::Reset => context.caller.at,
    };
    if !CLOCK_YEARS.contains(&target.year()) {
        return Err(Error::invalid(format!(
            "the clock goes from the year {} to {}",
            CLOCK_YEARS.start(),
            CLOCK_YEARS.end()
        )));
    }
    if target < context.now
        && db::organization::has_customers(&Snapshot::latest()?, context.organization.id)?
    {
        return Err(Error::invalid(format!(
            "the clock of \"{}\" never goes back",
            context.organization.slug
        ))
        .detail(format!("It stands at {}.", context.now.to_rfc3339()))
        .hint("It may be set to any time while the organization has no customer."));
    }
    let stored = match to {
        Move::To(at) => Some(at),
        Move::Reset => None,
    };
    db::organization::set_clock(context.organization.id, stored)?;
    if target < context.now {
        catalog::lower_creation(context.organization.id, target)?;
    }
    Ok(target)
}

/// Refuses live organizations.
///
/// # Errors
/// `55000`.
pub fn require_sandbox(context: &Context) -> Result<()> {
    if context.organization.sandbox {
        return Ok(());
    }
    Err(Error::wrong_state(format!(
        "organization \"{}\" is not a sandbox",
        context.organization.slug
    ))
    .hint("Make one with owo_organization(slug, environment => 'sandbox') and set owostack.organization."))
}
