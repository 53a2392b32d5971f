//! Levels, and the Postgres privileges that go with them (`api.md` 9).
//!
//! Called by `owo_grant_role`. Two gates stand behind each other: a role needs the privilege on the
//! function, and a grant for the organization that the call acts on. Invariant: what is not listed
//! here is for the owner alone. That holds above all for trigger functions: whoever may execute one
//! can attach it to a table of his own and have it run with the owner's rights on rows of his own.

use crate::backend::call::Caller;
use crate::backend::lock::{self, Class, Mode};
use crate::backend::spi::{self, Snapshot};
use crate::db;
use crate::db::role::{Relation, Routine};
use crate::error::{Error, Result};
use crate::flow::{context, organization};
use pgrx::pg_sys;
use std::collections::BTreeSet;

/// Who is given a level.
#[derive(Debug, Clone)]
pub struct Role {
    pub id: pg_sys::Oid,
    pub name: String,
}

/// Functions of `reader`.
const READER_ROUTINES: &[&str] = &[
    "owo_check",
    "owo_allowed",
    "owo_require",
    "owo_limit",
    "owo_value",
    "owo_features",
    "owo_explain",
    "owo_entities",
    "owo_customer_by_identity",
    "owo_catalog",
    "owo_plans",
    "owo_plan",
    "owo_attach_preview",
    "owo_checkout_get",
    "owo_credits",
    "owo_rate",
    "owo_billing_usage",
    "owo_invoice_html",
    "owo_wallet",
    "owo_version",
    // What policies and views call.
    "_organizations",
    "_worker_status",
    "_provider_status",
    "_meter_stats",
    "_bound_accounts",
];
/// Functions of `app`, besides those of `reader`.
const APP_ROUTINES: &[&str] = &[
    "owo_track",
    "owo_consume",
    "owo_track_batch",
    "owo_reserve",
    "owo_settle",
    "owo_release",
    "owo_customer",
    "owo_customer_delete",
    "owo_entity_add",
    "owo_entity_remove",
    "owo_identity_link",
    "owo_identity_unlink",
    "owo_attach",
    "owo_checkout",
    "owo_cancel",
    "owo_uncancel",
    "owo_pause",
    "owo_resume",
    "owo_addon",
    "owo_wallet_setup",
    "owo_wallet_remove",
    "owo_enforce",
    "owo_enforce_table",
    "owo_unenforce_table",
];
/// Private functions of `admin`, besides every public one: the default of `organization_id`.
const ADMIN_ROUTINES: &[&str] = &["_organization"];
/// Tables that `admin` may change by plain SQL.
const CATALOG_TABLES: &[&str] = &[
    "owo.feature",
    "owo.credit_system",
    "owo.credit_system_feature",
    "owo.credit_pack",
    "owo.plan_group",
    "owo.plan_group_feature",
    "owo.plan",
    "owo.plan_cycle",
    "owo.plan_feature",
];

/// Gives or takes back a level, and the Postgres privileges that go with it.
///
/// # Errors
/// `22023` unknown level or the owner's own role, `42704` unknown organization, `42501` when the
/// caller is no admin of all organizations.
pub fn give(caller: &Caller, role: &Role, level: &str, slug: Option<&str>) -> Result<()> {
    organization::require_everywhere(caller)?;
    if !["reader", "app", "webhook", "admin", "none"].contains(&level) {
        return Err(Error::invalid(format!("level \"{level}\" is not known"))
            .hint("Levels are reader, app, webhook, admin and none."));
    }
    if role.id == caller.owner {
        // Taking back would take the owner's rights on its own tables.
        return Err(Error::invalid(format!(
            "role \"{}\" owns the extension and holds every level",
            role.name
        )));
    }
    context::ensure_bound()?;
    lock::acquire(Class::Installation, 0, Mode::Exclusive);
    let snapshot = Snapshot::latest()?;
    let organization_id = slug
        .map(|slug| organization::require(&snapshot, slug))
        .transpose()?
        .map(|o| o.id);
    if !db::role::is_known(&snapshot, role.id)? {
        // Whatever stands under this name was given to a role that has been dropped.
        db::role::revoke(&role.name, None)?;
    }
    if level == "none" {
        db::role::revoke(&role.name, organization_id)?;
    } else {
        db::role::grant(&role.name, level, organization_id)?;
    }
    let snapshot = Snapshot::latest()?;
    let levels = Levels::of(&db::role::levels(&snapshot, &role.name)?);
    let routines = db::role::routines(&snapshot, role.id)?;
    apply_to_schemas(&snapshot, &role.name, levels, &routines)?;
    apply_to_routines(&role.name, levels, &routines)?;
    apply_to_relations(&snapshot, role, levels)
}

