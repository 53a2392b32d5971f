//! Recording many events at once (`owo_track_batch`).
//!
//! Events of customers whose plain allowance is known are taken in shared memory, one after another
//! among the rest, and need no look-up; all rows are written together at the end. What such an event
//! cannot be taken from (a limit is reached) is judged like any other. Invariant: a batch answers like
//! so many calls, in their order; an error of one event is an error of the call.

use super::ledger::Ledger;
use super::{Located, UsageEvent, begin, locate};
use crate::backend::clock;
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::warm::Answered;
use crate::flow::warm::known::{self, Known};
use std::collections::HashMap;
use std::rc::Rc;
use uuid::Uuid;

/// An event and what is known of it.
enum Step {
    Known(Rc<Known>, UsageEvent),
    Located(Box<Located>),
}

impl Step {
    fn located(one: Located) -> Self {
        Self::Located(Box::new(one))
    }

    fn as_located(&self) -> Option<&Located> {
        match self {
            Self::Known(..) => None,
            Self::Located(located) => Some(located),
        }
    }
}

/// Records events in order; one decision each.
///
/// # Errors
/// As `one`, with the event's place.
pub fn batch(context: &Context, events: Vec<UsageEvent>) -> Result<Vec<Answered>> {
    record(context, events, |error, index| {
        error.within(&format!("In events[{index}]."))
    })
}

/// The same of events that nobody listed.
///
/// # Errors
/// As `one`.
pub fn together(context: &Context, events: Vec<UsageEvent>) -> Result<Vec<Answered>> {
    record(context, events, |error, _| error)
}

fn record(
    context: &Context,
    events: Vec<UsageEvent>,
    at: impl Fn(Error, usize) -> Error,
) -> Result<Vec<Answered>> {
    for (index, event) in events.iter().enumerate() {
        event.check(context).map_err(|error| at(error, index))?;
    }
    let known = find(context, &events);
    let (mut asked, mut taken) = (Vec::new(), Vec::with_capacity(events.len()));
    for (index, (event, known)) in events.into_iter().zip(known).enumerate() {
        match known {
            Some(known) => taken.push(Some((known, event))),
            None => {
                asked.push((index, event));
                taken.push(None);
            }
        }
    }
    let located = locate(context, asked, &at)?;
    let keys: Vec<(Uuid, Option<&str>)> = taken
        .iter()
        .flatten()
        .map(|(known, event)| (known.customer_id(), event.idempotency_key.as_deref()))
        .collect();
    let mut ledger = begin(context, &located, &keys, true)?;
    let mut located = located.into_iter();
    let mut late = Late::default();
    let mut steps = Vec::with_capacity(taken.len());
    let now = clock::to_postgres(context.now);
    for (index, one) in taken.into_iter().enumerate() {
        steps.extend(match one {
            // The locks may have waited for a switch.
            Some((known, event)) if late.stands(&known, now) => Some(Step::Known(known, event)),
            Some((_, event)) => {
                let found = late.locate(context, event);
                Some(Step::located(found.map_err(|error| at(error, index))?))
            }
            None => located.next().map(Step::located),
        });
    }
    let beside = std::mem::take(&mut late.standing);
    ledger.enter_together(steps.iter().filter_map(Step::as_located), beside)?;
    let mut answers = Vec::with_capacity(steps.len());
    for (index, step) in steps.into_iter().enumerate() {
        let judged = judge(context, &mut ledger, &mut late, step);
        answers.push(judged.map_err(|error| at(error, index))?);
    }
    ledger.close()?;
    Ok(answers)
}

fn judge(context: &Context, ledger: &mut Ledger, late: &mut Late, step: Step) -> Result<Answered> {
    let located = match step {
        Step::Located(located) => *located,
        Step::Known(known, event) => match ledger.take_known(&known, &event)? {
            Some(answered) => return Ok(answered),
            None => late.locate(context, event)?,
        },
    };
    ledger.judge(located).map(Answered::Decided)
}

/// For each event the plain allowance that it can be taken from, if that is known.
fn find(context: &Context, events: &[UsageEvent]) -> Vec<Option<Rc<Known>>> {
    let mut found: HashMap<(&str, &str), Option<Rc<Known>>> = HashMap::new();
    let of = |event: &UsageEvent| {
        event.value.is_positive()
            && event.entity.is_none()
            && event.metadata.is_none()
            && event.occurred_at.is_none()
            && event.customer_data.is_none()
    };
    let mut all = Vec::with_capacity(events.len());
    for event in events {
        let name = (event.customer.as_str(), event.feature.as_str());
        let known = found.entry(name).or_insert_with(|| {
            let known = known::find_judged(context, name.0, name.1);
            known.filter(|known| known.plain.is_some())
        });
        all.push(known.clone().filter(|_| of(event)));
    }
    all
}

/// What had to be looked up after all, and what was seen to stand.
#[derive(Default)]
struct Late {
    located: HashMap<(String, String), Located>,
    stands: HashMap<*const Known, bool>,
    /// Customers of what stands.
    standing: Vec<Uuid>,
}

impl Late {
    fn stands(&mut self, known: &Rc<Known>, now: clock::Tick) -> bool {
        let stands = self.stands.entry(Rc::as_ptr(known));
        *stands.or_insert_with(|| {
            let stands = known.stands(now);
            if stands {
                self.standing.push(known.customer_id());
            }
            stands
        })
    }

    fn locate(&mut self, context: &Context, event: UsageEvent) -> Result<Located> {
        let name = (event.customer.clone(), event.feature.clone());
        if let Some(known) = self.located.get(&name) {
            return Ok(Located {
                event,
                feature: known.feature.clone(),
                customer: known.customer.clone(),
                at_most: false,
            });
        }
        let found = locate(context, vec![(0, event)], |error, _| error)?.pop();
        let found = found.ok_or_else(|| Error::internal("an event that was located"))?;
        self.located.insert(name, found.clone());
        Ok(found)
    }
}
