//! What backends know of each other's entitlements: the same as on their own shelves, as bytes.
//!
//! Invariant: whoever puts an entitlement here read its generations before its snapshot (protocol 24),
//! as the owner, without changes of its own; whoever takes one compares the words of the question, the
//! database and the generations. What does not fit into a slot, or would lose something as bytes, is
//! not shared: then each backend resolves for itself.

use super::brief::{Brief, Ruling, Term};
use super::context::Warm;
use super::known::{Head, Known};
use super::shelf::Words;
use crate::backend::clock::Tick;
use crate::backend::{database, store};
use owostack_domain::entitlement::Entitlement;
use owostack_domain::entitlement::pack::{Pack, text};
use uuid::Uuid;

/// Databases ask the same questions about different customers.
fn slot(hash: u64) -> u64 {
    hash ^ u64::from(database::own().to_u32()).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Bytes that hold everything but the entitlement, where the names are not too long.
const FRONT: usize = 256;

/// Shares what was resolved.
pub fn put(hash: u64, known: &Known) {
    let Some(entitlement) = known.entitlement.packed() else {
        return;
    };
    let head = &known.head;
    let mut bytes = Vec::with_capacity(store::ROOM);
    database::own().to_u32().pack(&mut bytes);
    head.stamp.iter().for_each(|word| word.pack(&mut bytes));
    head.valid_from.pack(&mut bytes);
    head.valid_until.pack(&mut bytes);
    head.organization_id.pack(&mut bytes);
    head.customer_id.pack(&mut bytes);
    Ruling::of(known).pack(&mut bytes);
    head.count.pack(&mut bytes);
    head.name.pack(&mut bytes);
    known.entitlement.slug.pack(&mut bytes);
    bytes.extend(entitlement);
    store::put(slot(hash), &bytes);
}

/// What stands before the names.
struct Front {
    stamp: [u64; 4],
    valid_from: Tick,
    valid_until: Tick,
    organization_id: Uuid,
    customer_id: Uuid,
    ruling: Ruling,
    count: Option<i64>,
}

impl Front {
    /// None where it is of another database, or not the work of [`put`].
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        if u32::unpack(bytes)? != database::own().to_u32() {
            return None;
        }
        let mut word = || u64::unpack(bytes);
        Some(Self {
            stamp: [word()?, word()?, word()?, word()?],
            valid_from: Tick::unpack(bytes)?,
            valid_until: Tick::unpack(bytes)?,
            organization_id: Pack::unpack(bytes)?,
            customer_id: Pack::unpack(bytes)?,
            ruling: Pack::unpack(bytes)?,
            count: Pack::unpack(bytes)?,
        })
    }

    /// Takes both names off; whether they and the organization are those of the words.
    fn answers(&self, words: &Words, bytes: &mut &[u8]) -> bool {
        let mut is = |name: &[u8]| text(bytes).is_some_and(|text| text == name);
        is(words.customer) && is(words.feature) && self.organization_id == words.organization_id
    }
}

/// What somebody shared about these words, if it stands at `now`.
pub fn get(words: &Words, hash: u64, now: Tick) -> Option<Known> {
    let copied: store::Copied = store::get(slot(hash))?;
    let bytes = &mut copied.bytes();
    let front = Front::take(bytes)?;
    if !front.answers(words, bytes) {
        return None;
    }
    let head = Head {
        stamp: front.stamp,
        valid_from: front.valid_from,
        valid_until: front.valid_until,
        organization_id: front.organization_id,
        customer_id: front.customer_id,
        count: front.count,
        name: std::str::from_utf8(words.customer).ok()?.to_owned(),
    };
    if !head.stands(now) {
        return None;
    }
    let known = Known::new(head, Entitlement::unpacked(bytes)?);
    if let Some(plain) = &known.plain {
        plain.slot.set(front.ruling.slot());
    }
    known.answers(words).then_some(known)
}

/// The brief answer of what somebody shared about these words, whether or not the customer's
/// generation still stands.
pub fn brief(warm: &Warm, words: &Words, hash: u64) -> Option<Brief> {
    let copied = store::front::<FRONT>(slot(hash))?;
    let bytes = &mut copied.bytes();
    let front = Front::take(bytes)?;
    let [installation, all, organization, customer] = front.stamp;
    let (own, own_all, own_organization) = warm.generation;
    let stands = (installation, all, organization) == (own.into(), own_all, own_organization);
    if !stands || !front.answers(words, bytes) {
        return None;
    }
    let term = Term {
        customer_id: front.customer_id,
        customer,
        valid_from: front.valid_from,
        valid_until: front.valid_until,
    };
    Brief::new(words, hash, warm.epoch, &term, &front.ruling)
}