/// The levels that a role holds somewhere, with those that they include.
#[derive(Debug, Clone, Copy)]
struct Levels {
    any: bool,
    reader: bool,
    app: bool,
    webhook: bool,
    admin: bool,
}

impl Levels {
    fn of(held: &[String]) -> Self {
        let has = |level: &str| held.iter().any(|held| held == level);
        let admin = has("admin");
        let app = has("app") || admin;
        Self {
            any: !held.is_empty(),
            reader: has("reader") || app,
            app,
            webhook: has("webhook") || admin,
            admin,
        }
    }

    fn may_execute(self, routine: &Routine) -> bool {
        let name = routine.name.as_str();
        let is_public = name.starts_with("owo_") && !routine.is_trigger;
        let hooks = name.starts_with("owo_webhook") && name != "owo_webhook_replay";
        (self.reader && READER_ROUTINES.contains(&name))
            || (self.app && APP_ROUTINES.contains(&name))
            || (self.webhook && hooks)
            || (self.admin && (is_public || ADMIN_ROUTINES.contains(&name)))
    }

    /// What the levels may do with the rows that policies show, in alphabetical order.
    fn privileges(self, relation: &Relation) -> &'static [&'static str] {
        if self.admin && CATALOG_TABLES.contains(&relation.name.as_str()) {
            &["DELETE", "INSERT", "SELECT", "UPDATE"]
        } else if self.reader && relation.is_guarded {
            &["SELECT"]
        } else {
            &[]
        }
    }
}

fn apply_to_schemas(
    snapshot: &Snapshot,
    role_name: &str,
    levels: Levels,
    routines: &[Routine],
) -> Result<()> {
    let role = quote(role_name);
    // What the role holds here itself is the sign that its levels still count: see `db::role`.
    spi::utility(&if levels.any {
        format!("GRANT USAGE ON SCHEMA owo TO {role}")
    } else {
        format!("REVOKE ALL ON SCHEMA owo FROM {role}")
    })?;
    let schemas: BTreeSet<&str> = routines.iter().map(|r| r.schema.as_str()).collect();
    for schema in schemas {
        // The extension's schema may be public, whose USAGE others rely on: never revoked there, and
        // given only where it is missing, so that a role without a level can be dropped.
        if levels.any && !db::role::may_enter(snapshot, role_name, schema)? {
            spi::utility(&format!("GRANT USAGE ON SCHEMA {schema} TO {role}"))?;
        }
    }
    Ok(())
}

fn apply_to_routines(role_name: &str, levels: Levels, routines: &[Routine]) -> Result<()> {
    let role = quote(role_name);
    for routine in routines {
        let signature = &routine.signature;
        match (levels.may_execute(routine), routine.is_held) {
            (true, false) => {
                spi::utility(&format!("GRANT EXECUTE ON ROUTINE {signature} TO {role}"))?;
            }
            (false, true) => {
                spi::utility(&format!("REVOKE ALL ON ROUTINE {signature} FROM {role}"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn apply_to_relations(snapshot: &Snapshot, role: &Role, levels: Levels) -> Result<()> {
    let quoted = quote(&role.name);
    for relation in db::role::relations(snapshot, role.id)? {
        let name = relation.name.as_str();
        let wanted = levels.privileges(&relation);
        if relation.held == wanted {
            continue;
        }
        if relation.is_partitioned {
            // Postgres takes no lock for GRANT, and fails when a partition is attached meanwhile.
            spi::utility(&format!("LOCK TABLE {name} IN SHARE UPDATE EXCLUSIVE MODE"))?;
        }
        spi::utility(&format!("REVOKE ALL ON {name} FROM {quoted}"))?;
        if !wanted.is_empty() {
            let list = wanted.join(", ");
            spi::utility(&format!("GRANT {list} ON {name} TO {quoted}"))?;
        }
    }
    Ok(())
}

/// An identifier between double quotes.
fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
