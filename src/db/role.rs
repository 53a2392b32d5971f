//! `owo.role_grant`: which role may do what in which organization, kept by role name.

use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::error::Result;
use pgrx::pg_sys;
use uuid::Uuid;

/// Grants `g` that count for the role `$1`: given to it, or to a role that it is a member of.
///
/// Grants are kept by name, since names survive a dump into another cluster. A name can come to mean
/// another role, so the role must also hold what `owo_grant_role` gave it in Postgres: that goes
/// when a role is dropped, and comes with a dump.
macro_rules! grants {
    ($before:literal, $rest:literal) => {
        concat!(
            $before,
            " SELECT FROM owo.role_grant AS g
              CROSS JOIN LATERAL (
                    SELECT to_regrole(quote_ident(g.role_name))::oid AS oid OFFSET 0) AS r
               JOIN pg_namespace AS n ON n.nspname = 'owo'
              WHERE pg_has_role($1, r.oid, 'USAGE')
                AND EXISTS (SELECT FROM aclexplode(n.nspacl) AS a
                             WHERE a.grantee = r.oid AND a.privilege_type = 'USAGE')
                AND ",
            $rest
        )
    };
}

/// Whether `role` holds one of `levels` in the organization, directly or as a member.
///
/// # Errors
/// As `spi::read`.
pub fn holds(
    snapshot: &Snapshot,
    role: pg_sys::Oid,
    organization_id: Uuid,
    levels: Vec<&str>,
) -> Result<bool> {
    static HOLDS: Statement = Statement::new(grants!(
        "SELECT EXISTS (",
        "(g.organization_id IS NULL OR g.organization_id = $2) AND g.level = ANY ($3))"
    ));
    Ok(spi::read(
        snapshot,
        &HOLDS,
        arguments![role, organization_id, levels],
        |row| row.get::<bool>(0),
    )?
    .into_iter()
    .any(|held| held))
}

/// The organizations in which `role` holds one of `levels`; all of them for a master.
///
/// # Errors
/// As `spi::read`.
pub fn organizations(
    snapshot: &Snapshot,
    role: pg_sys::Oid,
    master: bool,
    levels: Vec<&str>,
) -> Result<Vec<Uuid>> {
    static ORGANIZATIONS: Statement = Statement::new(grants!(
        "SELECT o.id FROM owo.organization AS o WHERE $2 OR EXISTS (",
        "(g.organization_id IS NULL OR g.organization_id = o.id) AND g.level = ANY ($3))"
    ));
    spi::read(
        snapshot,
        &ORGANIZATIONS,
        arguments![role, master, levels],
        |row| row.get(0),
    )
}

/// Gives a level, replacing the one the role had in that scope.
///
/// # Errors
/// As `spi::run`.
pub fn grant(role_name: &str, level: &str, organization_id: Option<Uuid>) -> Result<()> {
    static GRANT: Statement = Statement::new(
        "INSERT INTO owo.role_grant (role_name, level, organization_id) VALUES ($1, $2, $3)
         ON CONFLICT (role_name, organization_id) DO UPDATE SET level = excluded.level",
    );
    spi::run(&GRANT, arguments![role_name, level, organization_id]).map(|_| ())
}

/// Takes back what the role had in that scope; no organization means everything.
///
/// # Errors
/// As `spi::run`.
pub fn revoke(role_name: &str, organization_id: Option<Uuid>) -> Result<()> {
    static REVOKE: Statement = Statement::new(
        "DELETE FROM owo.role_grant
          WHERE role_name = $1 AND ($2 IS NULL OR organization_id = $2)",
    );
    spi::run(&REVOKE, arguments![role_name, organization_id]).map(|_| ())
}

/// The levels that a role holds anywhere.
///
/// # Errors
/// As `spi::read`.
pub fn levels(snapshot: &Snapshot, role_name: &str) -> Result<Vec<String>> {
    static LEVELS: Statement =
        Statement::new("SELECT DISTINCT level FROM owo.role_grant WHERE role_name = $1");
    spi::read(snapshot, &LEVELS, arguments![role_name], |row| row.get(0))
}

/// Whether the role itself holds what `owo_grant_role` gives every role in Postgres.
///
/// # Errors
/// As `spi::read`.
pub fn is_known(snapshot: &Snapshot, role: pg_sys::Oid) -> Result<bool> {
    static KNOWN: Statement = Statement::new(
        "SELECT EXISTS (
             SELECT FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
              WHERE n.nspname = 'owo' AND a.grantee = $1 AND a.privilege_type = 'USAGE')",
    );
    Ok(
        spi::read(snapshot, &KNOWN, arguments![role], |row| row.get::<bool>(0))?
            .into_iter()
            .any(|known| known),
    )
}

