//! What a provider says becomes rows: effects of webhooks, and objects in answers to our calls.
//!
//! Called by `flow/webhook` for each effect of an event and by `flow/outbox` for what came of a job.
//! Invariants: the customer's lock comes first, the latest snapshot second; what is older than what
//! we know changes nothing; one sum of money, one checkout and one end have one effect, however
//! often and in whatever order they are told; a provider is never told what it told us.

mod answer;
mod checkout;
mod customer;
mod fail;
mod locate;
mod method;
mod paid;
mod payment;
mod plan;
mod refund;
pub mod renewal;
mod stale;
mod subscription;
mod whom;
mod words;

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::customer::Customer;
use crate::db::provider::refer;
use crate::db::provider::reference::{self, Kind, Reference};
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::life::Life;
use crate::meter;
use owostack_domain::ids;
use owostack_domain::subscription::step;
use owostack_provider::event::{Change, Effect, Order};
use owostack_provider::link::Link;
use owostack_provider::object::{ObjectKind, ObjectRef};
use serde_json::Value;
use uuid::Uuid;
use whom::Whom;

pub use answer::{answer, look};
pub use fail::{declined, refused};
pub use stale::{exists, missing};

/// The account that something comes from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub account_id: Uuid,
    /// Code of the provider.
    pub provider: &'a str,
}

/// What is known beside an effect itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Knowledge {
    /// The customer of the job that it answers.
    pub customer_id: Option<Uuid>,
    /// The row that the job is about.
    pub subject_id: Option<Uuid>,
    /// It is an answer to a question of ours: true at the moment of its order.
    pub verified: bool,
    /// Its object has been fetched since it was told.
    pub looked: bool,
    /// Whether to wait for who works on the customer.
    pub patient: bool,
}

/// What became of one effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// Rows say so now; in words for a person.
    Done(String),
    /// Nothing follows from it, for this reason.
    Skipped(String),
    /// Its cause is not known yet.
    Park {
        reason: String,
        /// What must be linked first, as `kind:external id`.
        waits_for: Option<String>,
    },
    /// Two customers are meant: a person must look.
    Conflict(String),
    /// This object must be fetched first.
    Look(ObjectRef),
    /// Somebody works on the customer.
    Busy,
}

/// One effect on one customer, who is locked.
struct Case<'a> {
    context: &'a Context,
    source: Source<'a>,
    customer: Customer,
    link: &'a Link,
    order: &'a Order,
    subject: Option<Uuid>,
    verified: bool,
    looked: bool,
}

/// Makes rows of one effect; the customer that it concerns, and what became of it.
///
/// # Errors
/// As the statements.
pub fn effect(
    context: &Context,
    source: Source,
    known: Knowledge,
    effect: &Effect,
) -> Result<(Option<Uuid>, Applied)> {
    if let (Change::Look(object), false) = (&effect.change, known.looked) {
        return Ok((None, Applied::Look(object.clone())));
    }
    let customer_id = match whom::find(context, source, known.customer_id, effect)? {
        Whom::Customer(id) => id,
        Whom::Conflict => {
            let text = "what the event says of its customer points to several";
            return Ok((None, Applied::Conflict(text.to_owned())));
        }
        Whom::Unknown => return Ok((None, unknown(effect))),
    };
    if known.patient {
        meter::lock_customer(customer_id);
    } else if !meter::try_lock_customer(customer_id) {
        return Ok((Some(customer_id), Applied::Busy));
    }
    let found = db::customer::get(&Snapshot::latest()?, customer_id)?;
    let Some(customer) = found.filter(|one| one.deleted_at.is_none()) else {
        let text = "the customer was deleted";
        return Ok((Some(customer_id), Applied::Skipped(text.to_owned())));
    };
    let case = Case {
        context,
        source,
        customer,
        link: &effect.link,
        order: &effect.order,
        subject: known.subject_id,
        verified: known.verified,
        looked: known.looked,
    };
    case.know_customer()?;
    Ok((Some(customer_id), case.apply(&effect.change)?))
}

/// The object that an effect may have to be looked at for.
pub fn object_of(effect: &Effect) -> Option<ObjectRef> {
    let (kind, id) = match &effect.change {
        Change::Subscription(told) => (ObjectKind::Subscription, &told.id),
        Change::Payment(told) => (ObjectKind::Payment, &told.id),
        Change::Look(object) => return Some(object.clone()),
        _ => return None,
    };
    Some(ObjectRef {
        kind,
        id: id.clone(),
    })
}

