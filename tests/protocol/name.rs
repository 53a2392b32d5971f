//! Names of sessions: for who reads a history, not for the search.
//!
//! States that differ only in which session is which are one state, so names are all equal.

use std::cmp::Ordering;
use std::fmt::{self, Debug, Formatter};
use std::hash::{Hash, Hasher};

/// What a session is called.
#[derive(Clone, Copy)]
pub struct Name(pub char);

/// Which session does a step: its place in the state, and its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub place: usize,
    pub name: Name,
}

impl Name {
    /// The name of the session with that number.
    pub fn of(number: u8) -> Self {
        Self(char::from(b'A' + number))
    }
}

impl Debug for Name {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl Debug for Who {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.name.fmt(formatter)
    }
}

impl PartialEq for Name {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}
