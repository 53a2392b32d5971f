//! How much can be given back where switches carried what was used.
//!
//! Called by returns of usage, who alone draw and give back of the customer what depends on several
//! places. Deliberately absent: which counts hold whose draws, which the domain decides.

use super::{Counts, key};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Result;
use crate::meter::Used;
use owostack_domain::draw::Used as _;
use owostack_domain::entitlement::{Entitlement, Facts, Source};
use owostack_domain::meter_key::MeterKey;
use owostack_domain::quantity::Quantity;
use owostack_domain::subscription::lineage::Lineage;
use owostack_domain::subscription::sharing::{Sharing, last_on, was_carried};

/// Whether units that a source gave may be counted elsewhere as well.
pub fn is_shared(facts: &Facts, source: &Source) -> bool {
    source.meter.origin.is_none() && was_carried(facts, source.meter.source, &source.period)
}

/// Most that can be given back to each place where that is not all that is used there.
///
/// # Errors
/// As the statements.
pub fn most(
    snapshot: &Snapshot,
    facts: &Facts,
    entitlement: &Entitlement,
    held: &Used,
) -> Result<Used> {
    let mut most = Used::new();
    for source in &entitlement.sources {
        let (Some(place), true) = (source.counted.first(), is_shared(facts, source)) else {
            continue;
        };
        let Some(last) = last_on(facts, source.meter.source) else {
            continue;
        };
        let running = meters(snapshot, facts, &source.meter)?;
        let lineage = Lineage::of(facts, last, &running);
        let Some(sharing) = Sharing::of(&lineage, *place) else {
            continue;
        };
        let counts = Counts::read(snapshot, facts.customer_id, sharing.places().collect())?;
        let own = source.in_credits().then_some(entitlement.feature_id);
        // No feature counts what is held of a pool.
        let held = |place| match own {
            Some(_) => Quantity::ZERO,
            None => held.used(place),
        };
        let left = sharing.most(|place| counts.of(place, own), held);
        most.insert(*place, left);
    }
    Ok(most)
}

/// All meters that counted the same for the same source, of any entity.
fn meters(snapshot: &Snapshot, facts: &Facts, meter: &MeterKey) -> Result<Vec<MeterKey>> {
    let (source, subject) = (meter.source, meter.subject.id());
    let rows = db::carry::of_subject(snapshot, facts.customer_id, source.id(), subject)?;
    rows.iter().map(|row| key(facts, source, row)).collect()
}
