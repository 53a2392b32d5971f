//! Putting a table under a feature, and taking it out again.
//!
//! Names and expressions are read, and triggers made, with the rights and the search path of the
//! caller; the registry and the count are ours. The table is locked against writers first, so that
//! between the first trigger and the last counted row nothing slips through.

use super::change;
use super::gate::{self, Gate};
use super::missing_column;
use super::plan::{Mode, Plan};
use super::rule::{ONE, Rule};
use super::seat::{self, Limit};
use crate::backend::call::Caller;
use crate::backend::expression;
use crate::backend::guest::{NEW, RowStore, Rows};
use crate::backend::owner::{self, AsOwner};
use crate::backend::spi::Snapshot;
use crate::backend::table::Table;
use crate::db;
use crate::db::enforce::catalog::Target;
use crate::db::enforce::definition;
use crate::db::enforce::registry::Enforced;
use crate::db::enforce::rows::{self, Reading, Value};
use crate::error::{Error, Result};
use crate::flow::context::{Context, Level};
use crate::flow::text;
use pgrx::pg_sys;

/// The arguments of `owo_enforce_table`.
#[derive(Debug, Clone)]
pub struct Wish {
    pub target: pg_sys::Oid,
    pub feature: String,
    pub customer_column: String,
    pub entity_column: Option<String>,
    pub value_expression: String,
    /// None: statement, or row where statement triggers would miss rows.
    pub mode: Option<String>,
    pub backfill: bool,
    /// None: that of the session.
    pub organization: Option<String>,
}

/// Makes a table obey a feature; rows that are there take slots of an entity feature.
///
/// # Errors
/// `42501` when the caller does not own the table, `42809`, `42703`, `22023` and `55000` as
/// `api.md` 7 says.
pub fn enforce_table(caller: &Caller, wish: &Wish) -> Result<()> {
    let (target, names, slug) = {
        let _owner = AsOwner::enter(caller.owner);
        let context = match &wish.organization {
            Some(slug) => Context::named(*caller, slug, Level::App)?,
            None => Context::begin(*caller, Level::App)?,
        };
        let snapshot = Snapshot::latest()?;
        (
            target(wish.target)?,
            db::enforce::catalog::columns(&snapshot, wish.target)?,
            context.organization.slug,
        )
    };
    require_table(caller, &target)?;
    definition::lock(&target.table)?;
    let mode = mode(wish.mode.as_deref(), &target)?;
    let mut rule = read_rule(wish, &target, &names, slug)?;
    rule.value = bind(&target, &rule.value)?;
    let plan = {
        let _owner = AsOwner::enter(caller.owner);
        let mut gate = Gate::open(caller, target.table.clone(), rule.clone())?;
        register(&mut gate, mode)?;
        Plan::new(gate, target, mode)?
    };
    plan.drop_earlier()?;
    plan.create()?;
    if wish.backfill && plan.gate.is_entity() {
        backfill(caller, plan)?;
    }
    Ok(())
}

/// Takes a table out of a feature, or of all; what was counted stays.
///
/// # Errors
/// `42501` when the caller does not own the table.
pub fn unenforce_table(caller: &Caller, oid: pg_sys::Oid, feature: Option<&str>) -> Result<()> {
    let (target, triggers) = {
        let _owner = AsOwner::enter(caller.owner);
        let triggers = db::enforce::catalog::triggers(&Snapshot::latest()?, oid)?;
        (target(oid)?, triggers)
    };
    require_owner(caller, &target.table)?;
    for trigger in triggers {
        let rule = Rule::parse(&trigger.arguments).ok();
        let meant = feature.is_none_or(|slug| rule.is_some_and(|rule| rule.feature == slug));
        if meant {
            definition::drop(&trigger.table, &trigger.name)?;
        }
    }
    let _owner = AsOwner::enter(caller.owner);
    db::enforce::registry::forget(&target.table.schema, &target.table.name, feature)
}

fn target(oid: pg_sys::Oid) -> Result<Target> {
    db::enforce::catalog::target(&Snapshot::latest()?, oid)?
        .ok_or_else(|| Error::undefined("the table does not exist"))
}

fn require_owner(caller: &Caller, table: &Table) -> Result<()> {
    if owner::has_rights_of(caller.role, table.owner) {
        return Ok(());
    }
    Err(Error::denied(format!(
        "must be owner of table {}",
        table.name
    )))
}

