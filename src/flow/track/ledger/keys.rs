//! The idempotency keys of one call: what was answered under them before, and what is answered now.
//!
//! Invariants: the lock of every key is held since before [`Keys::load`]; names stay in ascending
//! order, in which they are looked up and stored. Answers of one call that differ in little are
//! stored as what differs, like the first of them: those rows come and go together, and a row that
//! lost the other still keeps its event from being counted again.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::usage_key::{Answered, NewAnswer};
use crate::error::{Error, Result};
use crate::flow::context::Context;
use crate::flow::decided::{Changing, Decided};
use crate::flow::idempotency;
use crate::flow::track::UsageEvent;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::rc::Rc;
use uuid::Uuid;

/// What a stored answer begins with that is like another.
const LIKE: &str = "{\"like\":";

/// The keys of a call.
#[derive(Debug, Default)]
pub struct Keys {
    names: Vec<(Uuid, String)>,
    /// One for each name.
    states: Vec<State>,
    /// What stored answers are like.
    models: HashMap<(Uuid, String), Answered>,
    /// The first answer of this call with that lasting part, by its place.
    firsts: HashMap<(Uuid, *const u8), (usize, Rc<str>)>,
    /// The last event's request, which most often is that of the next.
    request: Option<(UsageEvent, Rc<str>)>,
}

#[derive(Debug, Default)]
struct State {
    /// What was answered by an earlier call.
    stored: Option<Answered>,
    answered: Option<New>,
}

/// What this call was asked and answered, as JSON text.
#[derive(Debug)]
struct New {
    request: Rc<str>,
    result: String,
}

/// What the keys say to an event.
pub enum Found {
    /// It has no key.
    Keyless,
    /// Nothing was answered yet; the key's place.
    Free(usize),
    Replayed(Box<Decided>),
}

impl Keys {
    /// Looks up what was answered under `names`.
    ///
    /// # Errors
    /// As the statement.
    pub fn load(snapshot: &Snapshot, mut names: Vec<(Uuid, String)>) -> Result<Self> {
        names.sort_unstable();
        names.dedup();
        let mut states: Vec<State> = names.iter().map(|_| State::default()).collect();
        let mut likes = Vec::new();
        for (place, answered) in db::usage_key::find_many(snapshot, &borrowed(&names))? {
            if let (Some(state), Some((customer_id, _))) = (states.get_mut(place), names.get(place))
            {
                likes.extend(like(&answered.result)?.map(|key| (*customer_id, key)));
                state.stored = Some(answered);
            }
        }
        likes.sort_unstable();
        likes.dedup();
        let found = db::usage_key::find_many(snapshot, &borrowed(&likes))?;
        let models = found
            .into_iter()
            .filter_map(|(place, answered)| Some((likes.get(place)?.clone(), answered)));
        Ok(Self {
            models: models.collect(),
            names,
            states,
            ..Self::default()
        })
    }

    /// What was answered to the same event before.
    ///
    /// # Errors
    /// `23505` when its key was used for another request.
    pub fn find(
        &mut self,
        context: &Context,
        customer_id: Uuid,
        event: &UsageEvent,
    ) -> Result<Found> {
        let Some(key) = &event.idempotency_key else {
            return Ok(Found::Keyless);
        };
        let place = self
            .names
            .binary_search_by(|(id, name)| (*id, name.as_str()).cmp(&(customer_id, key)))
            .map_err(|_| Error::internal("a key that is not locked"))?;
        let request = self.request(event)?;
        let Some(state) = self.states.get(place) else {
            return Ok(Found::Free(place));
        };
        let decided = if let Some(new) = &state.answered {
            if new.request != request {
                return Err(idempotency::reused(key, &new.request));
            }
            self.whole(customer_id, &new.result, None)?
        } else {
            let stored = state.stored.as_ref();
            match idempotency::answer(context, key, &request, stored)? {
                None => return Ok(Found::Free(place)),
                Some(answer) => {
                    self.whole(customer_id, answer, stored.map(|stored| stored.created_at))?
                }
            }
        };
        Ok(Found::Replayed(Box::new(Decided {
            replayed: true,
            ..decided
        })))
    }

