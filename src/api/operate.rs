//! One round of the worker's work by hand, and the proof of the books (`api.md` 8 and 9).

use super::bare_call;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Error;
use crate::flow::organization;
use crate::flow::round::{Round, Stage};
use crate::flow::worker_status;
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

#[pg_extern(sql = false)]
fn owo_worker_tick(max_jobs: Option<i32>, fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Write, |caller| {
        organization::require_everywhere(caller)?;
        let max_jobs = max_jobs.ok_or_else(|| Error::null_argument("max_jobs"))?;
        if max_jobs < 1 {
            return Err(Error::invalid(format!(
                "max_jobs is {max_jobs}, at least 1 is needed"
            )));
        }
        let mut round = Round::new(max_jobs, BTreeSet::new());
        while round.step(caller)? == Stage::More {}
        let report = round.report();
        let mut outcome =
            json!({ "folded": report.folded, "due": report.settled, "webhooks": report.webhooks });
        if let (Some(reason), Some(fields)) = (report.fold_skipped, outcome.as_object_mut()) {
            fields.insert("fold_skipped".to_owned(), json!(reason));
        }
        Ok(Answer::scalar(outcome))
    })
}

#[pg_extern(sql = false)]
fn _worker_status(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Read, |caller| {
        let status = worker_status::here();
        let may_see_texts = organization::require_everywhere(caller).is_ok();
        let row: Vec<Field> = vec![
            status.state.into(),
            status.advice.into(),
            status.pid.into(),
            status.started_at.into(),
            status.heartbeat_at.into(),
            status.next_due_at.into(),
            status.rounds.into(),
            status.folded.into(),
            status.errors.into(),
            status.last_error.filter(|_| may_see_texts).into(),
            status.last_error_at.into(),
        ];
        Answer::rows(fcinfo, vec![row])
    })
}

#[pg_extern(sql = false)]
fn owo_verify(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Read, |caller| {
        organization::require_everywhere(caller)?;
        let snapshot = Snapshot::latest()?;
        let folded = db::fold::differences(&snapshot)?;
        let grants = db::credit::differences(&snapshot)?;
        let openings = db::record::openings(&snapshot)?;
        if openings > 0 {
            pgrx::notice!(
                "{openings} sums rest on opening balances: months of their record have been dropped"
            );
        }
        let rows = folded
            .into_iter()
            .chain(grants)
            .map(|row| -> Vec<Field> {
                vec![row.subject.into(), row.expected.into(), row.actual.into()]
            })
            .collect();
        Answer::rows(fcinfo, rows)
    })
}