fn require_table(caller: &Caller, target: &Target) -> Result<()> {
    require_owner(caller, &target.table)?;
    let name = &target.table.name;
    if !matches!(target.kind.as_str(), "r" | "p") {
        return Err(Error::wrong_object(format!("\"{name}\" is not a table"))
            .hint("Ordinary and partitioned tables can be enforced."));
    }
    if target.reserved {
        return Err(
            Error::invalid(format!("table \"{name}\" cannot be enforced"))
                .detail("It belongs to owostack or to the system."),
        );
    }
    if target.temporary {
        return Err(
            Error::invalid(format!("table \"{name}\" cannot be enforced"))
                .detail("Rows of temporary tables vanish unseen at the end of the session."),
        );
    }
    Ok(())
}

fn mode(asked: Option<&str>, target: &Target) -> Result<Mode> {
    match (asked, target.in_tree) {
        (Some("row"), _) | (None, true) => Ok(Mode::Row),
        (None | Some("statement"), false) => Ok(Mode::Statement),
        (Some("statement"), true) => Err(Error::invalid(format!(
            "table \"{}\" cannot be enforced by statement",
            target.table.name
        ))
        .detail("Statements on a parent or on its children would pass by its triggers.")
        .hint("Use mode row, which reaches the partitions.")),
        (Some(other), _) => Err(Error::invalid(format!(
            "mode \"{other}\" is not statement or row"
        ))),
    }
}

/// The rule of the wish, with the exact names of its columns.
fn read_rule(wish: &Wish, target: &Target, names: &[String], organization: String) -> Result<Rule> {
    text::bounded("feature", &wish.feature, text::KEY_LENGTH)?;
    let column =
        |given: &str| find(names, given).ok_or_else(|| missing_column(&target.table.name, given));
    Ok(Rule {
        feature: wish.feature.clone(),
        customer: column(&wish.customer_column)?,
        entity: wish.entity_column.as_deref().map(column).transpose()?,
        value: match wish.value_expression.trim() {
            "" => ONE.to_owned(),
            text => {
                find(names, text).map_or_else(|| text.to_owned(), |name| db::enforce::quote(&name))
            }
        },
        returns: false,
        organization,
    })
}

/// The column that a person means: by its exact name, else as SQL reads an identifier.
fn find(names: &[String], given: &str) -> Option<String> {
    let read = match given.strip_prefix('"').and_then(|g| g.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => given.to_lowercase(),
    };
    let exact = names.iter().find(|name| *name == given);
    exact
        .or_else(|| names.iter().find(|name| **name == read))
        .cloned()
}

/// The value expression with all names bound, once it is known to give a number.
fn bind(target: &Target, expression: &str) -> Result<String> {
    if expression == ONE {
        return Ok(ONE.to_owned());
    }
    let table = db::enforce::qualified(&target.table.schema, &target.table.name);
    let bound = expression::bound(&target.table, &table, expression)?;
    expression::bound(
        &target.table,
        &table,
        &format!("({bound})::pg_catalog.numeric"),
    )?;
    Ok(bound)
}

/// Claims an entity feature, or notes one more table of a metered one.
fn register(gate: &mut Gate, mode: Mode) -> Result<()> {
    let rule = &gate.rule;
    let enforced = Enforced {
        organization_id: gate.context.organization.id,
        feature_id: gate.feature.id,
        schema: gate.table.schema.clone(),
        table: gate.table.name.clone(),
        customer_column: rule.customer.clone(),
        entity_column: rule.entity.clone(),
        value_expression: rule.value.clone(),
        mode: mode.as_str(),
    };
    gate::require_steady(&gate.table, &rule.customer)?;
    if let (true, Some(entity)) = (gate.is_entity(), &rule.entity) {
        gate::require_unique(&gate.table, entity, &rule.customer)?;
        gate::claim(&gate.context, &gate.feature, &gate.table, || {
            enforced.clone()
        })?;
    }
    db::enforce::registry::forget_gone(enforced.organization_id)?;
    db::enforce::registry::store(&enforced, gate.context.now)
}

/// Gives every row that is there its slot, above the limit too.
fn backfill(caller: &Caller, plan: Plan) -> Result<()> {
    let Plan {
        mut gate, target, ..
    } = plan;
    let table = &target.table;
    let reading = Reading {
        table: table.name.clone(),
        customer: gate.rule.customer.clone(),
        entity: gate.rule.entity.clone(),
        value: Value::One,
        // A copy of a table holds what was read of it.
        computed: None,
    };
    let sql = rows::all_of(&table.schema, &table.name, target.kind == "p");
    let places = {
        let copy = RowStore::of_table(table, &sql, NEW)?;
        let _owner = AsOwner::of_table(table.owner);
        rows::came(Rows::Copied(&copy), &reading, None)?
    };
    let seats = change::seats(places, &table.name)?;
    let _owner = AsOwner::enter(caller.owner);
    seat::apply(&mut gate, seats, Limit::Ignored)
}
