//! Wishes that a saved method or a running subscription carries out, without a page.

use chrono::{DateTime, Utc};

use super::{Buyer, Links, Need, PriceKey, Purpose, made};
use crate::Provider;
use crate::money::Money;
use crate::operation::{ChangeDraft, ChargeDraft, Operation, Proration, StartDraft, Timing};
use crate::tag::Tags;

/// A charge of a saved method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Who pays.
    pub buyer: Buyer,
    /// What with.
    pub method: Option<String>,
    /// How much.
    pub money: Money,
    /// What for, as the customer reads it.
    pub description: Option<String>,
    /// What to recognise it by.
    pub tags: Tags,
}

impl Bill {
    pub(super) fn needs(&self, provider: &dyn Provider) -> Vec<Need> {
        let currency = self.money.currency;
        let product = made::is_needed(provider, Purpose::Charge, currency);
        let product = product.then_some(Need::Product(Purpose::Charge, currency));
        std::iter::once(Need::Customer).chain(product).collect()
    }

    pub(super) fn operation(&self, links: &Links) -> Option<Operation> {
        Some(Operation::Charge(ChargeDraft {
            customer: links.customer.clone()?,
            email: self.buyer.email.clone(),
            method: self.method.clone()?,
            money: self.money,
            description: self.description.clone(),
            product: links.product(Purpose::Charge, self.money.currency),
            tags: self.tags.clone(),
        }))
    }
}

/// A subscription that begins at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begin {
    /// Who pays.
    pub buyer: Buyer,
    /// What with.
    pub method: Option<String>,
    /// Its price.
    pub key: PriceKey,
    /// First payment then; none: now.
    pub first_payment_at: Option<DateTime<Utc>>,
    /// What to recognise it by.
    pub tags: Tags,
}

impl Begin {
    pub(super) fn needs(&self) -> Vec<Need> {
        vec![Need::Customer, Need::Price(self.key)]
    }

    pub(super) fn operation(&self, links: &Links) -> Option<Operation> {
        Some(Operation::StartSubscription(StartDraft {
            customer: links.customer.clone()?,
            method: self.method.clone()?,
            plan: links.price(self.key)?,
            quantity: 1,
            first_payment_at: self.first_payment_at,
            tags: self.tags.clone(),
        }))
    }
}

/// Another plan for a subscription at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The provider's subscription.
    pub subscription: String,
    /// The new price.
    pub key: PriceKey,
    /// When.
    pub timing: Timing,
    /// Whether the difference is to be paid at once.
    pub pays_now: bool,
    /// What it is paid with.
    pub method: Option<String>,
    /// End of the running period.
    pub period_end: Option<DateTime<Utc>>,
    /// What to recognise it by.
    pub tags: Tags,
}

impl Switch {
    pub(super) fn needs(&self) -> Vec<Need> {
        vec![Need::Price(self.key)]
    }

    pub(super) fn operation(&self, links: &Links) -> Option<Operation> {
        let proration = match (self.timing, self.pays_now) {
            (Timing::Now, true) => Proration::ChargeNow,
            (Timing::Now, false) => Proration::NextInvoice,
            (Timing::PeriodEnd, _) => Proration::None,
        };
        Some(Operation::ChangeSubscription(ChangeDraft {
            subscription: self.subscription.clone(),
            plan: links.price(self.key)?,
            quantity: 1,
            timing: self.timing,
            proration,
            customer: links.customer.clone(),
            method: self.method.clone(),
            period_end: self.period_end,
            tags: self.tags.clone(),
        }))
    }
}
