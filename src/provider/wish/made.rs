//! What is made once at a provider: prices of plans and packs, and products for any amount.

use owostack_domain::interval::{Cadence, Interval};
use owostack_domain::money::Currency;
use uuid::Uuid;

use super::{PriceKey, Purpose};
use crate::Provider;
use crate::operation::{Operation, PlanDraft, Price};
use crate::tag::{Tag, Tags};

/// The price of a plan or pack as a provider should have it.
#[must_use]
pub fn offer(key: PriceKey, name: &str, description: Option<&str>, tags: Tags) -> PlanDraft {
    PlanDraft {
        plan_id: key.plan_id,
        key: key.to_string(),
        name: name.to_owned(),
        description: description.map(str::to_owned),
        price: Price::Fixed(key.money),
        cadence: key.cadence,
        tax_category: None,
        tags,
    }
}

/// The product behind charges of any amount, or behind saved cards.
#[must_use]
pub fn product(id: Uuid, purpose: Purpose, currency: Currency, tags: Tags) -> Operation {
    Operation::EnsurePlan(draft(id, purpose, currency, tags))
}

fn draft(id: Uuid, purpose: Purpose, currency: Currency, tags: Tags) -> PlanDraft {
    let (name, cadence) = match purpose {
        Purpose::Charge => ("Usage and purchases", None),
        // What saves a card is a subscription of nothing.
        Purpose::Setup => ("Saved card", Some(Cadence::every(Interval::Monthly))),
    };
    PlanDraft {
        plan_id: id,
        key: format!("{id}.{}.{currency}", purpose.as_str()),
        name: name.to_owned(),
        description: None,
        price: Price::Open(currency),
        cadence,
        tax_category: None,
        tags: tags.with(Tag::Purpose, purpose.as_str()),
    }
}

/// Whether the provider wants such a product; one that refuses it needs none.
pub(super) fn is_needed(provider: &dyn Provider, purpose: Purpose, currency: Currency) -> bool {
    let wanted = draft(Uuid::nil(), purpose, currency, Tags::default());
    provider.capabilities().charges_need_product && provider.check_plan(&wanted).is_ok()
}
