//! Wishes: from our rows to a complete operation, or to what must exist at the provider first.
//!
//! Asked by `flow/outbox/plan` when a job is taken up. Invariants: what a provider insists on is
//! asked of its capabilities, never of its name; a wish that lacks something of ours is refused
//! with a sentence that says what; what is made at the provider carries our tags. Deliberately
//! absent: rows and the order of jobs.

mod made;
mod page;
mod person;
mod price_key;
mod running;

#[cfg(test)]
mod tests;

use owostack_domain::money::Currency;

use crate::Provider;
use crate::object::PlanLink;
use crate::operation::Operation;

pub use made::{offer, product};
pub use page::{Page, Sale};
pub use person::Buyer;
pub use price_key::PriceKey;
pub use running::{Begin, Bill, Switch};

/// What a product without a price of its own is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Charges of any amount.
    Charge,
    /// Saving cards.
    Setup,
}

impl Purpose {
    /// The word of jobs and links.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Setup => "setup",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Charge, Self::Setup]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
    }
}

/// Something that must exist at the provider before a wish can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The customer.
    Customer,
    /// A price.
    Price(PriceKey),
    /// A product for any amount.
    Product(Purpose, Currency),
}

/// What exists at the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// The provider's customer.
    pub customer: Option<String>,
    made: Vec<(Need, PlanLink)>,
}

impl Links {
    /// Nothing yet but the customer, where it exists there.
    #[must_use]
    pub fn of(customer: Option<String>) -> Self {
        Self {
            customer,
            made: Vec::new(),
        }
    }

    /// Notes what stands there for a price or product.
    pub fn note(&mut self, need: Need, link: PlanLink) {
        self.made.push((need, link));
    }

    fn get(&self, need: &Need) -> Option<&PlanLink> {
        let found = self.made.iter().find(|(one, _)| one == need);
        found.map(|(_, link)| link)
    }

    fn has(&self, need: &Need) -> bool {
        match need {
            Need::Customer => self.customer.is_some(),
            other => self.get(other).is_some(),
        }
    }

    fn price(&self, key: PriceKey) -> Option<PlanLink> {
        self.get(&Need::Price(key)).cloned()
    }

    fn product(&self, purpose: Purpose, currency: Currency) -> Option<String> {
        let link = self.get(&Need::Product(purpose, currency))?;
        Some(link.product.clone())
    }
}

/// What is wanted of a provider, with all that our rows say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A page where the customer pays or saves a card.
    Page(Page),
    /// A charge of a saved method.
    Bill(Bill),
    /// A subscription that a saved method pays.
    Begin(Begin),
    /// Another plan for a subscription.
    Switch(Switch),
}

/// What becomes of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It can be sent.
    Operation(Box<Operation>),
    /// These come first.
    First(Vec<Need>),
    /// It lacks something that only we can give.
    Refused(String),
}

impl Wish {
    /// Everything at the provider that it builds on, so that it can be looked up.
    #[must_use]
    pub fn needs(&self, provider: &dyn Provider) -> Vec<Need> {
        match self {
            Self::Page(page) => page.needs(provider),
            Self::Bill(bill) => bill.needs(provider),
            Self::Begin(begin) => begin.needs(),
            Self::Switch(switch) => switch.needs(),
        }
    }

    /// Judges it by what exists there.
    #[must_use]
    pub fn judge(&self, provider: &dyn Provider, links: &Links) -> Judged {
        if let Some(reason) = self.lack(provider, links) {
            return Judged::Refused(reason);
        }
        let needs = self.needs(provider);
        let missing: Vec<Need> = needs.into_iter().filter(|need| !links.has(need)).collect();
        if !missing.is_empty() {
            return Judged::First(missing);
        }
        let operation = match self {
            Self::Page(page) => page.operation(links),
            Self::Bill(bill) => bill.operation(links),
            Self::Begin(begin) => begin.operation(links),
            Self::Switch(switch) => switch.operation(links),
        };
        operation.map_or_else(
            || Judged::Refused("what it needs at the provider has no link".to_owned()),
            |operation| Judged::Operation(Box::new(operation)),
        )
    }

    /// What it lacks on our side.
    fn lack(&self, provider: &dyn Provider, links: &Links) -> Option<String> {
        let (buyer, method) = match self {
            Self::Page(page) => {
                let title = provider.capabilities().title;
                let no_url =
                    provider.capabilities().checkout_needs_url && page.return_url.is_none();
                if no_url {
                    return Some(format!("{title} needs an address to come back to"));
                }
                (&page.buyer, None)
            }
            Self::Bill(bill) => (&bill.buyer, Some(&bill.method)),
            Self::Begin(begin) => (&begin.buyer, Some(&begin.method)),
            Self::Switch(_) => return None,
        };
        if method.is_some_and(Option::is_none) {
            return Some(format!("customer \"{}\" has no saved method", buyer.key));
        }
        // The provider knows a customer that is linked.
        match links.customer {
            Some(_) => None,
            None => buyer.lack(provider),
        }
    }
}
