//! Expansion: rollover templates become sources with amounts, once their history is known.
//!
//! Called by `flow/` after loading, for each meter that `Entitlement::rollovers` names, what was
//! used of it. Invariant: what the sources of a rollover allow together is what the chain says,
//! whatever order usage arrived in. Deliberately absent: running usage of other meters.

use super::Entitlement;
use super::order::draw_order;
use super::source::{Ignored, Reason, Source};
use crate::meter_key::MeterPeriod;
use crate::period::Time;
use crate::quantity::Quantity;
pub use crate::rollover::Histories;
use crate::rollover::{Extra, RolloverHistory, RolloverPlan, Share};

/// Most rests with an end that are drawn apart; the newest beyond are drawn as one.
const BUCKETS_MAX: usize = 32;

/// The same entitlement with its rollovers spelled out. A missing history is one without usage.
#[must_use]
pub fn expand(entitlement: &Entitlement, histories: &Histories) -> Entitlement {
    let mut expanded = entitlement.clone();
    if entitlement.rollovers().next().is_none() {
        return expanded;
    }
    let over = entitlement.overage.map(|overage| overage.source);
    let mut sources: Vec<(bool, Source)> = Vec::new();
    for (index, source) in entitlement.sources.iter().enumerate() {
        let Some(plan) = &source.rollover else {
            let source = count_replaced(source.clone(), histories);
            sources.push((over == Some(index), source));
            continue;
        };
        for bucket in buckets(plan, histories, entitlement.at) {
            expanded.keep(bucket.expires_at.filter(|end| *end > entitlement.at));
            if bucket.closed && bucket.drawn.is_zero() {
                expanded.ignored.push(bucket.expired(source));
            } else {
                sources.push((false, bucket.source(source, plan)));
            }
        }
    }
    sources.sort_by_cached_key(|(_, source)| draw_order(source));
    let place = sources.iter().position(|(takes, _)| *takes);
    expanded.sources = sources.into_iter().map(|(_, source)| source).collect();
    if let (Some(overage), Some(place)) = (&mut expanded.overage, place) {
        overage.source = place;
    }
    bound_late(&mut expanded.sources, entitlement, histories);
    expanded
}

fn history<'a>(plan: &RolloverPlan, histories: &'a Histories) -> Option<&'a RolloverHistory> {
    histories.get(&plan.meter_id)
}

impl Entitlement {
    /// Not valid beyond this moment either.
    fn keep(&mut self, until: Option<Time>) {
        self.valid_until = [self.valid_until, until].into_iter().flatten().min();
    }
}

/// An override counts what was drawn in the period from the rollovers it replaces.
fn count_replaced(mut source: Source, histories: &Histories) -> Source {
    for plan in std::mem::take(&mut source.replaced) {
        let Some(history) = history(&plan, histories) else {
            continue;
        };
        for (origin, _) in history.draws_in(plan.number) {
            source.counted.push(bucket_period(&plan, origin));
        }
    }
    source
}

fn bucket_period(plan: &RolloverPlan, recorded: i64) -> MeterPeriod {
    plan.meter.rollover(recorded).in_period(plan.number)
}

/// What can be drawn as one in the running period.
#[derive(Debug, Clone)]
struct Bucket {
    /// Names its meter: the oldest period in it, as that is recorded.
    origin: i64,
    /// Newest period in it.
    last: i64,
    /// What it gives in the period.
    granted: Quantity,
    /// What was drawn from it in the period.
    drawn: Quantity,
    /// Origins under which that was recorded.
    recorded: Vec<i64>,
    expires_at: Option<Time>,
    closed: bool,
}

impl Bucket {
    fn new(plan: &RolloverPlan, share: &Share) -> Self {
        Self {
            origin: plan.recorded(share.first),
            last: share.last,
            granted: share.amount,
            drawn: Quantity::ZERO,
            recorded: Vec::new(),
            expires_at: plan.expires_at(share.first),
            closed: false,
        }
    }

    fn left(&self) -> Quantity {
        self.granted.saturating_sub_to_zero(self.drawn)
    }

    fn source(&self, template: &Source, plan: &RolloverPlan) -> Source {
        let mut counted = vec![bucket_period(plan, self.origin)];
        let others = self
            .recorded
            .iter()
            .filter(|origin| **origin != self.origin);
        counted.extend(others.map(|origin| bucket_period(plan, *origin)));
        let limit = if self.closed {
            self.drawn
        } else {
            self.granted
        };
        Source {
            meter: plan.meter.rollover(self.origin),
            limit: Some(limit),
            counted,
            closed: self.closed,
            rollover: None,
            expires_at: self.expires_at,
            ..template.clone()
        }
    }

