//! Brief answers that one backend has at hand.
//!
//! A table of fixed places, in groups that a question may be in any place of; it grows with what is
//! asked, up to a bound. What is asked for again stays, what passes through goes. Invariant: who finds
//! one here asks whether it stands before using it.

use super::brief::Brief;
use super::shelf::Words;
use crate::backend::local::Local;

/// Places in a group.
const WAYS: usize = 4;
/// Groups at first, and at most: 3 MB.
const GROUPS_MIN: usize = 64;
const GROUPS_MAX: usize = 4_096;

type Group = [Brief; WAYS];

static POCKET: Local<Vec<Group>> = Local::new(Vec::new());

fn free() -> Group {
    [const { Brief::free() }; WAYS]
}

fn group(hash: u64, groups: usize) -> usize {
    usize::try_from(hash).unwrap_or(0) & groups.wrapping_sub(1)
}

/// Where a question is looked for first.
fn home(hash: u64) -> usize {
    usize::try_from(hash >> 62).unwrap_or(0)
}

/// What `look` says about the brief answer to these words, whether or not it stands.
pub fn ask<T>(words: &Words, hash: u64, look: impl FnOnce(&Brief) -> Option<T>) -> Option<T> {
    POCKET.read(|pocket| {
        let places = pocket.get(group(hash, pocket.len()))?;
        let first = home(hash);
        let found = (0..WAYS).find_map(|turn| {
            let place = places.get((first + turn) % WAYS)?;
            (place.hash() == hash).then_some(place)
        })?;
        if found.is_free() || !found.answers(words) {
            return None;
        }
        found.mark();
        look(found)
    })
}

/// Keeps an answer: in place of an older one to the same question, in a free place, or in that of one
/// that nobody has asked for lately.
pub fn put(brief: Brief) {
    POCKET.write(|pocket| {
        if pocket.is_empty() {
            pocket.resize(GROUPS_MIN, free());
        }
        let hash = brief.hash();
        let is_crowded = |pocket: &[_]| place(pocket, hash, Brief::is_free).is_none();
        while pocket.len() < GROUPS_MAX && is_crowded(pocket) {
            grow(pocket);
        }
        // One that finds no room even now is not kept.
        let free = place(pocket, hash, Brief::is_free);
        if let Some(index) = free.or_else(|| place(pocket, hash, Brief::is_idle)) {
            set(pocket, index, brief);
        }
    });
}

/// The place of a question in its group: where it is already, else one that `may` be taken.
fn place(pocket: &[Group], hash: u64, may: fn(&Brief) -> bool) -> Option<usize> {
    let places = pocket.get(group(hash, pocket.len()))?;
    let find = |test: &dyn Fn(&Brief) -> bool| {
        let mut turns = (0..WAYS).map(|turn| (home(hash) + turn) % WAYS);
        turns.find(|index| places.get(*index).is_some_and(test))
    };
    find(&|place| place.hash() == hash && !place.is_free()).or_else(|| find(&may))
}

fn set(pocket: &mut [Group], index: usize, brief: Brief) {
    let group = group(brief.hash(), pocket.len());
    let place = pocket
        .get_mut(group)
        .and_then(|places| places.get_mut(index));
    if let Some(place) = place {
        *place = brief;
    }
}

/// Makes room for twice as many.
fn grow(pocket: &mut Vec<Group>) {
    let groups = pocket.len() * 2;
    let old = std::mem::replace(pocket, vec![free(); groups]);
    for brief in old.into_iter().flatten().filter(|brief| !brief.is_free()) {
        if let Some(index) = place(pocket, brief.hash(), Brief::is_free) {
            set(pocket, index, brief);
        }
    }
}
