//! What exists at the provider already, and jobs for what does not.

use super::Task;
use crate::backend::clock;
use crate::db::provider::refer::{self, Link};
use crate::db::provider::reference::{Kind, Reference};
use crate::db::provider::{offer, reference};
use crate::error::{Error, Result};
use crate::flow::outbox::enqueue::enqueue_once;
use crate::flow::outbox::job::Job;
use owostack_domain::interval::Cadence;
use owostack_domain::money::Currency;
use owostack_provider::money::Money;
use owostack_provider::object::PlanLink;
use owostack_provider::wish::{Links, Need, PriceKey};
use serde_json::json;
use uuid::Uuid;

/// The price of a plan or pack; amounts without a currency have none.
pub fn price_key(
    plan_id: Uuid,
    amount: i64,
    currency: Option<&str>,
    cadence: Option<Cadence>,
) -> Option<PriceKey> {
    let currency = Currency::parse(currency?).ok()?;
    Some(PriceKey {
        plan_id,
        money: Money { amount, currency },
        cadence,
    })
}

impl Task<'_> {
    /// What stands at the provider for those needs, and the customer where it is known.
    pub(super) fn links(&self, needs: &[Need]) -> Result<Links> {
        let customer = match self.work.whose.customer_id {
            Some(id) => self.external(Kind::Customer, id)?,
            None => None,
        };
        let mut links = Links::of(customer);
        for need in needs {
            if let Some(link) = self.made(need)? {
                links.note(need.clone(), link);
            }
        }
        Ok(links)
    }

    fn made(&self, need: &Need) -> Result<Option<PlanLink>> {
        let account_id = self.work.whose.account_id;
        let Some((kind, local_id, key)) = self.place(need) else {
            return Ok(None);
        };
        let found = reference::of(&self.snapshot, account_id, kind, local_id, &key)?;
        match (found, need) {
            (Some(found), _) => Ok(Some(plan_link(found))),
            (None, Need::Price(key)) => self.given(key),
            (None, _) => Ok(None),
        }
    }

    /// A price that was made at the provider by hand, and that the catalog names.
    fn given(&self, key: &PriceKey) -> Result<Option<PlanLink>> {
        let Some(external_id) = offer::external_price(&self.snapshot, key)? else {
            return Ok(None);
        };
        let link = PlanLink {
            product: external_id.clone(),
            price: None,
        };
        refer::link_back(&Link {
            account_id: self.work.whose.account_id,
            kind: Kind::Plan,
            external_id: &external_id,
            local_id: key.plan_id,
            customer_id: None,
            key: &key.to_string(),
            detail: json!(link),
            order: None,
            at: self.context.now,
        })?;
        Ok(Some(link))
    }

    /// Where the link to a need stands.
    fn place(&self, need: &Need) -> Option<(Kind, Uuid, String)> {
        let account_id = self.work.whose.account_id;
        match need {
            Need::Customer => {
                let id = self.work.whose.customer_id?;
                Some((Kind::Customer, id, String::new()))
            }
            Need::Price(key) => Some((Kind::Plan, key.plan_id, key.to_string())),
            Need::Product(..) => {
                let job = self.job(need)?;
                Some((Kind::Product, job.subject(account_id), job.link_key()))
            }
        }
    }

    fn job(&self, need: &Need) -> Option<Job> {
        Some(match need {
            Need::Customer => Job::EnsureCustomer {
                customer_id: self.work.whose.customer_id?,
            },
            Need::Price(key) => Job::EnsurePlan {
                plan_id: key.plan_id,
                key: key.to_string(),
            },
            Need::Product(purpose, currency) => Job::EnsureProduct {
                purpose: purpose.as_str().to_owned(),
                currency: currency.as_str().to_owned(),
            },
        })
    }

    /// Has what is missing made, each once, whoever asks for it.
    pub(super) fn ensure(&self, needs: &[Need]) -> Result<Vec<Uuid>> {
        let ensure = |need| {
            let missing = || Error::internal("a job that needs a customer and has none");
            let (kind, local_id, key) = self.place(need).ok_or_else(missing)?;
            let account_id = self.work.whose.account_id;
            let generation =
                reference::generation(&self.snapshot, account_id, kind, local_id, &key)?;
            let job = self.job(need).ok_or_else(missing)?;
            enqueue_once(&self.work.whose, &job, generation, clock::wall_time())
        };
        needs.iter().map(ensure).collect()
    }
}

/// Product and price as they were linked.
fn plan_link(found: Reference) -> PlanLink {
    serde_json::from_value(found.detail).unwrap_or(PlanLink {
        product: found.external_id,
        price: None,
    })
}
