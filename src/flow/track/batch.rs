//! Recording many events at once (`owo_track_batch`).
//!
//! Events of customers whose plain allowance is known are taken in shared memory, one after another
//! among the rest, and need no look-up; all rows are written together at the end. What such an event
//! cannot be taken from (a limit is reached) is judged like any other. Invariant: a batch answers like
//! so many calls, in their order; an error of one event is an error of the call.

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

/// Records events in order; one decision each.
///
/// # Errors
/// As `one`, with the event's place.
pub fn batch(context: &Context, events: Vec<UsageEvent>) -> Result<Vec<Answered>> {
    record(context, events, |error, index| {
        error.detail(format!("In events[{index}]."))
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
    for (event, known) in events.into_iter().zip(known) {
        match known {
            Some(known) => taken.push(Some((known, event))),
            None => {
                asked.push(event);
                taken.push(None);
            }
        }
    }
    let located = locate(context, asked)?;
    let keys: Vec<(Uuid, Option<&str>)> = taken
        .iter()
        .flatten()
        .map(|(known, event)| (known.customer_id(), event.idempotency_key.as_deref()))
        .collect();
    let mut ledger = begin(context, &located, &keys, true)?;
    let mut located = located.into_iter();
    let steps = taken.into_iter().map(|one| match one {
        Some((known, event)) => Some(Step::Known(known, event)),
        None => located.next().map(|one| Step::Located(Box::new(one))),
    });
    let mut late = Late::default();
    let mut answers = Vec::new();
    let now = clock::to_postgres(context.now);
    for (index, step) in steps.flatten().enumerate() {
        let judged = match step {
            Step::Located(located) => ledger.judge(*located).map(Answered::Decided),
            Step::Known(known, event) => {
                // The locks may have waited for a switch.
                let stands = late.stands(&known, now);
                match if stands {
                    ledger.take_known(&known, &event)
                } else {
                    Ok(None)
                } {
                    Ok(Some(answered)) => Ok(answered),
                    Ok(None) => {
                        let located = late.locate(context, event);
                        located
                            .and_then(|one| ledger.judge(one))
                            .map(Answered::Decided)
                    }
                    Err(error) => Err(error),
                }
            }
        };
        answers.push(judged.map_err(|error| at(error, index))?);
    }
    ledger.close()?;
    Ok(answers)
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
}

impl Late {
    fn stands(&mut self, known: &Rc<Known>, now: clock::Tick) -> bool {
        let stands = self.stands.entry(Rc::as_ptr(known));
        *stands.or_insert_with(|| known.stands(now))
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
        let found = locate(context, vec![event])?.pop();
        let found = found.ok_or_else(|| Error::internal("an event that was located"))?;
        self.located.insert(name, found.clone());
        Ok(found)
    }
}
