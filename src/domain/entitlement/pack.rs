//! Entitlements as bytes, for memory that several processes share.
//!
//! Called by `flow/warm`. Invariant: what is unpacked answers every question as the packed one did,
//! and bytes that are not the work of `pack` give nothing, never a wrong entitlement by a crash. What
//! cannot be had from it any more (why something was left out) is needed by explanations alone, which
//! are made from tables. Deliberately absent: a format for storage; it may change with every build.

use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

use super::{Credit, Entitlement, GrantState, Overage, Source};
use crate::interval::{Cadence, Interval};
use crate::meter_key::{MeterKey, MeterPeriod, MeterSource};
use crate::period::{Anchor, Period, Time};
use crate::quantity::Quantity;

mod known;
mod word;

/// Longest text or list; more is never shared.
const LENGTH: usize = 65_535;

/// What can be written as bytes and read back.
pub trait Pack: Sized {
    /// Appends the bytes.
    fn pack(&self, bytes: &mut Vec<u8>);

    /// Takes them off the front; `None` when they are not there.
    fn unpack(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! number {
    ($($type:ty)*) => {
        $(impl Pack for $type {
            fn pack(&self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_ne_bytes());
            }

            fn unpack(bytes: &mut &[u8]) -> Option<Self> {
                bytes.split_off_first_chunk_of().map(Self::from_ne_bytes)
            }
        })*
    };
}

number!(u8 u16 u32 i32 i64 u64 i128);

/// Taking a fixed number of bytes off the front.
trait Front {
    fn split_off_first_chunk_of<const N: usize>(&mut self) -> Option<[u8; N]>;
}

impl Front for &[u8] {
    fn split_off_first_chunk_of<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.split_first_chunk()?;
        *self = rest;
        Some(*first)
    }
}

impl Pack for bool {
    fn pack(&self, bytes: &mut Vec<u8>) {
        u8::from(*self).pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        match u8::unpack(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Pack for Uuid {
    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.as_bytes());
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        bytes.split_off_first_chunk_of().map(Self::from_bytes)
    }
}

/// A length that is not in range is written as one that no bytes can follow.
fn pack_length(length: usize, bytes: &mut Vec<u8>) {
    u16::try_from(length).unwrap_or(u16::MAX).pack(bytes);
}

fn unpack_length(bytes: &mut &[u8]) -> Option<usize> {
    let length = usize::from(u16::unpack(bytes)?);
    (length < LENGTH).then_some(length)
}

/// Takes the bytes of a packed text off the front, without a copy.
pub fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = unpack_length(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(text)
}

impl Pack for String {
    fn pack(&self, bytes: &mut Vec<u8>) {
        pack_length(self.len(), bytes);
        bytes.extend(self.as_bytes());
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(text(bytes)?.to_vec()).ok()
    }
}

impl<T: Pack> Pack for Option<T> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.is_some().pack(bytes);
        if let Some(value) = self {
            value.pack(bytes);
        }
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        match bool::unpack(bytes)? {
            true => T::unpack(bytes).map(Some),
            false => Some(None),
        }
    }
}

impl<T: Pack> Pack for Vec<T> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        pack_length(self.len(), bytes);
        self.iter().for_each(|one| one.pack(bytes));
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let length = unpack_length(bytes)?;
        (0..length).map(|_| T::unpack(bytes)).collect()
    }
}

impl Pack for Quantity {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.raw().pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        i128::unpack(bytes).map(Self::from_raw)
    }
}

impl Pack for Time {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.timestamp().pack(bytes);
        self.timestamp_subsec_nanos().pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_timestamp(i64::unpack(bytes)?, u32::unpack(bytes)?)
    }
}

/// As its text: it is kept as it was written.
impl Pack for Value {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.to_string().pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        serde_json::from_str(&String::unpack(bytes)?).ok()
    }
}

impl Pack for Arc<Value> {
    fn pack(&self, bytes: &mut Vec<u8>) {
        (**self).pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        known::value(text(bytes)?)
    }
}

impl Pack for Anchor {
    fn pack(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::At(at) => Some(*at),
            Self::Calendar => None,
        }
        .pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        let at: Option<Time> = Pack::unpack(bytes)?;
        Some(at.map_or(Self::Calendar, Self::At))
    }
}

impl Pack for Cadence {
    fn pack(&self, bytes: &mut Vec<u8>) {
        self.interval.pack(bytes);
        self.count.pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self::new(Interval::unpack(bytes)?, u32::unpack(bytes)?))
    }
}

/// Structs, field by field; those after `+` are the same in everything that is packed.
macro_rules! fields {
    ($($type:ident { $($field:ident)* } $(+ { $($empty:ident: $value:expr),* })?)*) => {
        $(impl Pack for $type {
            fn pack(&self, bytes: &mut Vec<u8>) {
                $(self.$field.pack(bytes);)*
            }

            fn unpack(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self {
                    $($field: Pack::unpack(bytes)?,)*
                    $($($empty: $value,)*)?
                })
            }
        })*
    };
}

fields! {
    MeterPeriod { meter_id number }
    Period { number start end }
    Overage { source max }
    Credit { system_id slug cost }
    MeterKey { customer_id entity subject source cadence anchor count_number origin }
    Source {
        kind source_id scope subject meter period limit counted recounts_at ceiling closed usage_based
        expires_at priority created_at
    } + { pools: Vec::new(), rollover: None, replaced: Vec::new() }
    Entitlement {
        feature_id slug feature_type grant at sources overage overage_blocked usage_based billable
        value credit plan status trial trial_ends_at pricing valid_until resets_at reset_interval
    } + { ignored: Vec::new() }
}

impl Pack for usize {
    fn pack(&self, bytes: &mut Vec<u8>) {
        pack_length(*self, bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        unpack_length(bytes)
    }
}

impl Pack for MeterSource {
    fn pack(&self, bytes: &mut Vec<u8>) {
        word::source(*self).pack(bytes);
        self.id().pack(bytes);
    }

    fn unpack(bytes: &mut &[u8]) -> Option<Self> {
        word::source_of(u8::unpack(bytes)?, Uuid::unpack(bytes)?)
    }
}

impl Entitlement {
    /// Whether nothing that answers need would be lost as bytes: rollovers and what all entities used
    /// are loaded for each call, and what was left out is told where nothing is granted.
    fn is_packable(&self) -> bool {
        let whole = |source: &Source| {
            source.pools.is_empty() && source.rollover.is_none() && source.replaced.is_empty()
        };
        self.sources.iter().all(whole)
            && (self.ignored.is_empty() || self.grant == GrantState::Granted)
    }

    /// The entitlement as bytes; `None` where that would lose something.
    #[must_use]
    pub fn packed(&self) -> Option<Vec<u8>> {
        if !self.is_packable() {
            return None;
        }
        let mut bytes = Vec::with_capacity(512);
        self.pack(&mut bytes);
        Some(bytes)
    }

    /// Reads what [`Entitlement::packed`] wrote.
    #[must_use]
    pub fn unpacked(mut bytes: &[u8]) -> Option<Self> {
        let found = Self::unpack(&mut bytes)?;
        bytes.is_empty().then_some(found)
    }
}
