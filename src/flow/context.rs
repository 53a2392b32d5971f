//! What every call needs to know first: organization, rights, time.

use crate::backend::call::{Access, Caller};
use crate::backend::lock::{self, Class, Mode};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::organization::{DEFAULT_SLUG, Organization};
use crate::error::{Error, Result};
use crate::flow::warm;
use crate::guc;
use chrono::{DateTime, Utc};
use owostack_domain::period;
use owostack_domain::period::Tz;

/// What a function asks of the role that calls it (`api.md` 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Reader,
    App,
    /// What a provider's webhooks need, and nothing else.
    Webhook,
    Admin,
}

impl Level {
    /// Levels of `owo.role_grant` that include this one.
    pub fn sufficient(self) -> Vec<&'static str> {
        match self {
            Self::Reader => vec!["reader", "app", "admin"],
            Self::App => vec!["app", "admin"],
            Self::Webhook => vec!["webhook", "admin"],
            Self::Admin => vec!["admin"],
        }
    }
}

/// One call in one organization at one time.
#[derive(Debug, Clone)]
pub struct Context {
    pub caller: Caller,
    pub organization: Organization,
    /// The organization's clock, read once.
    pub now: DateTime<Utc>,
}

impl Context {
    /// Finds the organization of the session, asks for the caller's level, reads the clock.
    ///
    /// # Errors
    /// `42704` unknown organization, `42501` organization not granted.
    pub fn begin(caller: Caller, level: Level) -> Result<Self> {
        if let Some(context) = warm::context::find_owned(level, &caller) {
            return Ok(context);
        }
        Self::judge(caller, &guc::organization(), level)
    }

    /// The same in a named organization, whatever the session has set; `caller.role` may be another
    /// role than the one that calls, such as the owner of an enforced table.
    ///
    /// # Errors
    /// As [`Context::begin`].
    pub fn named(caller: Caller, slug: &str, level: Level) -> Result<Self> {
        match warm::context::find_named(slug, level, &caller) {
            Some(warm) => Ok(Self::new(caller, warm.context.organization.clone())),
            None => Self::judge(caller, slug, level),
        }
    }

    /// Judges from the tables, and remembers the answer.
    fn judge(caller: Caller, slug: &str, level: Level) -> Result<Self> {
        let id = db::organization::id_of(slug);
        let before = warm::context::before(id);
        let snapshot = Snapshot::latest()?;
        let organization = match db::organization::find(&snapshot, slug)? {
            Some(organization) => organization,
            None if slug == DEFAULT_SLUG => Organization::default(),
            None => {
                return Err(
                    Error::undefined(format!("organization \"{slug}\" does not exist"))
                        .hint("Set owostack.organization to a slug made with owo_organization()."),
                );
            }
        };
        let context = Self::new(caller, organization);
        context.require(&snapshot, level)?;
        drop(snapshot);
        let context = match caller.access {
            Access::Read => context,
            Access::Write => context.bound()?,
        };
        if context.organization.stored && context.organization.id == id {
            warm::context::keep(&context, level, before);
        }
        Ok(context)
    }

    /// A context whose rights have been judged elsewhere.
    pub fn new(caller: Caller, organization: Organization) -> Self {
        let now = organization.clock_at.unwrap_or(caller.at);
        Self {
            caller,
            organization,
            now,
        }
    }

    /// The latest switch of a customer, as far as it has come by now: a writing call decides no earlier,
    /// since what happened while it waited for its turn comes before what it does.
    ///
    /// Never later than it is: the dates of a provider may be ahead of the clock.
    ///
    /// # Errors
    /// As `spi::read`.
    pub fn reached(&self, latest: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>> {
        let Some(latest) = latest.filter(|latest| *latest > self.now) else {
            return Ok(latest);
        };
        let organization = &self.organization;
        let now = match organization.clock_at {
            None => self.caller.access.time(),
            // A sandbox's clock may have been moved meanwhile.
            Some(before) => db::organization::find(&Snapshot::latest()?, &organization.slug)?
                .and_then(|found| found.clock_at)
                .unwrap_or(before),
        };
        Ok(Some(latest.min(now).max(self.now)))
    }

    /// Whether the caller holds a level in this organization.
    ///
    /// # Errors
    /// As `spi::read`.
    pub fn holds(&self, snapshot: &Snapshot, level: Level) -> Result<bool> {
        let caller = &self.caller;
        Ok(caller.is_master()
            || db::role::holds(
                snapshot,
                caller.role,
                self.organization.id,
                level.sufficient(),
            )?)
    }

    /// Asks for a level in this organization.
    ///
    /// # Errors
    /// `42501` when the caller does not hold it.
    pub fn require(&self, snapshot: &Snapshot, level: Level) -> Result<()> {
        if self.holds(snapshot, level)? {
            return Ok(());
        }
        Err(Error::denied(format!(
            "permission denied for organization \"{}\"",
            self.organization.slug
        ))
        .hint("An administrator can give rights with owo_grant_role()."))
    }

    /// Binds the database and writes the row of `default`, where that has not happened yet.
    fn bound(mut self) -> Result<Self> {
        ensure_bound()?;
        if !self.organization.stored {
            self.organization.stored = true;
        }
        Ok(self)
    }

    /// The organization's time zone.
    pub fn zone(&self) -> Tz {
        period::zone(&self.organization.timezone).unwrap_or(Tz::UTC)
    }
}

/// Writes `owo.installation` and the row of organization `default` if they are missing.
///
/// # Errors
/// As the statements.
pub fn ensure_bound() -> Result<()> {
    let complete = |snapshot: &Snapshot| -> Result<(bool, bool)> {
        Ok((
            db::installation::is_active(snapshot)?,
            db::organization::find(snapshot, DEFAULT_SLUG)?.is_some(),
        ))
    };
    if complete(&Snapshot::latest()?)? == (true, true) {
        return Ok(());
    }
    lock::acquire(Class::Installation, 0, Mode::Exclusive);
    let (active, stored) = complete(&Snapshot::latest()?)?;
    if !stored {
        let default = Organization::default();
        db::organization::insert(default.id, &default.slug, None, "live", &default.timezone)?;
    }
    if !active {
        db::installation::activate()?;
    }
    Ok(())
}
