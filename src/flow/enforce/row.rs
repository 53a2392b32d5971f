//! One changed row: read, compared with what it was, and counted.
//!
//! The gate of the row before is used again where nothing happened in between, so that a row of a
//! long statement costs one statement of ours, or none.

use super::change::{Change, Row};
use super::gate::Gate;
use super::rule::{ONE, Rule};
use super::seat::{self, Limit};
use super::{memory, metered, owner_of, reading, table};
use crate::backend::call::Caller;
use crate::backend::guest::{NEW, OLD, RowStore, Rows};
use crate::backend::owner::AsOwner;
use crate::backend::table::{Table, TableRow};
use crate::backend::trigger::{Event, Trigger};
use crate::db::enforce::rows::{self, Cell, Reading, Value};
use crate::error::Result;
use std::ffi::CStr;

/// Counts the row that the trigger was called for.
///
/// # Errors
/// As `enforce::fire`.
pub fn fire(trigger: &Trigger, caller: &Caller) -> Result<()> {
    let arguments = trigger.arguments()?;
    let rule = Rule::parse(&arguments)?;
    let table = match memory::table(trigger.oid()?) {
        Some(table) => table,
        None => table(trigger, caller)?,
    };
    let reading = reading(&rule, &table, trigger, caller)?;
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
    if change.is_idle() || (before.is_none() && is_charged(&table, caller, &rule, &change)?) {
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

/// Whether an inserted row was charged the short way.
fn is_charged(table: &Table, caller: &Caller, rule: &Rule, change: &Change) -> Result<bool> {
    if change.old.is_some() || rule.entity.is_some() {
        return Ok(false);
    }
    match change.charges(&table.name, rule.returns)?.as_slice() {
        [charge] => metered::charge_known(&owner_of(table, caller), rule, charge),
        _ => Ok(false),
    }
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