/// What to do about somebody whom nobody knows, or not yet.
fn unknown(effect: &Effect) -> Applied {
    let waits_for = match (&effect.change, &effect.link.customer) {
        (Change::SamePayment { payment, .. }, _) => Some(waits(Kind::Payment, payment)),
        (Change::Refund(refund), None) => {
            refund.payment.as_ref().map(|id| waits(Kind::Payment, id))
        }
        (_, Some(customer)) => Some(waits(Kind::Customer, customer)),
        _ => None,
    };
    Applied::Park {
        reason: "no customer here is known to be meant".to_owned(),
        waits_for,
    }
}

/// The name of a link that something waits for.
fn waits(kind: Kind, external_id: &str) -> String {
    format!("{}:{external_id}", kind.as_str())
}

/// The name of a customer's subscription that is known by its plan alone.
fn waits_of_plan(customer_id: Uuid, plan: &str) -> String {
    format!("subscription of {customer_id} to {plan}")
}

impl Case<'_> {
    fn apply(&self, change: &Change) -> Result<Applied> {
        Ok(match change {
            Change::Checkout(told) => checkout::apply(self, told)?,
            Change::Subscription(told) => subscription::apply(self, told)?,
            Change::TrialEnding { subscription, .. } => self.trial_ending(subscription)?,
            Change::Payment(told) => payment::apply(self, told)?,
            Change::SamePayment { payment, also } => payment::same(self, payment, also)?,
            Change::Refund(told) => refund::apply(self, told)?,
            Change::MethodSaved(told) => method::saved(self, told)?,
            Change::MethodRemoved { token } => method::removed(self, token)?,
            Change::MethodExpiring { last4, .. } => Applied::Done(format!(
                "the card that ends in {} expires soon",
                last4.as_deref().unwrap_or("(not said)")
            )),
            Change::Customer(told) => customer::apply(self, told)?,
            Change::Dispute { payment } => Applied::Done(format!(
                "payment {} is disputed: answer at the provider",
                payment.as_deref().unwrap_or("(not said)")
            )),
            Change::Look(object) => Applied::Done(format!("{} was fetched", object.id)),
        })
    }

    /// The customer's subscriptions as they are now.
    fn life(&self) -> Result<Life<'_>> {
        let mut life = Life::load(self.context, &Snapshot::latest()?, self.customer.clone())?;
        life.advance(self.context.now);
        Ok(life)
    }

    /// What an external id of this account leads to.
    fn reference(&self, kind: Kind, external_id: &str) -> Result<Option<Reference>> {
        reference::find(
            &Snapshot::latest()?,
            self.source.account_id,
            kind,
            external_id,
        )
    }

    /// Links something of the customer; what waited for it goes on.
    fn link(&self, kind: Kind, external_id: &str, local_id: Uuid, detail: &Value) -> Result<()> {
        self.link_at(kind, external_id, local_id, detail, None)
    }

    /// The same of what is known to be that new.
    fn link_at(
        &self,
        kind: Kind,
        external_id: &str,
        local_id: Uuid,
        detail: &Value,
        order: Option<&Order>,
    ) -> Result<()> {
        refer::link_back(&refer::Link {
            account_id: self.source.account_id,
            kind,
            external_id,
            local_id,
            customer_id: Some(self.customer.id),
            key: "",
            detail: detail.clone(),
            order,
            at: self.context.now,
        })?;
        self.unpark(&waits(kind, external_id))
    }

    /// What waited for that goes on.
    fn unpark(&self, waits_for: &str) -> Result<()> {
        let (account_id, now) = (self.source.account_id, self.context.caller.at);
        db::webhook::unpark(account_id, waits_for, now).map(|_| ())
    }

    /// The id that the method of a token has here.
    fn method_id(&self, token: &str) -> Uuid {
        ids::derived(self.source.account_id, &format!("method:{token}"))
    }

    fn trial_ending(&self, external_id: &str) -> Result<Applied> {
        let Some(found) = self.reference(Kind::Subscription, external_id)? else {
            return Ok(Applied::Skipped("the subscription is not known".to_owned()));
        };
        let mut life = self.life()?;
        let ends = life
            .find(found.local_id)
            .is_some_and(|row| row.is_in_trial());
        if ends {
            life.note(found.local_id, step::Change::TrialEnding);
        }
        life.save()?;
        Ok(if ends {
            Applied::Done("the trial ends soon".to_owned())
        } else {
            Applied::Skipped("the trial is over".to_owned())
        })
    }
}
