//! Where one backend keeps what it knows: a fixed number of places, each for one question at a time.
//!
//! A question belongs to the place that its words hash to. What was resolved anew takes it from whoever
//! was there; what others have shared takes it only from who was not asked for since the last time that
//! somebody wanted the place. So a few busy customers stay among many, nothing is ever cleared as a
//! whole, and who passes through costs no more than its own making.

use super::known::Known;
use crate::backend::local::Local;
use std::cell::Cell;
use std::rc::Rc;
use uuid::Uuid;

/// Places; a power of two. A known entitlement takes 1 to 4 kB.
const PLACES: usize = 4_096;

struct Place {
    known: Rc<Known>,
    /// Whether it was asked for since somebody wanted its place.
    asked: Cell<bool>,
}

static SHELF: Local<Vec<Option<Place>>> = Local::new(Vec::new());

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

fn place(hash: u64) -> usize {
    usize::try_from(hash).unwrap_or(0) % PLACES
}

/// What is kept for these words, whether or not it still stands.
pub fn get(words: &Words, hash: u64) -> Option<Rc<Known>> {
    SHELF.read(|shelf| {
        let place = shelf.get(place(hash))?.as_ref()?;
        if !place.known.answers(words) {
            return None;
        }
        place.asked.set(true);
        Some(Rc::clone(&place.known))
    })
}

/// Keeps what was resolved in place of what was there.
pub fn put(hash: u64, known: Rc<Known>) {
    SHELF.write(|shelf| {
        if shelf.is_empty() {
            shelf.resize_with(PLACES, || None);
        }
        if let Some(place) = shelf.get_mut(place(hash)) {
            let asked = Cell::new(false);
            *place = Some(Place { known, asked });
        }
    });
}

/// Keeps what others have shared, unless the place is of use to another question.
pub fn offer(words: &Words, hash: u64, known: &Rc<Known>) {
    let taken = SHELF.read(|shelf| {
        let there = shelf.get(place(hash)).and_then(Option::as_ref);
        there.is_some_and(|there| !there.known.answers(words) && there.asked.replace(false))
    });
    if !taken {
        put(hash, Rc::clone(known));
    }
}
