//! Buyers: what a provider wants to know of our customer.

use uuid::Uuid;

use crate::Provider;
use crate::operation::{Operation, Person};
use crate::tag::Tags;

/// One of our customers, as our row has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buyer {
    /// Our id.
    pub id: Uuid,
    /// What we call it, for messages.
    pub key: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
}

impl Buyer {
    /// What the provider insists on and we do not have.
    #[must_use]
    pub fn lack(&self, provider: &dyn Provider) -> Option<String> {
        let capabilities = provider.capabilities();
        let what = if capabilities.customer_needs_email && self.email.is_none() {
            "e-mail address"
        } else if capabilities.customer_needs_name && self.name.is_none() {
            "name"
        } else {
            return None;
        };
        let title = capabilities.title;
        Some(format!(
            "customer \"{}\" has no {what}, which {title} needs",
            self.key
        ))
    }

    /// The customer in the provider's words.
    pub(super) fn person(&self, reference: Option<&str>, tags: Tags) -> Person {
        Person {
            id: self.id,
            reference: reference.map(str::to_owned),
            email: self.email.clone(),
            name: self.name.clone(),
            phone: None,
            tags,
        }
    }

    /// Makes the customer exist there.
    ///
    /// # Errors
    /// When the provider needs what we do not have.
    pub fn ensure(&self, provider: &dyn Provider, tags: Tags) -> Result<Operation, String> {
        match self.lack(provider) {
            Some(reason) => Err(reason),
            None => Ok(Operation::EnsureCustomer(self.person(None, tags))),
        }
    }
}
