//! Calls: one request of one operation, with all that it is made from.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::account::Account;
use crate::operation::Operation;
use crate::progress::Progress;
use crate::tag::{Tag, Tags};

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
