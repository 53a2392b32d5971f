//! Where one backend keeps what it knows: a fixed number of places, each for one question at a time.
//!
//! A question may be in any of a few places that its words hash to. What was resolved anew takes one of
//! them; what others have shared takes one only from who was not asked for lately. So busy customers
//! stay among many, nothing is ever cleared as a whole, and who passes through costs no more than its
//! own making.

use super::known::Known;
use crate::backend::local::Local;
use std::cell::Cell;
use std::rc::Rc;
use uuid::Uuid;

/// Groups of places; a power of two. A known entitlement takes 1 to 4 kB.
const GROUPS: usize = 1_024;
/// Places in a group.
const WAYS: usize = 4;

struct Place {
    hash: u64,
    known: Rc<Known>,
    /// Whether it was asked for since somebody wanted a place of the group.
    asked: Cell<bool>,
}

type Group = [Option<Place>; WAYS];

static SHELF: Local<Vec<Group>> = Local::new(Vec::new());

/// Who asks about what, in the bytes that the call was given.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    pub organization_id: Uuid,
    pub customer: &'a [u8],
    pub feature: &'a [u8],
}

impl Words<'_> {
    /// Spreads questions evenly; what is found is compared with the words.
    pub fn hash(&self) -> u64 {
        let (high, low) = self.organization_id.as_u64_pair();
        let seed = fold(high ^ SEED, low);
        text(text(seed, self.customer), self.feature)
    }
}

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const STEP: u64 = 0xD6E8_FEB8_6659_FD93;

/// Multiplies and folds the two halves of the product together.
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other ^ STEP);
    let [a, b, c, d, e, f, g, h, rest @ ..] = product.to_ne_bytes();
    u64::from_ne_bytes([a, b, c, d, e, f, g, h]) ^ u64::from_ne_bytes(rest)
}

fn text(mut hash: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = fold(hash ^ u64::from_ne_bytes(*word), SEED);
    }
    let tail = rest
        .iter()
        .fold(0_u64, |tail, byte| (tail << 8) | u64::from(*byte));
    let length = u64::try_from(bytes.len()).unwrap_or(0);
    fold(hash ^ tail, SEED ^ length)
}

fn group(hash: u64) -> usize {
    usize::try_from(hash).unwrap_or(0) % GROUPS
}

/// What is kept for these words, whether or not it still stands.
pub fn get(words: &Words, hash: u64) -> Option<Rc<Known>> {
    SHELF.read(|shelf| {
        let mut places = shelf.get(group(hash))?.iter().flatten();
        let place = places.find(|place| place.hash == hash)?;
        if !place.known.answers(words) {
            return None;
        }
        place.asked.set(true);
        Some(Rc::clone(&place.known))
    })
}

/// Keeps what was resolved, in place of another if it must be.
pub fn put(hash: u64, known: Rc<Known>) {
    store(hash, known, true);
}

/// Keeps what others have shared, unless all its places are of use to other questions.
pub fn offer(hash: u64, known: &Rc<Known>) {
    store(hash, Rc::clone(known), false);
}

fn store(hash: u64, known: Rc<Known>, must: bool) {
    SHELF.write(|shelf| {
        if shelf.is_empty() {
            shelf.resize_with(GROUPS, Group::default);
        }
        let Some(places) = shelf.get_mut(group(hash)) else {
            return;
        };
        let is_same = |place: &Option<Place>| place.as_ref().is_some_and(|one| one.hash == hash);
        let is_idle =
            |place: &Option<Place>| place.as_ref().is_none_or(|one| !one.asked.replace(false));
        let found = places.iter().position(is_same);
        let found = found.or_else(|| places.iter().position(is_idle));
        let found = found.or_else(|| must.then_some(0));
        if let Some(place) = found.and_then(|found| places.get_mut(found)) {
            let asked = Cell::new(false);
            *place = Some(Place { hash, known, asked });
        }
    });
}
