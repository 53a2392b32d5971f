//! Enforcing plans on users' tables (`api.md` 7): triggers read what rows changed, with the rights of
//! who changed them, and count it with ours.
//!
//! Unlike other flows these are called outside `AsOwner` and enter it by themselves, between reading
//! rows and counting them. A denial is raised, so that the statement changes nothing.

mod change;
mod gate;
mod memory;
mod metered;
mod rule;
mod seat;
mod setup;

use crate::backend::call::Caller;
use crate::backend::guest::{NEW, OLD, RowStore, Rows};
use crate::backend::owner::AsOwner;
use crate::backend::spi::Snapshot;
use crate::backend::table::{Columns, Table, TableRow};
use crate::backend::trigger::{Event, Timing, Trigger};
use crate::db;
use crate::db::enforce::rows::{self, Cell, Reading, Value};
use crate::error::{Error, Result};
use change::{Change, Row};
use gate::Gate;
use rule::{ONE, Rule};
use seat::Limit;
use std::ffi::CStr;

pub use setup::{Wish, enforce_table, unenforce_table};

/// Counts what a trigger was called for: a row, a statement, or a table to be truncated.
///
/// # Errors
/// `23514` when denied, `55000` when the trigger is of another kind, `22023` for its arguments.
pub fn fire(trigger: &Trigger, caller: &Caller) -> Result<()> {
    require_timing(trigger)?;
    if trigger.event() == Event::Truncate {
        truncate(trigger, caller)
    } else if trigger.is_for_row() {
        row(trigger, caller)
    } else {
        statement(trigger, caller)
    }
}

/// A row trigger.
fn row(trigger: &Trigger, caller: &Caller) -> Result<()> {
    let arguments = trigger.arguments()?;
    let rule = Rule::parse(&arguments)?;
    let table = match memory::table(trigger.oid()?) {
        Some(table) => table,
        None => table(trigger, caller)?,
    };
    let reading = reading(&rule, &table, trigger.columns())?;
    let change = Change {
        old: read(trigger, &reading, trigger.old_row(), OLD)?,
        new: read(trigger, &reading, trigger.new_row(), NEW)?,
    };
    let mut before = None;
    match (trigger.event(), &change.old) {
        (Event::Delete, Some(old)) if trigger.is_moving() => {
            memory::set_moving(&arguments, old.clone());
        }
        (Event::Insert, _) => before = memory::arrived(&arguments),
        _ => {}
    }
    if change.is_idle() {
        return Ok(());
    }
    let _owner = AsOwner::enter(caller.owner);
    // After reading, since code of users may have run there.
    let mut gate = match memory::gate(trigger.oid()?, &arguments) {
        Some(gate) => gate,
        None => Gate::open(caller, table, rule)?,
    };
    count(&mut gate, &reading, change, before)?;
    memory::keep(trigger.oid()?, arguments, gate);
    Ok(())
}

/// Counts one change; `before` is the row as an UPDATE took it out of another partition, which has
/// been counted as a DELETE.
fn count(
    gate: &mut Gate,
    reading: &Reading,
    mut change: Change,
    before: Option<Row>,
) -> Result<()> {
    let table = gate.table.name.clone();
    if !gate.is_entity() {
        // Where a DELETE gives nothing back, the difference is left to be paid.
        if !gate.rule.returns {
            change.old = change.old.or(before);
        }
        let charges = change.charges(&table, gate.rule.returns)?;
        if charges.is_empty() {
            return Ok(());
        }
        return metered::charge(gate, charges);
    }
    let seats = change.seats(&table)?;
    if seats.is_empty() {
        return Ok(());
    }
    if let (Some(_), Some(entity)) = (&change.new, &reading.entity) {
        gate.claim(entity, &reading.customer)?;
    }
    // A row that stays with its customer takes the slot that it just left, above the limit too.
    let customer = |row: &Row| row.customer.clone();
    let stays =
        before.is_some() && before.as_ref().map(customer) == change.new.as_ref().map(customer);
    let limit = if stays {
        Limit::Ignored
    } else {
        Limit::Enforced
    };
    seat::apply(gate, seats, limit)
}

