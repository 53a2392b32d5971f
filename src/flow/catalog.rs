//! The catalog: synced from a document, printed, and listed for pricing pages (`api.md` 4).

use crate::backend::call::Caller;
use crate::backend::lock::{self, Class, Mode};
use crate::backend::spi::Snapshot;
use crate::db;
use crate::db::event::Event;
use crate::error::{Error, Result};
use crate::flow::context::{Context, Level};
use crate::flow::provider::express;
use crate::guc;
use chrono::{DateTime, Utc};
use owostack_domain::catalog::{self, Catalog, Changes, Difference, Known, Problem, Table};
use owostack_domain::interval::Cadence;
use serde_json::{Map, Value, json};
use std::cell::Cell;
use uuid::Uuid;

/// Waits until no other transaction edits the organization's catalog, and keeps others waiting.
pub fn lock(organization_id: Uuid) {
    let (high, low) = organization_id.as_u64_pair();
    lock::acquire(Class::Catalog, high ^ low, Mode::Exclusive);
}

/// Locks the catalog of the session's organization for who administers it.
///
/// Others get no lock and no error here: whose rows they may change, row security says.
///
/// # Errors
/// As the statements.
pub fn lock_of_session(caller: &Caller) -> Result<()> {
    let snapshot = Snapshot::latest()?;
    let Some(found) = db::organization::find(&snapshot, &guc::organization())? else {
        return Ok(());
    };
    let context = Context::new(*caller, found);
    let holds = context.holds(&snapshot, Level::Admin)?;
    drop(snapshot);
    if holds {
        lock(context.organization.id);
    }
    Ok(())
}

/// Applies a document, or says what it would change.
///
/// # Errors
/// `22023` with every mistake of the document; nothing is applied then.
pub fn sync(context: &Context, document: &Value, dry_run: bool) -> Result<Value> {
    let organization_id = context.organization.id;
    if !dry_run {
        lock(organization_id);
    }
    let stored = db::catalog::load(&Snapshot::latest()?, organization_id)?;
    let (wanted, warnings) = catalog::parse(document, &Known::of(&stored)).map_err(refused)?;
    let problems = express::problems(&wanted, &context.organization.default_provider);
    if !problems.is_empty() {
        return Err(refused(problems));
    }
    let difference = catalog::compare(&stored, &wanted);
    if !dry_run {
        let _telling = Telling::begin();
        db::catalog::defer_rules()?;
        db::catalog::store(organization_id, &wanted, &difference)?;
        db::catalog::judge_rules()?;
        if !difference.is_empty() {
            announce(context, &difference)?;
        }
    }
    Ok(difference.to_json(&warnings))
}

fn refused(problems: Vec<Problem>) -> Error {
    let (message, detail) = catalog::summary(&problems);
    Error::invalid(message).detail(detail)
}

fn announce(context: &Context, difference: &Difference) -> Result<()> {
    let of = |changes: &Changes| json!({"created": changes.created, "updated": changes.updated});
    db::event::append(&Event {
        kind: "catalog.changed",
        organization_id: context.organization.id,
        organization: &context.organization.slug,
        customer_id: Uuid::nil(),
        at: context.now,
        data: json!({
            "features": of(&difference.features),
            "creditSystems": of(&difference.credit_systems),
            "creditPacks": of(&difference.credit_packs),
            "planGroups": of(&difference.plan_groups),
            "plans": of(&difference.plans),
        }),
    })
}

thread_local! {
    /// Depth of syncs: they tell by themselves what their statements change.
    static TELLING: Cell<u32> = const { Cell::new(0) };
}

struct Telling;

impl Telling {
    fn begin() -> Self {
        TELLING.set(TELLING.get().saturating_add(1));
        Self
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        TELLING.set(TELLING.get().saturating_sub(1));
    }
}

/// Keeps creation times at or before a clock that was set back, which is no change of the catalog.
///
/// # Errors
/// As the statement.
pub fn lower_creation(organization_id: Uuid, at: DateTime<Utc>) -> Result<()> {
    let _telling = Telling::begin();
    db::catalog::lower_creation(organization_id, at)
}

/// Tells that somebody's statement has changed a table of an organization's catalog: one event for
/// each transaction, that names its tables.
///
/// # Errors
/// As the statements.
pub fn tell(caller: &Caller, organization_id: Uuid, relation: &str) -> Result<()> {
    if TELLING.get() > 0 {
        return Ok(());
    }
    let found = db::organization::find_by_id(&Snapshot::latest()?, organization_id)?;
    let Some(organization) = found else {
        return Ok(());
    };
    let context = Context::new(*caller, organization);
    let event = Event {
        kind: "catalog.changed",
        organization_id,
        organization: &context.organization.slug,
        customer_id: Uuid::nil(),
        at: context.now,
        data: json!({ "tables": [relation] }),
    };
    db::event::append_in_transaction(&event, "tables", relation)
}

/// The organization's catalog.
///
/// # Errors
/// As `db::catalog::load`.
pub fn load(context: &Context) -> Result<Catalog> {
    db::catalog::load(&Snapshot::latest()?, context.organization.id)
}

/// Refuses a plan whose provider cannot express its price or interval.
fn refuse_unsaleable(row: &Map<String, Value>) -> Result<()> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let Some(provider) = text("provider").and_then(owostack_provider::find) else {
        return Ok(());
    };
    let cadence = text("billing_interval").and_then(|word| Cadence::parse(word).ok());
    let price = express::Price {
        amount: row.get("price_amount").and_then(Value::as_i64).unwrap_or(0),
        currency: text("currency"),
        cadence: cadence.filter(|_| text("billing_type") != Some("one_time")),
    };
    match express::problem(provider, price) {
        Some(problem) => Err(Error::invalid(format!(
            "owo.plan.billing_interval: {problem}"
        ))),
        None => Ok(()),
    }
}

/// A row of a catalog table in its normal form.
///
/// # Errors
/// `22023` with every mistake of the row, by column; `42704` for another table.
pub fn columns(relation: &str, columns: &Map<String, Value>) -> Result<Value> {
    let table = Table::parse(relation)
        .ok_or_else(|| Error::undefined(format!("owo.{relation} is no table of the catalog")))?;
    match catalog::read_row(table, columns) {
        Ok(row) => {
            let mut normal = row.columns();
            if table == Table::Plan {
                refuse_unsaleable(&normal)?;
            }
            // A name may be left out; any other NULL stays one, for the table to refuse.
            let null = |column: &String| columns.get(column).is_some_and(Value::is_null);
            for (column, value) in &mut normal {
                if column != "name" && null(column) {
                    *value = Value::Null;
                }
            }
            Ok(Value::Object(normal))
        }
        Err(problems) => {
            let (_, detail) = catalog::summary(&problems);
            let message = match problems.as_slice() {
                [only] => format!("owo.{relation}.{only}"),
                several => format!("row of owo.{relation} has {} errors", several.len()),
            };
            let error = Error::invalid(message);
            Err(if problems.len() > 1 {
                error.detail(detail)
            } else {
                error
            })
        }
    }
}