    fn expired(&self, template: &Source) -> Ignored {
        Ignored {
            kind: template.kind,
            source_id: template.source_id,
            scope: template.scope,
            subject: template.subject,
            limit: Some(self.left()),
            reason: Reason::Expired,
            changes_at: None,
            since: Some(template.created_at),
            until: self.expires_at,
        }
    }
}

/// The buckets of the running period, oldest first.
fn buckets(plan: &RolloverPlan, histories: &Histories, at: Time) -> Vec<Bucket> {
    if !plan.gives {
        return Vec::new();
    }
    // Without an end there is nothing to tell them apart by.
    let most = if plan.expires_after.is_some() {
        BUCKETS_MAX
    } else {
        1
    };
    let shares = plan.chain(histories, plan.number).shares(most);
    let mut buckets: Vec<Bucket> = shares
        .iter()
        .map(|share| Bucket::new(plan, share))
        .collect();
    if let Some(history) = history(plan, histories) {
        record_draws(&mut buckets, history, plan);
    }
    for bucket in &mut buckets {
        bucket.closed |= bucket.expires_at.is_some_and(|end| end <= at);
    }
    buckets
}

/// Notes what was drawn in the period, under whatever origin it was recorded.
///
/// A return to a past period may have left a bucket less than was drawn from it; the others then
/// give that much less.
fn record_draws(buckets: &mut Vec<Bucket>, history: &RolloverHistory, plan: &RolloverPlan) {
    for draw in plan.draws_in(history, plan.number) {
        let place = buckets.iter().position(|bucket| draw.origin <= bucket.last);
        let place = place.unwrap_or(buckets.len().saturating_sub(1));
        if buckets.is_empty() {
            let nothing = Share {
                first: draw.origin,
                last: draw.origin,
                amount: Quantity::ZERO,
            };
            buckets.push(Bucket::new(plan, &nothing));
        }
        if let Some(bucket) = buckets.get_mut(place) {
            bucket.drawn = plus(bucket.drawn, draw.amount);
            bucket.recorded.push(draw.recorded);
        }
    }
    let mut owed = Quantity::ZERO;
    for bucket in buckets.iter_mut() {
        owed = plus(owed, bucket.drawn.saturating_sub_to_zero(bucket.granted));
        bucket.granted = bucket.granted.max(bucket.drawn);
    }
    for bucket in buckets.iter_mut() {
        let paid = owed.min(bucket.left());
        bucket.granted = bucket.granted.saturating_sub_to_zero(paid);
        owed = owed.saturating_sub_to_zero(paid);
    }
}

fn plus(one: Quantity, other: Quantity) -> Quantity {
    one.checked_add(other).unwrap_or(Quantity::LIMIT)
}

/// Bounds the draws of a late event by what later periods have already spent of the rest.
fn bound_late(sources: &mut [Source], entitlement: &Entitlement, histories: &Histories) {
    for source in &entitlement.sources {
        let Some(plan) = &source.rollover else {
            continue;
        };
        let unused = RolloverHistory::default();
        let history = history(plan, histories).unwrap_or(&unused);
        let mut extra: Vec<Extra> = Vec::new();
        for source in sources.iter_mut() {
            if source.meter.parent() != plan.meter || source.closed {
                continue;
            }
            let origin = source.meter.origin;
            let Some(room) = plan.headroom(histories, &extra, plan.number, origin) else {
                continue;
            };
            let used = used_of(source, plan, history);
            source.ceiling = Some(plus(used, room));
            let rest = source.limit.unwrap_or(Quantity::LIMIT);
            extra.push(Extra {
                meter_id: plan.meter_id,
                number: plan.number,
                origin,
                amount: room.min(rest.saturating_sub_to_zero(used)),
            });
        }
    }
}

/// What the history says was used of a source in the period judged.
fn used_of(source: &Source, plan: &RolloverPlan, history: &RolloverHistory) -> Quantity {
    if source.meter.origin.is_none() {
        return history.used.get(&plan.number).copied().unwrap_or_default();
    }
    plan.draws_in(history, plan.number)
        .filter(|draw| source.counted.contains(&bucket_period(plan, draw.recorded)))
        .fold(Quantity::ZERO, |used, draw| plus(used, draw.amount))
}
