//! What backends know of each other's entitlements: the same as on their own shelves, as bytes.
//!
//! Invariant: whoever puts an entitlement here read its generations before its snapshot (protocol 24),
//! as the owner, without changes of its own; whoever takes one compares the words of the question, the
//! database and the generations. What does not fit into a slot, or would lose something as bytes, is
//! not shared: then each backend resolves for itself.

use super::known::{Head, Known};
use super::shelf::Words;
use crate::backend::clock::Tick;
use crate::backend::{database, store};
use owostack_domain::entitlement::Entitlement;
use owostack_domain::entitlement::pack::Pack;

/// Databases ask the same questions about different customers.
fn slot(hash: u64) -> u64 {
    hash ^ u64::from(database::own().to_u32()).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

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
    head.count.pack(&mut bytes);
    head.name.pack(&mut bytes);
    bytes.extend(entitlement);
    store::put(slot(hash), &bytes);
}

/// What somebody shared about these words, if it stands at `now`.
pub fn get(words: &Words, hash: u64, now: Tick) -> Option<Known> {
    let copied = store::get(slot(hash))?;
    let bytes = &mut copied.bytes();
    if u32::unpack(bytes)? != database::own().to_u32() {
        return None;
    }
    let mut word = || u64::unpack(bytes);
    let stamp = [word()?, word()?, word()?, word()?];
    let head = Head {
        stamp,
        valid_from: Tick::unpack(bytes)?,
        valid_until: Tick::unpack(bytes)?,
        organization_id: Pack::unpack(bytes)?,
        customer_id: Pack::unpack(bytes)?,
        count: Pack::unpack(bytes)?,
        name: Pack::unpack(bytes)?,
    };
    if head.name.as_bytes() != words.customer || !head.stands(now) {
        return None;
    }
    let known = Known::new(head, Entitlement::unpacked(bytes)?);
    known.answers(words).then_some(known)
}
