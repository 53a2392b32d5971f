//! One round of the worker's work by hand, and the proof of the books (`api.md` 8 and 9).

use super::bare_call;
use crate::backend::answer::{Answer, Field};
use crate::backend::call::Access;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::error::Error;
use crate::flow::due;
use crate::flow::fold::{self, Folded};
use crate::flow::organization;
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::json;

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
        let settled = due::settle_all(caller, max_jobs.into())?;
        let mut outcome = match fold::run(max_jobs)? {
            Folded::Rows(rows) => json!({ "folded": rows }),
            Folded::Busy => json!({ "folded": 0, "fold_skipped": "another transaction folds" }),
            Folded::Isolation => {
                json!({ "folded": 0, "fold_skipped": "the fold needs READ COMMITTED" })
            }
            Folded::Inactive => {
                json!({ "folded": 0, "fold_skipped": "the database is not bound yet" })
            }
        };
        if let Some(fields) = outcome.as_object_mut() {
            fields.insert("due".to_owned(), json!(settled));
        }
        Ok(Answer::scalar(outcome))
    })
}

#[pg_extern(sql = false)]
fn owo_verify(fcinfo: pg_sys::FunctionCallInfo) -> Answer {
    bare_call(fcinfo, Access::Read, |caller| {
        organization::require_everywhere(caller)?;
        let rows = db::fold::differences(&Snapshot::latest()?)?
            .into_iter()
            .map(|row| -> Vec<Field> {
                vec![row.subject.into(), row.expected.into(), row.actual.into()]
            })
            .collect();
        Answer::rows(fcinfo, rows)
    })
}
