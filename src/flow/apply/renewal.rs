//! Whether a provider has renewed what our dates renewed ahead of its word.
//!
//! Called when a life is saved in which a date began a period of a linked subscription. Invariant:
//! an hour later the subscription is looked at, unless the provider has said so before.

use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::provider::reference;
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::outbox::enqueue::{Whose, enqueue};
use crate::flow::outbox::job::Job;
use chrono::TimeDelta;
use owostack_domain::entitlement::facts::Subscription;
use owostack_domain::subscription::heard::Heard;
use owostack_provider::object::{ObjectKind, ObjectRef};
use uuid::Uuid;

/// How long a provider has to say that a period has begun.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// Has the provider asked about a period that a date began here.
///
/// # Errors
/// As the statements.
pub fn check(context: &Context, customer_id: Uuid, row: &Subscription) -> Result<()> {
    let Some(began_at) = row.period_start.filter(|_| row.linked && row.is_live()) else {
        return Ok(());
    };
    let view = Snapshot::latest()?;
    for behind in reference::behind(&view, row.id)? {
        let heard = behind.detail.get("heard").cloned();
        let heard: Option<Heard> = heard.and_then(|heard| serde_json::from_value(heard).ok());
        let period = heard.and_then(|heard| heard.standing().period());
        if period.is_some_and(|(_, end)| end > began_at) {
            continue;
        }
        let whose = Whose {
            organization_id: context.organization.id,
            account_id: behind.account_id,
            customer_id: Some(customer_id),
        };
        let object = ObjectRef {
            kind: ObjectKind::Subscription,
            id: behind.external_id,
        };
        let job = Job::Fetch { object };
        if !db::outbox::unfinished(&view, job.subject(behind.account_id))?.is_empty() {
            continue;
        }
        // A sandbox clock says nothing of the provider's.
        let from = match context.organization.clock_at {
            Some(_) => context.caller.at,
            None => began_at,
        };
        enqueue(&whose, &job, from + PATIENCE)?;
    }
    Ok(())
}
