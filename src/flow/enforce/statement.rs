//! A whole statement, or a table before TRUNCATE: rows are read and summed in one go, by a query
//! where their columns are not plain, and each customer is charged once.

use super::gate::Gate;
use super::rule::Rule;
use super::seat::{self, Limit};
use super::{change, metered, owner_of, plain, reading, wrong_kind};
use crate::backend::call::Caller;
use crate::backend::guest::{NEW, OLD, RowStore, Rows};
use crate::backend::owner::AsOwner;
use crate::backend::trigger::{Event, Trigger};
use crate::db::enforce::rows;
use crate::error::Result;

/// Counts the rows that the statement changed.
///
/// # Errors
/// As `enforce::fire`, `55000` for a trigger without tables of changed rows.
pub fn fire(trigger: &Trigger, caller: &Caller) -> Result<()> {
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
    let reading = reading(&rule, &table, trigger, caller)?;
    let changed = Rows::Changed(trigger);
    let keep = |word| trigger.oid().map(|oid| Some((oid, word)));
    if trigger.event() == Event::Insert && rule.entity.is_none() {
        // Only a metered feature can be meant, so that its gate may turn out to be open already.
        let sums = match plain::sums(trigger, &reading, false) {
            Some(sums) => sums,
            None => rows::inserted(changed, &reading, keep("inserted")?)?,
        };
        let charges = change::charges(sums, &table.name)?;
        if let [charge] = charges.as_slice()
            && metered::charge_known(&owner_of(&table, caller), &rule, charge)?
        {
            return Ok(());
        }
        let _owner = AsOwner::enter(caller.owner);
        let mut gate = Gate::open(caller, table, rule)?;
        return metered::charge(&mut gate, charges);
    }
    let mut gate = {
        let _owner = AsOwner::enter(caller.owner);
        Gate::open(caller, table, rule)?
    };
    let (name, returns) = (gate.table.name.clone(), gate.rule.returns);
    if !gate.is_entity() {
        if trigger.event() == Event::Delete && !returns {
            return Ok(());
        }
        let sums = match (plain::sums(trigger, &reading, returns), trigger.event()) {
            (Some(sums), _) => sums,
            (None, Event::Insert) => rows::inserted(changed, &reading, keep("inserted")?)?,
            (None, Event::Update) => rows::updated(changed, &reading, returns, keep("updated")?)?,
            (None, _) => rows::deleted(changed, &reading, keep("deleted")?)?,
        };
        let charges = change::charges(sums, &name)?;
        let _owner = AsOwner::enter(caller.owner);
        return metered::charge(&mut gate, charges);
    }
    let places = match (plain::places(trigger, &reading), trigger.event()) {
        (Some(places), _) => places,
        (None, Event::Insert) => rows::came(changed, &reading, keep("came")?)?,
        (None, Event::Update) => rows::changed(changed, &reading, keep("changed")?)?,
        (None, _) => rows::left(changed, &reading, keep("left")?)?,
    };
    let seats = change::seats(places, &name)?;
    if seats.is_empty() {
        return Ok(());
    }
    let _owner = AsOwner::enter(caller.owner);
    let comes = seats.iter().any(|seats| !seats.came.is_empty());
    if let (Some(entity), true) = (&reading.entity, comes) {
        gate.claim(entity, &reading.customer)?;
    }
    seat::apply(&mut gate, seats, Limit::Enforced)
}

/// Frees, or gives back, what the rows of the table took before they are gone.
///
/// # Errors
/// As `enforce::fire`.
pub fn truncate(trigger: &Trigger, caller: &Caller) -> Result<()> {
    let rule = Rule::parse(&trigger.arguments()?)?;
    let table = trigger.table()?;
    let reading = reading(&rule, &table, trigger, caller)?;
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
