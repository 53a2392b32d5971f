//! Whom something of a provider concerns (`owostack_provider::link` decides, here is looked up).
//!
//! Invariants: a claim counts only for what we have dealt with ourselves; an e-mail address only
//! where the organization wants it; two pieces of evidence that disagree stop everything.

use super::Source;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::provider::evidence;
use crate::db::provider::reference::{self, Kind};
use crate::error::Result;
use crate::flow::context::Context;
use owostack_domain::ids;
use owostack_provider::event::{Change, Effect};
use owostack_provider::link::{self, Found, Link, Match};
use owostack_provider::tag::Tag;
use uuid::Uuid;

/// Whom it concerns.
pub enum Whom {
    Customer(Uuid),
    Unknown,
    Conflict,
}

/// Looks everybody up whom the evidence names.
///
/// # Errors
/// As the statements.
pub fn find(
    context: &Context,
    source: Source,
    known: Option<Uuid>,
    effect: &Effect,
) -> Result<Whom> {
    let look = Look {
        context,
        source,
        snapshot: Snapshot::latest()?,
    };
    let linked = look.by_links(effect)?;
    let by_link = linked.first().copied();
    // What is linked twice over needs no further evidence, and a claim that says the same no proof.
    let claimed = match claim(&effect.link) {
        Some(claim) if by_link != Some(claim) => look.by_claim(&effect.link, claim)?,
        _ => None,
    };
    let by_reference = match linked.as_slice() {
        [_, _, ..] => None,
        _ => look.by_reference(&effect.link)?,
    };
    let by_email = match by_link {
        Some(_) => Vec::new(),
        None => look.by_email(&effect.link)?,
    };
    let found = Found {
        by_link,
        by_claim: known.or(claimed),
        by_reference,
        by_email,
    };
    let disagree = linked.windows(2).any(|pair| pair.first() != pair.last())
        || known.is_some_and(|known| claimed.is_some_and(|claimed| claimed != known));
    if disagree {
        return Ok(Whom::Conflict);
    }
    Ok(
        match link::decide(&found, context.organization.match_email) {
            Match::Customer(id) | Match::Email(id) => Whom::Customer(id),
            Match::Unknown => Whom::Unknown,
            Match::Conflict => Whom::Conflict,
        },
    )
}

/// The checkout of ours that the evidence leads to.
///
/// # Errors
/// As the statements.
pub fn checkout_id(snapshot: &Snapshot, source: Source, link: &Link) -> Result<Option<Uuid>> {
    if let Some(external_id) = &link.checkout {
        let found = reference::find(snapshot, source.account_id, Kind::Checkout, external_id)?;
        if let Some(found) = found {
            return Ok(Some(found.local_id));
        }
    }
    let texts = [&link.reference, &link.checkout].into_iter().flatten();
    let mut references = texts.filter_map(|text| link::referenced(text));
    let tagged = link.tags.get(Tag::Checkout).and_then(ids::canonical);
    Ok(tagged.or_else(|| references.next()))
}

/// Our customer that the tags or the external id name.
fn claim(link: &Link) -> Option<Uuid> {
    let tagged = link.tags.get(Tag::Customer).and_then(ids::canonical);
    tagged.or_else(|| link.external_id.as_deref().and_then(ids::canonical))
}

struct Look<'a> {
    context: &'a Context,
    source: Source<'a>,
    snapshot: Snapshot,
}

impl Look<'_> {
    /// Owners of what is linked already.
    fn by_links(&self, effect: &Effect) -> Result<Vec<Uuid>> {
        let link = &effect.link;
        let name = |kind, id: &Option<String>| id.clone().map(|id| (kind, id));
        let mut texts: Vec<(Kind, String)> = Vec::new();
        texts.extend(name(Kind::Customer, &link.customer));
        texts.extend(name(Kind::Subscription, &link.subscription));
        match &effect.change {
            Change::Payment(payment) => {
                texts.push((Kind::Payment, payment.id.clone()));
                texts.extend(payment.also.iter().map(|id| (Kind::Payment, id.clone())));
            }
            Change::SamePayment { payment, also } => {
                texts.push((Kind::Payment, payment.clone()));
                texts.push((Kind::Payment, also.clone()));
            }
            Change::Refund(refund) => texts.extend(name(Kind::Payment, &refund.payment)),
            Change::Dispute { payment } => texts.extend(name(Kind::Payment, payment)),
            Change::MethodRemoved { token } => texts.push((Kind::Method, token.clone())),
            _ => {}
        }
        let mut owners = Vec::new();
        for (kind, id) in texts {
            let found = reference::find(&self.snapshot, self.source.account_id, kind, &id)?;
            owners.extend(found.and_then(|one| one.customer_id));
        }
        Ok(owners)
    }

    /// A claim that holds: of things that we made, or for somebody we have dealt with there.
    fn by_claim(&self, link: &Link, claim: Uuid) -> Result<Option<Uuid>> {
        let found = db::customer::get(&self.snapshot, claim)?;
        let organization_id = self.context.organization.id;
        if found.is_none_or(|one| one.organization_id != organization_id) {
            return Ok(None);
        }
        let account_id = self.source.account_id;
        let operation = link.tags.get(Tag::Operation).and_then(ids::canonical);
        if let Some(id) = operation {
            let job = evidence::operation(&self.snapshot, account_id, id)?;
            if job.is_some_and(|job| job.customer_id == Some(claim)) {
                return Ok(Some(claim));
            }
        }
        let dealt = evidence::has_dealt(&self.snapshot, account_id, claim)?;
        Ok(dealt.then_some(claim))
    }

    /// The customer of the checkout or job that a text of ours leads to.
    fn by_reference(&self, link: &Link) -> Result<Option<Uuid>> {
        let organization_id = self.context.organization.id;
        if let Some(id) = checkout_id(&self.snapshot, self.source, link)? {
            if let Some(found) = db::checkout::find(&self.snapshot, organization_id, id)? {
                return Ok(Some(found.customer_id));
            }
            let job = evidence::operation(&self.snapshot, self.source.account_id, id)?;
            if let Some(id) = job.and_then(|job| job.customer_id) {
                return Ok(Some(id));
            }
            let payment = db::payment::find(&self.snapshot, organization_id, id)?;
            return Ok(payment.map(|payment| payment.customer_id));
        }
        Ok(None)
    }

    fn by_email(&self, link: &Link) -> Result<Vec<Uuid>> {
        let organization = &self.context.organization;
        let Some(email) = link.email.as_ref().filter(|_| organization.match_email) else {
            return Ok(Vec::new());
        };
        let email = email.to_lowercase();
        let found = db::customer::find_by_email(&self.snapshot, organization.id, &email)?;
        Ok(found.into_iter().map(|one| one.id).collect())
    }
}