/// A statement trigger with tables of changed rows.
fn statement(trigger: &Trigger, caller: &Caller) -> Result<()> {
    if !trigger.has_row_tables(OLD, NEW) {
        return Err(
            wrong_kind("a statement trigger needs tables of changed rows")
                .hint("Create it FOR EACH ROW; owo_enforce_table() makes statement triggers."),
        );
    }
    if trigger.row_count() == 0 {
        return Ok(());
    }
    let rule = Rule::parse(&trigger.arguments()?)?;
    let table = trigger.table()?;
    let reading = reading(&rule, &table, trigger.columns())?;
    let mut gate = {
        let _owner = AsOwner::enter(caller.owner);
        Gate::open(caller, table, rule)?
    };
    let changed = Rows::Changed(trigger);
    let keep = |word| trigger.oid().map(|oid| Some((oid, word)));
    let (name, returns) = (gate.table.name.clone(), gate.rule.returns);
    if !gate.is_entity() {
        let sums = match trigger.event() {
            Event::Insert => rows::inserted(changed, &reading, keep("inserted")?)?,
            Event::Update => rows::updated(changed, &reading, returns, keep("updated")?)?,
            _ if returns => rows::deleted(changed, &reading, keep("deleted")?)?,
            _ => Vec::new(),
        };
        let charges = change::charges(sums, &name)?;
        let _owner = AsOwner::enter(caller.owner);
        return metered::charge(&mut gate, charges);
    }
    let places = match trigger.event() {
        Event::Insert => rows::came(changed, &reading, keep("came")?)?,
        Event::Update => rows::changed(changed, &reading, keep("changed")?)?,
        _ => rows::left(changed, &reading, keep("left")?)?,
    };
    let seats = change::seats(places, &name)?;
    let _owner = AsOwner::enter(caller.owner);
    let comes = seats.iter().any(|seats| !seats.came.is_empty());
    if let (Some(entity), true) = (&reading.entity, comes) {
        gate.claim(entity, &reading.customer)?;
    }
    seat::apply(&mut gate, seats, Limit::Enforced)
}

/// Frees, or gives back, what the rows of the table took before they are gone.
fn truncate(trigger: &Trigger, caller: &Caller) -> Result<()> {
    let rule = Rule::parse(&trigger.arguments()?)?;
    let table = trigger.table()?;
    let reading = reading(&rule, &table, trigger.columns())?;
    let mut gate = {
        let _owner = AsOwner::enter(caller.owner);
        Gate::open(caller, table.clone(), rule)?
    };
    if !gate.is_entity() && !gate.rule.returns {
        return Ok(());
    }
    let sql = rows::all_of(&table.schema, &table.name, trigger.is_on_partitioned());
    let copy = RowStore::of_table(&table, &sql, OLD)?;
    if gate.is_entity() {
        let places = rows::left(Rows::Copied(&copy), &reading, None)?;
        let seats = change::seats(places, &table.name)?;
        let _owner = AsOwner::enter(caller.owner);
        return seat::apply(&mut gate, seats, Limit::Enforced);
    }
    let sums = rows::deleted(Rows::Copied(&copy), &reading, None)?;
    let charges = change::charges(sums, &table.name)?;
    let _owner = AsOwner::enter(caller.owner);
    metered::charge(&mut gate, charges)
}

/// The table that the trigger was made on, also when it fires on a partition of it.
fn table(trigger: &Trigger, caller: &Caller) -> Result<Table> {
    if !trigger.is_clone()? {
        return trigger.table();
    }
    let _owner = AsOwner::enter(caller.owner);
    db::enforce::catalog::root(&Snapshot::latest()?, trigger.oid()?)
}

/// What to read from each row of a table with these columns.
///
/// # Errors
/// `42703` when a column is missing.
fn reading(rule: &Rule, table: &Table, columns: Columns) -> Result<Reading> {
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
    })
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

/// Reads a row: directly where its columns are plain, else by SQL of the current role.
fn read(
    trigger: &Trigger,
    reading: &Reading,
    row: Option<TableRow>,
    name: &'static CStr,
) -> Result<Option<Row>> {
    let Some(row) = row else { return Ok(None) };
    let cell = match plain(reading, &row)? {
        Some(cell) => Some(cell),
        None => {
            let copy = RowStore::of_row(&row, name);
            let (text, word) = if name == OLD {
                ("owo_old", "old")
            } else {
                ("owo_new", "new")
            };
            rows::cell(
                Rows::Copied(&copy),
                text,
                reading,
                Some((trigger.oid()?, word)),
            )?
        }
    };
    cell.map(Row::read).transpose()
}

fn plain(reading: &Reading, row: &TableRow) -> Result<Option<Cell>> {
    let value = match &reading.value {
        Value::One => None,
        Value::Column(name) => Some(name),
        Value::Expression(_) => return Ok(None),
    };
    let mut columns = [Some(&reading.customer), reading.entity.as_ref(), value]
        .into_iter()
        .flatten();
    if !columns.all(|column| row.is_plain(column)) {
        return Ok(None);
    }
    Ok(Some(Cell {
        customer: row.text(&reading.customer)?,
        entity: match &reading.entity {
            Some(column) => row.text(column)?,
            None => None,
        },
        value: match value {
            Some(column) => row.text(column)?,
            None => Some(ONE.to_owned()),
        },
    }))
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
