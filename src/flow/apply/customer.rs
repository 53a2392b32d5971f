//! A provider's customer is one of ours.
//!
//! Invariants: one that we did not make leads back to ours, and calls use it only where there is no
//! other; the name in the other system is told to no second customer.

use super::{Applied, Case};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::identity::Name;
use crate::db::provider::reference::Kind;
use crate::error::Result;
use owostack_provider::object::Customer;
use serde_json::json;

/// What a provider's customer is called among identities.
const KIND: &str = "customer";

/// Applies that the provider has the customer.
///
/// # Errors
/// As the statements.
pub fn apply(case: &Case, told: &Customer) -> Result<Applied> {
    case.know(&told.id)?;
    Ok(Applied::Done(format!(
        "customer {} is {} there",
        case.customer.id, told.id
    )))
}

impl Case<'_> {
    /// Links the customer whom the effect names.
    pub(super) fn know_customer(&self) -> Result<()> {
        match &self.link.customer {
            Some(external_id) => self.know(external_id),
            None => Ok(()),
        }
    }

    fn know(&self, external_id: &str) -> Result<()> {
        if self.reference(Kind::Customer, external_id)?.is_some() {
            return Ok(());
        }
        self.link(Kind::Customer, external_id, self.customer.id, &json!({}))?;
        self.name(external_id)
    }

    /// Writes the name of the customer in the other system, where nobody holds it.
    pub(super) fn name(&self, external_id: &str) -> Result<()> {
        let name = Name {
            provider: self.source.provider,
            kind: KIND,
            external_id,
        };
        let organization_id = self.context.organization.id;
        if db::identity::holder(&Snapshot::latest()?, organization_id, &name)?.is_some() {
            return Ok(());
        }
        db::identity::insert(organization_id, self.customer.id, &name, self.context.now)
    }
}
