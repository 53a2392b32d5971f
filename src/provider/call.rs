//! Calls: one request of one operation, with all that it is made from.
//!
//! How an operation is driven. Its progress begins as `Progress::start(now)` and is kept with the
//! outbox row. Ask `request`, note that the row is being sent, send, and hand what came of it to
//! `read` with the very same call. `Next`: keep the progress and go on at once, at most
//! `STEPS_MAX` times. `Retry` and `RateLimited`: keep the progress and come back later. Any other
//! outcome ends the operation and leaves the progress as it was. A row that was being sent when
//! its worker died is read as `Answer::Lost`: then the look comes before the repetition.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::account::Account;
use crate::operation::Operation;
use crate::progress::Progress;
use crate::tag::{Tag, Tags};

/// Most requests that one operation takes; a hundred of them page through a list.
pub const STEPS_MAX: u32 = 120;

/// One request of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Who asks.
    pub account: &'a Account,
    /// For what.
    pub operation: &'a Operation,
    /// Id of the outbox row: it makes the operation one and the same for ever.
    pub id: Uuid,
    /// How far the operation has come.
    pub progress: &'a Progress,
    /// When the request is built; the same for its answer.
    pub at: DateTime<Utc>,
}

impl Call<'_> {
    /// The step that is due; empty at the start.
    pub(crate) fn step(&self) -> &str {
        &self.progress.step
    }

    /// The idempotency key of this step.
    pub(crate) fn key(&self) -> String {
        let step = if self.step().is_empty() {
            "start"
        } else {
            self.step()
        };
        format!("owo-{}-{}-{step}", self.id, self.progress.group)
    }

    /// The id that metadata carries to find what an operation made.
    pub(crate) fn mark(&self) -> String {
        self.id.to_string()
    }

    /// Tags with the mark of this operation.
    pub(crate) fn marked(&self, tags: &Tags) -> Tags {
        tags.clone().with(Tag::Operation, self.mark())
    }

    /// An id that an earlier step found; empty when it is missing, which no path takes.
    pub(crate) fn noted(&self, name: &str) -> &str {
        self.progress.get(name).unwrap_or_default()
    }
}
