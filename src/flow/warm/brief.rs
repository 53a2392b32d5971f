//! The answer to one question in a few cache lines: whose it is, while it stands, and what to compare.
//!
//! Made of what was resolved, for `owo_allowed` alone, by `pocket` and `exchange`. Invariant: it says
//! yes or no exactly where the entitlement that it was made of would; everything else is left to that.
//! Deliberately absent: what an answer looks like beyond yes and no.

use super::context::Warm;
use super::known::Known;
use super::shelf::Words;
use crate::backend::clock::Tick;
use crate::backend::generation;
use crate::meter::shared;
use owostack_domain::entitlement::pack::Pack;
use owostack_domain::entitlement::{FeatureType, GrantState};
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;
use std::cell::Cell;
use uuid::Uuid;

/// Bytes of both names that fit.
const NAMES: usize = 101;

/// What decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// Nothing: the place is free.
    Free,
    /// Nothing grants it.
    Denied,
    /// It is granted, however much is asked for.
    Open,
    /// One meter counts against a limit.
    Limited,
    /// More than fits here: ask the entitlement.
    Long,
}

/// One answer. What is compared first lies in the first line of 64 bytes.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Brief {
    hash: u64,
    /// Generation of the customer.
    customer: u64,
    limit: i128,
    valid_from: Tick,
    valid_until: Tick,
    /// Generations of the rest, by the session's number for them.
    epoch: u64,
    /// Where the generation of the customer is.
    word: u16,
    partition: u8,
    kind: Kind,
    /// Where the meter was last seen.
    slot: Cell<u32>,
    meter: [u8; 16],
    number: i64,
    /// Whether it was asked for since somebody wanted its place.
    asked: Cell<bool>,
    /// Length of the customer's name; the feature's follows it.
    first: u8,
    length: u8,
    names: [u8; NAMES],
}

const _: () = assert!(size_of::<Brief>() == 192);

/// A brief answer without the names, as sessions share it.
#[derive(Debug, Clone, Copy)]
pub struct Ruling {
    kind: Kind,
    limit: i128,
    place: MeterPeriod,
    /// Where the meter was last seen.
    slot: u32,
}

impl Ruling {
    /// Where the meter was last seen.
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// What an entitlement comes to.
    pub fn of(known: &Known) -> Self {
        let entitlement = &known.entitlement;
        let long = Self {
            kind: Kind::Long,
            limit: 0,
            place: MeterPeriod {
                meter_id: Uuid::nil(),
                number: 0,
            },
            slot: 0,
        };
        if entitlement.grant != GrantState::Granted {
            return Self {
                kind: Kind::Denied,
                ..long
            };
        }
        let is_flag = matches!(
            entitlement.feature_type,
            FeatureType::Boolean | FeatureType::Static
        );
        if is_flag {
            return Self {
                kind: Kind::Open,
                ..long
            };
        }
        match &known.plain {
            None => long,
            Some(plain) => match plain.limit {
                None => Self {
                    kind: Kind::Open,
                    ..long
                },
                Some(limit) => Self {
                    kind: Kind::Limited,
                    limit: limit.raw(),
                    place: plain.place,
                    slot: plain.slot.get(),
                },
            },
        }
    }
}

impl Pack for Ruling {
    fn pack(&self, bytes: &mut Vec<u8>) {
        (self.kind as u8).pack(bytes);
        self.limit.pack(bytes);
        self.place.meter_id.pack(bytes);
        self.place.number.pack(bytes);
        self.slot.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let kind = match u8::unpack(bytes)? {
            1 => Kind::Denied,
            2 => Kind::Open,
            3 => Kind::Limited,
            4 => Kind::Long,
            _ => return None,
        };
        Some(Self {
            kind,
            limit: i128::unpack(bytes)?,
            place: MeterPeriod {
                meter_id: Uuid::unpack(bytes)?,
                number: i64::unpack(bytes)?,
            },
            slot: u32::unpack(bytes)?,
        })
    }
}

/// From when until when a ruling stands, as far as it is the customer's.
#[derive(Debug, Clone, Copy)]
pub struct Term {
    pub customer_id: Uuid,
    /// Generation of the customer.
    pub customer: u64,
    pub valid_from: Tick,
    pub valid_until: Tick,
}

impl Brief {
    /// A free place.
    pub const fn free() -> Self {
        Self {
            hash: 0,
            customer: 0,
            limit: 0,
            valid_from: 0,
            valid_until: 0,
            epoch: 0,
            word: 0,
            partition: 0,
            kind: Kind::Free,
            slot: Cell::new(0),
            meter: [0; 16],
            number: 0,
            asked: Cell::new(false),
            first: 0,
            length: 0,
            names: [0; NAMES],
        }
    }

    /// The answer to these words; None where the names are too long.
    pub fn new(words: &Words, hash: u64, epoch: u64, term: &Term, ruling: &Ruling) -> Option<Self> {
        let length = words.customer.len().checked_add(words.feature.len())?;
        let mut brief = Self {
            hash,
            customer: term.customer,
            limit: ruling.limit,
            valid_from: term.valid_from,
            valid_until: term.valid_until,
            epoch,
            word: generation::place_of(term.customer_id),
            partition: shared::partition_of(term.customer_id),
            kind: ruling.kind,
            slot: Cell::new(ruling.slot),
            meter: ruling.place.meter_id.into_bytes(),
            number: ruling.place.number,
            first: u8::try_from(words.customer.len()).ok()?,
            length: u8::try_from(length).ok()?,
            ..Self::free()
        };
        let (first, rest) = brief.names.split_at_mut_checked(words.customer.len())?;
        first.copy_from_slice(words.customer);
        rest.get_mut(..words.feature.len())?
            .copy_from_slice(words.feature);
        Some(brief)
    }

    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn is_free(&self) -> bool {
        self.kind == Kind::Free
    }

    /// Whether the place is in use and may be taken for another question at the second request.
    pub fn is_idle(&self) -> bool {
        self.is_free() || !self.asked.replace(false)
    }

    pub fn mark(&self) {
        self.asked.set(true);
    }

    /// Whether it answers these words in the organization of its epoch.
    pub fn answers(&self, words: &Words) -> bool {
        let names = self.names.split_at_checked(usize::from(self.first));
        let (first, length) = (usize::from(self.first), usize::from(self.length));
        let feature = |rest: &[u8]| rest.get(..length.saturating_sub(first)) == Some(words.feature);
        names.is_some_and(|(customer, rest)| customer == words.customer && feature(rest))
    }

    /// Whether it still stands in that context.
    pub fn stands(&self, warm: &Warm) -> bool {
        self.epoch == warm.epoch
            && self.valid_from <= warm.tick
            && warm.tick < self.valid_until
            && generation::at(self.word) == Some(self.customer)
    }

    /// Yes or no; None where the entitlement itself must be asked.
    pub fn allows(&self, value: Quantity) -> Option<bool> {
        match self.kind {
            Kind::Denied => Some(false),
            Kind::Open => Some(true),
            Kind::Limited => {
                let used = shared::visible_at(self.partition, &self.slot, &self.meter, self.number);
                let left = self.limit.checked_sub(used?.raw())?;
                // A shortage may have more to say.
                (left >= value.raw() && left >= 0).then_some(true)
            }
            Kind::Free | Kind::Long => None,
        }
    }
}
