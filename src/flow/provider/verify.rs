//! Where our rows and what a provider last said differ (`api.md` 8).
//!
//! Called by `api/money`. What was said is what webhooks, answers and the last look brought; each
//! call has the provider looked at anew, so that the next one compares with what is true by then.
//! Invariant: what is on its way in the outbox is no difference yet, and is left out.

use super::import;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::provider::compare::{self, Pair};
use crate::error::Result;
use crate::flow::context::Context;
use crate::flow::outbox::job::Job;
use owostack_domain::subscription::heard::{Heard, Leaving, Said, Standing};
use serde_json::{Value, json};

/// One difference.
#[derive(Debug, Clone)]
pub struct Difference {
    pub object: &'static str,
    /// The provider's id, ours where it has none.
    pub id: String,
    /// None: we have nothing of the kind.
    pub ours: Option<Value>,
    /// None: the provider has said nothing of it.
    pub theirs: Option<Value>,
}

/// The differences, as far as is known; a fresh look is asked for.
///
/// # Errors
/// `42704` unknown provider, `55000` no account or nothing to list there.
pub fn differences(context: &Context, provider: &str) -> Result<Vec<Difference>> {
    let desk = import::desk(context, provider)?;
    desk.demand(desk.capabilities().list_subscriptions)?;
    let snapshot = Snapshot::latest()?;
    let account_id = desk.account.id;
    if !db::outbox::is_wanted(&snapshot, account_id, "reconcile")? {
        desk.enqueue(None, &Job::Reconcile { cursor: None })?;
    }
    let mut found = Vec::new();
    for pair in compare::subscriptions(&snapshot, account_id)? {
        let awaited = match pair.id {
            Some(id) => !db::outbox::unfinished(&snapshot, id)?.is_empty(),
            None => false,
        };
        if !awaited {
            found.extend(difference(&pair));
        }
    }
    Ok(found)
}

fn difference(pair: &Pair) -> Option<Difference> {
    let heard = pair.detail.as_ref().and_then(|one| one.get("heard"));
    let heard: Option<Heard> = heard.and_then(|one| serde_json::from_value(one.clone()).ok());
    let theirs = heard.filter(|heard| !heard.is_empty());
    let theirs = theirs.map(|heard| heard.standing());
    if agrees(pair, theirs.as_ref()) {
        return None;
    }
    let ours = pair.id.map(|id| {
        json!({
            "subscription_id": id,
            "status": pair.status,
            "cancel_at": pair.cancel_at,
            "period_end": pair.period_end,
        })
    });
    let theirs = theirs.map(|standing| {
        json!({
            "status": standing.state().map(word),
            "leaves": standing.leaving != Leaving::No,
            "period_end": standing.period().map(|(_, end)| end),
            "as_of": pair.order_at,
        })
    });
    let id = pair.external_id.clone();
    Some(Difference {
        object: "subscription",
        id: id.or(pair.id.map(|id| id.to_string())).unwrap_or_default(),
        ours,
        theirs,
    })
}

/// Whether both sides live or have ended, rest or not, stay or leave.
fn agrees(pair: &Pair, theirs: Option<&Standing>) -> bool {
    let (Some(status), Some(theirs)) = (pair.status.as_deref(), theirs) else {
        return false;
    };
    let ended = matches!(status, "canceled" | "expired");
    let Some(said) = theirs.state() else {
        return true;
    };
    if ended || said == Said::Ended {
        return ended == (said == Said::Ended);
    }
    let rests = (status == "paused") == (said == Said::Paused);
    let leaves = pair.cancel_at.is_some() == (theirs.leaving != Leaving::No);
    rests && leaves
}

const fn word(said: Said) -> &'static str {
    match said {
        Said::Incomplete => "incomplete",
        Said::Trialing => "trialing",
        Said::Active => "active",
        Said::PastDue | Said::GivenUp => "past_due",
        Said::Paused => "paused",
        Said::Ended => "canceled",
    }
}
