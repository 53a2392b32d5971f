//! Enforcing plans on users' tables (`api.md` 7): triggers read what rows changed, with the rights of
//! who changed them, and count it with ours.
//!
//! Unlike other flows these are called outside `AsOwner` and enter it by themselves, between reading
//! rows and counting them. A denial is raised, so that the statement changes nothing.

mod change;
mod gate;
mod memory;
mod metered;
mod partition;
mod plain;
mod plan;
mod row;
mod rule;
mod seat;
mod setup;
mod statement;

use crate::backend::call::Caller;
use crate::backend::owner::AsOwner;
use crate::backend::spi::Snapshot;
use crate::backend::table::{Columns, Table};
use crate::backend::trigger::{Event, Timing, Trigger};
use crate::db;
use crate::db::enforce::rows::{Reading, Value};
use crate::error::{Error, Result};
use rule::{ONE, Rule};

pub use partition::welcome;
pub use setup::{Wish, enforce_table, unenforce_table};

/// Counts what a trigger was called for: a row, a statement, or a table to be truncated.
///
/// # Errors
/// `23514` when denied, `55000` when the trigger is of another kind, `22023` for its arguments.
pub fn fire(trigger: &Trigger, caller: &Caller) -> Result<()> {
    require_timing(trigger)?;
    if trigger.event() == Event::Truncate {
        statement::truncate(trigger, caller)
    } else if trigger.is_for_row() {
        row::fire(trigger, caller)
    } else {
        statement::fire(trigger, caller)
    }
}

/// The caller with the rights that are asked: those of the table's owner.
fn owner_of(table: &Table, caller: &Caller) -> Caller {
    Caller {
        role: table.owner,
        ..*caller
    }
}

/// The table that the trigger was made on, also when it fires on a partition of it.
fn table(trigger: &Trigger, caller: &Caller) -> Result<Table> {
    if !trigger.is_clone()? {
        return trigger.table();
    }
    let _owner = AsOwner::enter(caller.owner);
    db::enforce::catalog::root(&Snapshot::latest()?, trigger.oid()?)
}

/// What to read from each row that the trigger was called for; `table` is the one that it was made on.
///
/// # Errors
/// `42703` when a column is missing.
fn reading(rule: &Rule, table: &Table, trigger: &Trigger, caller: &Caller) -> Result<Reading> {
    let columns = trigger.columns();
    let column = |given: &str| {
        columns
            .find(given)
            .ok_or_else(|| missing_column(&table.name, given))
    };
    Ok(Reading {
        table: table.name.clone(),
        customer: column(&rule.customer)?,
        entity: rule.entity.as_deref().map(column).transpose()?,
        value: value(&rule.value, |given| columns.find(given)),
        computed: computed(trigger, columns, caller)?,
    })
}

/// The columns that rows do not hold, if there are any: of the partition, where it fires on one.
fn computed(trigger: &Trigger, columns: Columns, caller: &Caller) -> Result<Option<String>> {
    if !columns.has_virtual() {
        return Ok(None);
    }
    let oid = trigger.table()?.oid;
    let _owner = AsOwner::enter(caller.owner);
    db::enforce::catalog::computed(&Snapshot::latest()?, oid).map(Some)
}

fn value(text: &str, find: impl Fn(&str) -> Option<String>) -> Value {
    if text == ONE {
        return Value::One;
    }
    find(text).map_or_else(|| Value::Expression(text.to_owned()), Value::Column)
}

fn missing_column(table: &str, column: &str) -> Error {
    Error::undefined_column(format!(
        "column \"{column}\" of table \"{table}\" does not exist"
    ))
    .hint("After a column was renamed, call owo_enforce_table() again.")
}

fn require_timing(trigger: &Trigger) -> Result<()> {
    match (trigger.event(), trigger.timing()) {
        (Event::Truncate, Timing::Before)
        | (Event::Insert | Event::Update | Event::Delete, Timing::After) => Ok(()),
        (Event::Truncate, _) => {
            Err(wrong_kind("rows are gone after TRUNCATE")
                .hint("Create the trigger BEFORE TRUNCATE."))
        }
        (_, Timing::Before) => Err(wrong_kind(
            "a BEFORE trigger would count rows that are never written",
        )
        .hint("Create the trigger AFTER INSERT OR UPDATE OR DELETE.")),
        (_, Timing::InsteadOf) => Err(wrong_kind("rows of a view cannot be enforced")
            .hint("Create the trigger on the table below the view.")),
    }
}

fn wrong_kind(message: &str) -> Error {
    Error::wrong_state(message)
}
