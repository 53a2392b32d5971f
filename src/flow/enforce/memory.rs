//! What one row's trigger leaves for the next row of the same query.
//!
//! Invariants: a gate is used again only in the same query and subtransaction, when this transaction
//! wrote nothing since it was put away; the locks of its customers are held since then, so nobody
//! else wrote anything that counts either. A row on its way to another partition is matched with the
//! INSERT that follows, if that happens in a partition that is enforced too.

use super::change::Row;
use super::gate::Gate;
use crate::backend::table::Table;
use crate::backend::transaction::{Moment, RunningQuery};
use pgrx::pg_sys;
use std::cell::RefCell;

struct Kept {
    moment: Moment,
    /// Trigger and its arguments.
    trigger: pg_sys::Oid,
    arguments: Vec<String>,
    gate: Gate,
}

struct Moving {
    query: RunningQuery,
    arguments: Vec<String>,
    row: Row,
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
    static MOVING: RefCell<Vec<Moving>> = const { RefCell::new(Vec::new()) };
}

/// The table that the trigger of the row before was made on, in the same query.
pub fn table(trigger: pg_sys::Oid) -> Option<Table> {
    let query = RunningQuery::now()?;
    KEPT.with_borrow(|kept| {
        kept.as_ref()
            .filter(|kept| kept.trigger == trigger && kept.moment.query == query)
            .map(|kept| kept.gate.table.clone())
    })
}

/// The gate of the row before, if nothing happened in between.
pub fn gate(trigger: pg_sys::Oid, arguments: &[String]) -> Option<Gate> {
    let kept = KEPT.take()?;
    let same = Moment::now() == Some(kept.moment)
        && kept.trigger == trigger
        && kept.arguments == arguments;
    same.then_some(kept.gate)
}

/// Puts the gate away for the next row.
pub fn keep(trigger: pg_sys::Oid, arguments: Vec<String>, gate: Gate) {
    let kept = Moment::now().map(|moment| Kept {
        moment,
        trigger,
        arguments,
        gate,
    });
    drop(KEPT.replace(kept));
}

/// Remembers a row that is on its way to another partition.
pub fn set_moving(arguments: &[String], row: Row) {
    let Some(query) = RunningQuery::now() else {
        return;
    };
    MOVING.with_borrow_mut(|rows| {
        rows.retain(|moving| moving.query == query && moving.arguments != arguments);
        rows.push(Moving {
            query,
            arguments: arguments.to_vec(),
            row,
        });
    });
}

/// The row that arrives with this INSERT, as it was before.
pub fn arrived(arguments: &[String]) -> Option<Row> {
    let query = RunningQuery::now()?;
    MOVING.with_borrow_mut(|rows| {
        rows.retain(|moving| moving.query == query);
        let place = rows
            .iter()
            .position(|moving| moving.arguments == arguments)?;
        Some(rows.swap_remove(place).row)
    })
}
