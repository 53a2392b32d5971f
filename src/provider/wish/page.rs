//! Pages: what a checkout of ours sells, and where the customer pays for it.

use chrono::{DateTime, Utc};
use owostack_domain::money::Currency;
use uuid::Uuid;

use super::{Buyer, Links, Need, PriceKey, Purpose, made};
use crate::Provider;
use crate::operation::{CheckoutDraft, Operation, Purchase};
use crate::tag::Tags;

/// What is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sale {
    /// A plan that renews.
    Plan {
        /// Its price.
        key: PriceKey,
        /// Days before the first payment.
        trial_days: Option<u32>,
    },
    /// Something paid once.
    Once {
        /// What one costs.
        key: PriceKey,
        /// Name that the customer reads.
        name: String,
        /// How many.
        quantity: u32,
    },
    /// Nothing: a card is saved.
    Card {
        /// Currency of later charges.
        currency: Currency,
    },
}

/// A checkout of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its id.
    pub id: Uuid,
    /// Who pays.
    pub buyer: Buyer,
    /// What for.
    pub sale: Sale,
    /// Where the customer comes back to.
    pub return_url: Option<String>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// What to recognise it by.
    pub tags: Tags,
}

impl Page {
    pub(super) fn needs(&self, provider: &dyn Provider) -> Vec<Need> {
        let capabilities = provider.capabilities();
        let customer = capabilities.customer_first.then_some(Need::Customer);
        let made = match &self.sale {
            Sale::Plan { key, .. } => Some(Need::Price(*key)),
            Sale::Once { key, .. } => capabilities
                .one_time_needs_product
                .then_some(Need::Price(*key)),
            Sale::Card { currency } => made::is_needed(provider, Purpose::Setup, *currency)
                .then_some(Need::Product(Purpose::Setup, *currency)),
        };
        customer.into_iter().chain(made).collect()
    }

    pub(super) fn operation(&self, links: &Links) -> Option<Operation> {
        let purchase = match &self.sale {
            Sale::Plan { key, trial_days } => Purchase::Subscription {
                plan: links.price(*key)?,
                money: key.money,
                quantity: 1,
                trial_days: *trial_days,
            },
            Sale::Once {
                key,
                name,
                quantity,
            } => Purchase::OneTime {
                product: links.price(*key).map(|link| link.product),
                name: name.clone(),
                money: key.money,
                quantity: *quantity,
                save_method: true,
            },
            Sale::Card { currency } => Purchase::CardSetup {
                currency: *currency,
                product: links.product(Purpose::Setup, *currency),
            },
        };
        Some(Operation::OpenCheckout(CheckoutDraft {
            id: self.id,
            buyer: self
                .buyer
                .person(links.customer.as_deref(), Tags::default()),
            purchase,
            success_url: self.return_url.clone(),
            cancel_url: self.return_url.clone(),
            expires_at: self.expires_at,
            tags: self.tags.clone(),
        }))
    }
}
