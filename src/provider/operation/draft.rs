//! What an operation is about, in our words.
//!
//! Invariant: whatever an operation makes at the provider carries tags to recognise it by.

use chrono::{DateTime, Utc};
use owostack_domain::interval::Cadence;
use owostack_domain::money::Currency;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::money::Money;
use crate::object::PlanLink;
use crate::tag::{Tag, Tags};

/// When a change or an end takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// At once.
    Now,
    /// When the running period is over.
    PeriodEnd,
}

/// What happens to the money of the running period when a plan changes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proration {
    /// The difference is charged at once.
    ChargeNow,
    /// The difference is part of the next invoice.
    NextInvoice,
    /// Nothing.
    None,
}

/// One of our customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Our id.
    pub id: Uuid,
    /// The provider's id, once known.
    pub reference: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// What to recognise it by.
    #[serde(default)]
    pub tags: Tags,
}

/// What a plan costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    /// Always the same.
    Fixed(Money),
    /// Named when it is charged: the product behind charges of any amount, or, with a cadence,
    /// behind card set-ups; only where capabilities say that there must be one.
    Open(Currency),
}

/// A plan's price that the provider should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDraft {
    /// Our id of the plan: prices of one plan share a product where there are products.
    pub plan_id: Uuid,
    /// Our key of this very price; another amount, currency or interval has another key.
    pub key: String,
    /// Name that the customer reads.
    pub name: String,
    /// Description that the customer reads.
    pub description: Option<String>,
    /// What it costs.
    pub price: Price,
    /// How often; none: once.
    pub cadence: Option<Cadence>,
    /// Tax category, for providers that ask for one.
    pub tax_category: Option<String>,
    /// What to recognise it by.
    #[serde(default)]
    pub tags: Tags,
}

/// A page where the customer pays or saves a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutDraft {
    /// Our id of the checkout.
    pub id: Uuid,
    /// Who pays.
    pub buyer: Person,
    /// What for.
    pub purchase: Purchase,
    /// Where the customer comes back to.
    pub success_url: Option<String>,
    /// Where the customer comes back to without paying.
    pub cancel_url: Option<String>,
    /// When the page should end.
    pub expires_at: Option<DateTime<Utc>>,
    /// What to recognise it by.
    #[serde(default)]
    pub tags: Tags,
}

impl Person {
    /// The tags that the provider's customer carries.
    pub(crate) fn marks(&self) -> Tags {
        self.tags.clone().with(Tag::Customer, self.id.to_string())
    }
}

impl PlanDraft {
    /// The tags that the provider's product and price carry.
    pub(crate) fn marks(&self) -> Tags {
        let tags = self.tags.clone().with(Tag::Key, self.key.as_str());
        tags.with(Tag::Plan, self.plan_id.to_string())
    }
}

impl CheckoutDraft {
    /// The tags that the checkout and all it makes carry.
    pub(crate) fn marks(&self) -> Tags {
        let tags = self.tags.clone().with(Tag::Checkout, self.id.to_string());
        tags.with(Tag::Customer, self.buyer.id.to_string())
    }
}

/// What a checkout is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purchase {
    /// A plan that renews.
    Subscription {
        /// Its price at the provider.
        plan: PlanLink,
        /// What one period costs.
        money: Money,
        /// How many.
        quantity: u32,
        /// Days before the first payment; the card is asked for at once.
        trial_days: Option<u32>,
    },
    /// Something paid once.
    OneTime {
        /// Its product, where there must be one.
        product: Option<String>,
        /// Name that the customer reads.
        name: String,
        /// What one costs.
        money: Money,
        /// How many.
        quantity: u32,
        /// Whether the card is kept for later charges.
        save_method: bool,
    },
    /// Nothing; only the card is kept.
    CardSetup {
        /// Currency of later charges.
        currency: Currency,
        /// The product behind it, where there must be one.
        product: Option<String>,
    },
}

/// A charge of a saved method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeDraft {
    /// The provider's customer.
    pub customer: String,
    /// E-mail address that the method belongs to.
    pub email: Option<String>,
    /// What the method is charged by.
    pub method: String,
    /// How much.
    pub money: Money,
    /// What the customer reads.
    pub description: Option<String>,
    /// The product for charges of any amount, where there must be one.
    pub product: Option<String>,
    /// What to recognise it by.
    #[serde(default)]
    pub tags: Tags,
}

/// A subscription paid with a saved method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartDraft {
    /// The provider's customer.
    pub customer: String,
    /// What the method is charged by.
    pub method: String,
    /// Its price at the provider.
    pub plan: PlanLink,
    /// How many.
    pub quantity: u32,
    /// First payment then; none: now. Until then it is a trial.
    pub first_payment_at: Option<DateTime<Utc>>,
    /// What to recognise it by.
    #[serde(default)]
    pub tags: Tags,
}

/// Another plan for a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeDraft {
    /// The provider's subscription.
    pub subscription: String,
    /// The new price at the provider.
    pub plan: PlanLink,
    /// How many.
    pub quantity: u32,
    /// When.
    pub timing: Timing,
    /// What happens to the money of the running period.
    pub proration: Proration,
    /// The provider's customer, for providers that replace the subscription.
    pub customer: Option<String>,
    /// What the method is charged by, for providers that replace the subscription.
    pub method: Option<String>,
    /// End of the running period, for providers that replace the subscription.
    pub period_end: Option<DateTime<Utc>>,
    /// What to recognise it by.
    #[serde(default)]
    pub tags: Tags,
}

/// Money that goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundDraft {
    /// The payment, under any of its ids.
    pub payment: String,
    /// How much, tax included; none: what is left.
    pub money: Option<Money>,
    /// Why, for a person.
    pub reason: Option<String>,
    /// What to recognise it by.
    #[serde(default)]
    pub tags: Tags,
}
