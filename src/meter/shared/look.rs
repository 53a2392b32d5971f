//! What checks see of entries that are there: nothing is loaded, nothing placed.
//!
//! Called by `flow/warm` alone. None where the tables would have to be asked, or where entries may not
//! be used at all.

use super::memory::Space;
use super::reader::{self, Reader};
use super::{Used, is_usable};
use owostack_domain::meter_key::MeterPeriod;
use owostack_domain::quantity::Quantity;
use std::cell::Cell;
use uuid::Uuid;

/// What a check sees, from entries that are there; None where a load would be needed.
pub fn visible_now(customer_id: Uuid, places: &[MeterPeriod]) -> Option<Used> {
    if !is_usable() {
        return None;
    }
    let space = Space::current();
    let mut used = Used::with_capacity(places.len());
    let partition = Reader::lock(space.partition_of(customer_id));
    for place in places {
        used.insert(*place, partition.visible(&space.key(place))?);
    }
    Some(used)
}

/// [`visible_now`] of one place, that was in `slot` and may still be; notes where it is.
pub fn visible_one(customer_id: Uuid, place: &MeterPeriod, slot: &Cell<u32>) -> Option<Quantity> {
    let meter = place.meter_id.into_bytes();
    visible_at(partition_of(customer_id), slot, &meter, place.number)
}

/// The partition of a customer's meters, for [`visible_at`].
pub fn partition_of(customer_id: Uuid) -> u8 {
    u8::try_from(Space::current().partition_of(customer_id)).unwrap_or(0)
}

/// [`visible_one`] in the terms of the shared memory.
pub fn visible_at(
    partition: u8,
    slot: &Cell<u32>,
    meter: &[u8; 16],
    number: i64,
) -> Option<Quantity> {
    if !is_usable() {
        return None;
    }
    let key = Space::current().key_of(*meter, number);
    if let Some(used) = reader::glance(partition.into(), slot.get(), &key) {
        return Some(used);
    }
    Reader::lock(partition.into()).visible_at(&key, slot)
}
