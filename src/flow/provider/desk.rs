//! A provider with the account that acts there for an organization, as flows use the two.
//!
//! Called by whoever wants something of a provider. Invariant: what a provider cannot do is refused
//! here, with the way to do it, before anything is written.

use super::account;
use crate::backend::clock;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::provider::account::AccountRow;
use crate::db::provider::reference::{self, Kind};
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::outbox::enqueue::{Whose, enqueue};
use crate::flow::outbox::job::Job;
use owostack_provider::Provider;
use owostack_provider::capability::{Capabilities, Support};
use uuid::Uuid;

/// A provider and our account there.
pub struct Desk {
    pub account: AccountRow,
    pub provider: &'static dyn Provider,
}

impl Desk {
    /// None for provider manual, and where there is no account.
    ///
    /// # Errors
    /// As `spi::read`.
    pub fn find(context: &Context, provider: &str) -> Result<Option<Self>> {
        let Some(known) = owostack_provider::find(provider) else {
            return Ok(None);
        };
        Ok(account::acting(context, provider)?.map(|account| Self {
            account,
            provider: known,
        }))
    }

    /// The same where it must be there; None for provider manual.
    ///
    /// # Errors
    /// `55000` when there is no account.
    pub fn require(context: &Context, provider: &str) -> Result<Option<Self>> {
        let found = Self::find(context, provider)?;
        if found.is_none() && owostack_provider::find(provider).is_some() {
            return Err(Error::wrong_state(format!(
                "provider \"{provider}\" has no account in this organization"
            ))
            .hint("Set one with owo_provider_set()."));
        }
        Ok(found)
    }

    /// What the provider can do.
    pub fn capabilities(&self) -> &'static Capabilities {
        self.provider.capabilities()
    }

    /// Refuses what the provider cannot do.
    ///
    /// # Errors
    /// `55000` with what to do instead.
    pub fn demand(&self, support: Support) -> Result<()> {
        match support {
            Support::Native | Support::Instead(_) => Ok(()),
            Support::No(reason) => Err(Error::wrong_state(reason)),
        }
    }

    /// Writes a job for the account.
    ///
    /// # Errors
    /// As the statement.
    pub fn enqueue(&self, customer_id: Option<Uuid>, job: &Job) -> Result<Uuid> {
        let whose = Whose {
            organization_id: self.account.organization_id,
            account_id: self.account.id,
            customer_id,
        };
        enqueue(&whose, job, clock::wall_time())
    }

    /// Whether the provider runs a subscription for the row.
    ///
    /// # Errors
    /// As `spi::read`.
    pub fn has(&self, snapshot: &Snapshot, subscription_id: Uuid) -> Result<bool> {
        let id = self.account.id;
        let found = reference::of(snapshot, id, Kind::Subscription, subscription_id, "")?;
        Ok(found.is_some())
    }

    /// Whether the provider runs a subscription for the row, or is about to begin one.
    ///
    /// # Errors
    /// As `spi::read`.
    pub fn runs(&self, snapshot: &Snapshot, subscription_id: Uuid) -> Result<bool> {
        Ok(self.has(snapshot, subscription_id)?
            || db::outbox::is_wanted(snapshot, subscription_id, "start")?)
    }

    /// The saved method that the account charges.
    ///
    /// # Errors
    /// As `spi::read`.
    pub fn method(
        &self,
        snapshot: &Snapshot,
        customer_id: Uuid,
    ) -> Result<Option<db::method::Method>> {
        db::method::chargeable(snapshot, customer_id, self.account.id)
    }
}
