//! Whether a provider can express a price and its interval (`providers.md` 12.1).
//!
//! Asked when a catalog is synced, when a row of it is written, and when a plan is attached: never
//! for the first time by the provider itself.

use crate::flow::outbox::plan::price_key;
use owostack_domain::catalog::{BillingType, Catalog, Plan, Problem};
use owostack_domain::interval::Cadence;
use owostack_domain::money::Currency;
use owostack_provider::Provider;
use owostack_provider::tag::Tags;
use owostack_provider::wish;
use uuid::Uuid;

/// A price without the plan that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Price<'a> {
    pub amount: i64,
    pub currency: Option<&'a str>,
    /// None: paid once.
    pub cadence: Option<Cadence>,
}

/// Why the provider cannot express the price; what costs nothing never gets there.
pub fn problem(provider: &dyn Provider, price: Price) -> Option<String> {
    let key = price_key(Uuid::nil(), price.amount, price.currency, price.cadence)?;
    let is_asked = price.cadence.is_some() || provider.capabilities().one_time_needs_product;
    if price.amount == 0 || !is_asked {
        return None;
    }
    let draft = wish::offer(key, "a plan", None, Tags::default());
    let refusal = provider.check_plan(&draft).err()?;
    Some(refusal.to_string())
}

/// Everything in a catalog that its providers cannot express; `fallback` bills what names none.
pub fn problems(catalog: &Catalog, fallback: &str) -> Vec<Problem> {
    let plans = catalog.plans.iter().enumerate();
    plans
        .flat_map(|(place, plan)| of_plan(place, plan, fallback))
        .collect()
}

fn of_plan(place: usize, plan: &Plan, fallback: &str) -> Vec<Problem> {
    let name = plan.provider.as_deref().unwrap_or(fallback);
    let Some(provider) = owostack_provider::find(name) else {
        return Vec::new();
    };
    let recurring = plan.billing_type == BillingType::Recurring;
    let own = Price {
        amount: plan.price,
        currency: plan.currency.map(Currency::as_str),
        cadence: recurring.then(|| Cadence::every(plan.interval)),
    };
    let own = (format!("plans[{place}].interval"), own);
    // A price that was made at the provider by hand can be expressed there.
    let cycles = plan.cycles.iter().enumerate();
    let cycles = cycles.filter(|(_, cycle)| cycle.external_id.is_none());
    let cycles = cycles.map(|(index, cycle)| {
        let count = u32::try_from(cycle.interval_count).unwrap_or(1);
        let currency = cycle.currency.or(plan.currency);
        let price = Price {
            amount: cycle.price,
            currency: currency.map(Currency::as_str),
            cadence: Some(Cadence::new(cycle.interval, count)),
        };
        (
            format!("plans[{place}].billingCycles[{index}].interval"),
            price,
        )
    });
    std::iter::once(own)
        .chain(cycles)
        .filter_map(|(path, price)| {
            let problem = problem(provider, price)?;
            Some(Problem { path, problem })
        })
        .collect()
}