    /// Whether an earlier call answered under the event's key.
    pub fn is_answered(&self, customer_id: Uuid, event: &UsageEvent) -> bool {
        let Some(key) = &event.idempotency_key else {
            return false;
        };
        let place = self
            .names
            .binary_search_by(|(id, name)| (*id, name.as_str()).cmp(&(customer_id, key)));
        let state = place.ok().and_then(|place| self.states.get(place));
        state.is_some_and(|state| state.stored.is_some())
    }

    /// The event's request, as JSON text.
    fn request(&mut self, event: &UsageEvent) -> Result<Rc<str>> {
        if let Some((last, text)) = &self.request
            && last.is_same_request(event)
        {
            return Ok(Rc::clone(text));
        }
        let text: Rc<str> = event.request()?.into();
        self.request = Some((event.clone(), Rc::clone(&text)));
        Ok(text)
    }

    /// An answer with what it shares with the one that it is like; `at` is when it was stored.
    fn whole(&self, customer_id: Uuid, answer: &str, at: Option<DateTime<Utc>>) -> Result<Decided> {
        let Some(key) = like(answer)? else {
            return idempotency::json(answer);
        };
        let mut own: Map<String, Value> = idempotency::json(answer)?;
        let model = match at {
            // A later answer under that key is not what this one is like.
            Some(at) => self
                .models
                .get(&(customer_id, key))
                .filter(|model| model.created_at == at)
                .map(|model| model.result.as_str()),
            None => self
                .names
                .binary_search(&(customer_id, key))
                .ok()
                .and_then(|place| self.states.get(place)?.answered.as_ref())
                .map(|first| first.result.as_str()),
        };
        let model: Map<String, Value> = idempotency::json(model.unwrap_or("{\"allowed\":true}"))?;
        for (name, value) in model {
            own.entry(name).or_insert(value);
        }
        serde_json::from_value(Value::Object(own)).map_err(|_| idempotency::unreadable())
    }

    /// Keeps an answer, for the events that follow and to be stored.
    ///
    /// # Errors
    /// When the request is not JSON.
    pub fn keep(&mut self, place: usize, event: &UsageEvent, result: String) -> Result<()> {
        let request = self.request(event)?;
        if let Some(state) = self.states.get_mut(place) {
            state.answered = Some(New { request, result });
        }
        Ok(())
    }

    /// The same of an answer that repeats much of others.
    ///
    /// # Errors
    /// As [`Keys::keep`].
    pub fn keep_like(
        &mut self,
        place: usize,
        event: &UsageEvent,
        changing: &Changing,
        lasting: &Rc<str>,
    ) -> Result<()> {
        let Some((customer_id, _)) = self.names.get(place) else {
            return Ok(());
        };
        let name = (*customer_id, lasting.as_ptr());
        let first = self.firsts.get(&name);
        let first = first.and_then(|(first, _)| Some(self.names.get(*first)?.1.as_str()));
        let result = match first {
            Some(key) => changing.like(key)?,
            None => {
                let whole = changing.with(lasting);
                self.firsts.insert(name, (place, Rc::clone(lasting)));
                whole
            }
        };
        self.keep(place, event, result)
    }

    /// Stores what this call answered.
    ///
    /// # Errors
    /// As the statements.
    pub fn store(&self, now: DateTime<Utc>) -> Result<()> {
        let (mut over, mut answers) = (Vec::new(), Vec::with_capacity(self.names.len()));
        for ((customer_id, key), state) in self.names.iter().zip(&self.states) {
            let Some(new) = &state.answered else {
                continue;
            };
            if state.stored.is_some() {
                // Its time is over, else it would have been replayed.
                over.push((*customer_id, key.as_str()));
            }
            answers.push(NewAnswer {
                customer_id: *customer_id,
                key,
                request: &new.request,
                result: &new.result,
            });
        }
        db::usage_key::forget_many(&over)?;
        db::usage_key::store_many(&answers, now)
    }
}

fn borrowed(names: &[(Uuid, String)]) -> Vec<(Uuid, &str)> {
    names.iter().map(|(id, key)| (*id, key.as_str())).collect()
}

/// The key of the answer that this one is like.
fn like(answer: &str) -> Result<Option<String>> {
    if !answer.starts_with(LIKE) {
        return Ok(None);
    }
    let mut fields: Map<String, Value> = idempotency::json(answer)?;
    match fields.remove("like") {
        Some(Value::String(key)) => Ok(Some(key)),
        _ => Err(idempotency::unreadable()),
    }
}
