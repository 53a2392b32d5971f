//! Partitions that are made or attached after their parent was put under an entity feature.
//!
//! Called at the end of a command that may have brought some. Row triggers come with the parent; the
//! trigger for TRUNCATE of the partition alone is made here, and rows that an attached one brings
//! take slots like any that come: where there is no room the command is denied. One that left the tree
//! and comes back has its trigger still, and rows that came to it meanwhile: it is counted again.
//!
//! Invariant: whoever the command came from, columns of a partition are read and made text with the
//! rights of its owner, as Postgres does when it looks at rows of a table that it changes.

use super::change;
use super::gate::Gate;
use super::rule::Rule;
use super::seat::{self, Limit};
use crate::backend::call::{Caller, begin_write};
use crate::backend::guest::{NEW, RowStore, Rows};
use crate::backend::owner::AsOwner;
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::enforce::definition::{self, Definition};
use crate::db::enforce::partition::Newcomer;
use crate::db::enforce::rows::{self, Reading, Value};
use crate::error::Result;

/// Puts newcomers under what their parents obey.
///
/// # Errors
/// `23514` when rows of one find no room, `42501` when the parent's owner lost the right.
pub fn welcome(caller: &Caller) -> Result<()> {
    let newcomers = {
        let _owner = AsOwner::enter(caller.owner);
        db::enforce::partition::newcomers(&Snapshot::latest()?)?
    };
    for newcomer in newcomers {
        begin_write();
        if !newcomer.guarded {
            guard(caller, &newcomer)?;
        }
        count(caller, newcomer)?;
    }
    Ok(())
}

/// Makes the trigger, with our rights: who attaches a table need not have any on our functions.
fn guard(caller: &Caller, newcomer: &Newcomer) -> Result<()> {
    let _owner = AsOwner::enter(caller.owner);
    definition::create(
        &newcomer.partition,
        &Definition {
            name: newcomer.of.name.clone(),
            when: "BEFORE TRUNCATE",
            referencing: "",
            each: "STATEMENT",
            function: &db::enforce::catalog::function(&Snapshot::latest()?, "owo_enforce")?,
            arguments: newcomer.of.arguments.clone(),
        },
    )
}

/// Takes slots for the rows of a partition; a metered feature asks nothing of rows that are there.
fn count(caller: &Caller, newcomer: Newcomer) -> Result<()> {
    let Newcomer { partition, of, .. } = newcomer;
    let rule = Rule::parse(&of.arguments)?;
    let reading = Reading {
        table: of.table.name.clone(),
        customer: rule.customer.clone(),
        entity: rule.entity.clone(),
        value: Value::One,
        // A copy of a table holds what was read of it.
        computed: None,
    };
    let sql = rows::all_of(&partition.schema, &partition.name, false);
    let places = {
        let copy = RowStore::of_table(&partition, &sql, NEW)?;
        let _owner = AsOwner::of_table(partition.owner);
        rows::came(Rows::Copied(&copy), &reading, None)?
    };
    if places.is_empty() {
        return Ok(());
    }
    let _owner = AsOwner::enter(caller.owner);
    let mut gate = Gate::open(caller, of.table, rule)?;
    if !gate.is_entity() {
        return Ok(());
    }
    let seats = change::seats(places, &partition.name)?;
    seat::apply(&mut gate, seats, Limit::Enforced)
}