/// Whether a role has USAGE on a schema, which is given as an identifier.
///
/// # Errors
/// As `spi::read`.
pub fn may_enter(snapshot: &Snapshot, role_name: &str, schema: &str) -> Result<bool> {
    static MAY_ENTER: Statement = Statement::new(
        "SELECT has_schema_privilege(r.oid, n.oid, 'USAGE')
           FROM pg_roles AS r, pg_namespace AS n
          WHERE r.rolname = $1 AND quote_ident(n.nspname) = $2",
    );
    Ok(
        spi::read(snapshot, &MAY_ENTER, arguments![role_name, schema], |row| {
            row.get::<bool>(0)
        })?
        .into_iter()
        .any(|enters| enters),
    )
}

/// A routine of the extension, quoted for GRANT.
pub struct Routine {
    /// `schema.name(argument types)`.
    pub signature: String,
    pub name: String,
    pub schema: String,
    pub is_trigger: bool,
    /// Whether the role itself may execute it now.
    pub is_held: bool,
}

/// Every routine that belongs to the extension, with what a role holds on it.
///
/// # Errors
/// As `spi::read`.
pub fn routines(snapshot: &Snapshot, role: pg_sys::Oid) -> Result<Vec<Routine>> {
    static ROUTINES: Statement = Statement::new(
        "SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
                p.proname::text, quote_ident(n.nspname), p.prorettype = 'trigger'::regtype,
                EXISTS (SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee = $1)
           FROM pg_depend AS d
           JOIN pg_extension AS e ON e.oid = d.refobjid
           JOIN pg_proc AS p ON p.oid = d.objid
           JOIN pg_namespace AS n ON n.oid = p.pronamespace
          WHERE d.refclassid = 'pg_extension'::regclass
            AND d.classid = 'pg_proc'::regclass
            AND e.extname = 'owostack'
          ORDER BY 1",
    );
    spi::read(snapshot, &ROUTINES, arguments![role], |row| {
        Ok(Routine {
            signature: row.get(0)?,
            name: row.get(1)?,
            schema: row.get(2)?,
            is_trigger: row.get(3)?,
            is_held: row.get(4)?,
        })
    })
}

/// A table or view of the extension, quoted for GRANT.
pub struct Relation {
    /// `schema.name`.
    pub name: String,
    /// A view (which shows what its reader may see of the tables), or a table whose policies say
    /// who sees which row. Anything else is for the owner alone.
    pub is_guarded: bool,
    /// Whether partitions come to it while nobody looks.
    pub is_partitioned: bool,
    /// What the role itself holds on it now, in alphabetical order.
    pub held: Vec<String>,
}

/// Tables and views that belong to the extension, with what a role holds on them.
///
/// # Errors
/// As `spi::read`.
pub fn relations(snapshot: &Snapshot, role: pg_sys::Oid) -> Result<Vec<Relation>> {
    static RELATIONS: Statement = Statement::new(
        "SELECT format('%I.%I', n.nspname, c.relname),
                c.relkind = 'v' OR c.relrowsecurity
                    AND EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid),
                c.relkind = 'p',
                ARRAY(SELECT a.privilege_type FROM aclexplode(c.relacl) AS a
                       WHERE a.grantee = $1 ORDER BY 1)
           FROM pg_depend AS d
           JOIN pg_extension AS e ON e.oid = d.refobjid
           JOIN pg_class AS c ON c.oid = d.objid
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE d.refclassid = 'pg_extension'::regclass
            AND d.classid = 'pg_class'::regclass
            AND e.extname = 'owostack'
            AND c.relkind IN ('r', 'p', 'v')
          ORDER BY 1",
    );
    spi::read(snapshot, &RELATIONS, arguments![role], |row| {
        Ok(Relation {
            name: row.get(0)?,
            is_guarded: row.get(1)?,
            is_partitioned: row.get(2)?,
            held: row.get(3)?,
        })
    })
}

/// Whether `role` holds one of `levels` for all organizations.
///
/// # Errors
/// As `spi::read`.
pub fn holds_everywhere(snapshot: &Snapshot, role: pg_sys::Oid, levels: Vec<&str>) -> Result<bool> {
    static HOLDS: Statement = Statement::new(grants!(
        "SELECT EXISTS (",
        "g.organization_id IS NULL AND g.level = ANY ($2))"
    ));
    Ok(
        spi::read(snapshot, &HOLDS, arguments![role, levels], |row| {
            row.get::<bool>(0)
        })?
        .into_iter()
        .any(|held| held),
    )
}
