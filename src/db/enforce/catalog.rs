//! What the system catalog says of a table that is, or is to be, enforced.

use crate::arguments;
use crate::backend::spi::{self, Row, Snapshot, Statement};
use crate::backend::table::Table;
use crate::error::{Error, Result};
use pgrx::pg_sys;

/// A relation as far as enforcing it is concerned.
#[derive(Debug, Clone)]
pub struct Target {
    pub table: Table,
    /// As in `pg_class.relkind`.
    pub kind: String,
    pub temporary: bool,
    /// Whether it belongs to schema `owo` or to the system.
    pub reserved: bool,
    /// Rows reach it through a parent, or it through children: statement triggers would miss some.
    pub in_tree: bool,
}

fn table(row: &Row) -> Result<Table> {
    Ok(Table {
        oid: row.get(0)?,
        schema: row.get(1)?,
        name: row.get(2)?,
        owner: row.get(3)?,
    })
}

/// The relation with that oid.
///
/// # Errors
/// As `spi::read`.
pub fn target(snapshot: &Snapshot, oid: pg_sys::Oid) -> Result<Option<Target>> {
    static TARGET: Statement = Statement::new(
        "SELECT c.oid, n.nspname::text, c.relname::text, c.relowner, c.relkind::text,
                c.relpersistence = 't',
                n.nspname IN ('owo', 'pg_catalog', 'information_schema', 'pg_toast'),
                c.relkind = 'p' OR c.relhassubclass
                    OR EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)
           FROM pg_class AS c
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE c.oid = $1",
    );
    let found = spi::read(snapshot, &TARGET, arguments![oid], |row| {
        Ok(Target {
            table: table(row)?,
            kind: row.get(4)?,
            temporary: row.get(5)?,
            reserved: row.get(6)?,
            in_tree: row.get(7)?,
        })
    })?;
    Ok(found.into_iter().next())
}

/// The table on which a trigger was made that fires on a partition of it.
///
/// # Errors
/// When the trigger vanished.
pub fn root(snapshot: &Snapshot, trigger: pg_sys::Oid) -> Result<Table> {
    static ROOT: Statement = Statement::new(
        "WITH RECURSIVE up AS (
             SELECT tgrelid, tgparentid FROM pg_trigger WHERE oid = $1
              UNION ALL
             SELECT t.tgrelid, t.tgparentid
               FROM up JOIN pg_trigger AS t ON t.oid = up.tgparentid)
         SELECT c.oid, n.nspname::text, c.relname::text, c.relowner
           FROM up
           JOIN pg_class AS c ON c.oid = up.tgrelid
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE up.tgparentid = 0",
    );
    spi::read(snapshot, &ROOT, arguments![trigger], table)?
        .pop()
        .ok_or_else(|| Error::internal("a trigger without table"))
}

/// Names of the columns of a relation.
///
/// # Errors
/// As `spi::read`.
pub fn columns(snapshot: &Snapshot, oid: pg_sys::Oid) -> Result<Vec<String>> {
    static COLUMNS: Statement = Statement::new(
        "SELECT attname::text FROM pg_attribute
          WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
          ORDER BY attnum",
    );
    spi::read(snapshot, &COLUMNS, arguments![oid], |row| row.get(0))
}

/// The columns of a relation as a list for SELECT over rows of it, virtual ones computed as Postgres
/// does where it reads the table itself: by an expression that knows nothing of users but columns.
///
/// # Errors
/// As `spi::read`; when the relation vanished.
pub fn computed(snapshot: &Snapshot, oid: pg_sys::Oid) -> Result<String> {
    static COMPUTED: Statement = Statement::new(
        "SELECT string_agg(
                CASE a.attgenerated WHEN 'v'
                     THEN format('CAST((%s) AS %s)%s AS %I', pg_get_expr(d.adbin, d.adrelid),
                                 format_type(a.atttypid, a.atttypmod), k.text, a.attname)
                     ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
           FROM pg_attribute AS a
           LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           LEFT JOIN LATERAL (
                SELECT format(' COLLATE %I.%I', n.nspname, c.collname) AS text
                  FROM pg_collation AS c JOIN pg_namespace AS n ON n.oid = c.collnamespace
                 WHERE c.oid = a.attcollation) AS k ON true
          WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped",
    );
    spi::read(snapshot, &COMPUTED, arguments![oid], |row| row.get(0))?
        .pop()
        .ok_or_else(|| Error::internal("a table without columns"))
}

/// Whether a unique index keeps `entity` unique, alone or together with `customer`.
///
/// Checked at once: two rows of one key, if only until the end of a statement, would share a slot.
///
/// # Errors
/// As `spi::read`.
pub fn is_unique(
    snapshot: &Snapshot,
    oid: pg_sys::Oid,
    entity: &str,
    customer: &str,
) -> Result<bool> {
    static UNIQUE: Statement = Statement::new(
        "SELECT EXISTS (
             SELECT FROM pg_index AS i
              WHERE i.indrelid = $1 AND i.indisunique AND i.indimmediate AND i.indisvalid
                AND i.indpred IS NULL AND i.indexprs IS NULL
                AND (SELECT bool_or(a.attname = $2) AND bool_and(a.attname IN ($2, $3))
                       FROM unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) AS k (number)
                       JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attnum = k.number))",
    );
    let found = spi::read(
        snapshot,
        &UNIQUE,
        arguments![oid, entity, customer],
        |row| row.get::<bool>(0),
    )?;
    Ok(found.into_iter().any(|unique| unique))
}

/// Whether the text of a column is the same in every session.
///
/// That of a date, a float and the like follows settings such as the time zone: a row could take a
/// slot under one name and free it under another.
///
/// # Errors
/// As `spi::read`.
pub fn is_steady(snapshot: &Snapshot, oid: pg_sys::Oid, column: &str) -> Result<bool> {
    static STEADY: Statement = Statement::new(
        "WITH RECURSIVE kind AS (
             SELECT a.atttypid AS oid FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attname = $2
              UNION ALL
             SELECT t.typbasetype FROM kind JOIN pg_type AS t ON t.oid = kind.oid
              WHERE t.typtype = 'd')
         SELECT NOT EXISTS (
             SELECT FROM kind JOIN pg_type AS t ON t.oid = kind.oid
              WHERE t.typcategory IN ('A', 'C', 'D', 'R', 'T')
                 OR t.oid IN ('float4'::regtype, 'float8'::regtype, 'money'::regtype,
                              'bytea'::regtype))",
    );
    let found = spi::read(snapshot, &STEADY, arguments![oid, column], |row| {
        row.get::<bool>(0)
    })?;
    Ok(found.into_iter().any(|steady| steady))
}

/// The partitions that hold rows of a partitioned table.
///
/// # Errors
/// As `spi::read`.
pub fn leaves(snapshot: &Snapshot, oid: pg_sys::Oid) -> Result<Vec<Table>> {
    static LEAVES: Statement = Statement::new(
        "SELECT c.oid, n.nspname::text, c.relname::text, c.relowner
           FROM pg_partition_tree($1::regclass) AS p
           JOIN pg_class AS c ON c.oid = p.relid
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
          WHERE p.isleaf AND c.relkind = 'r' AND p.relid <> $1::regclass
          ORDER BY c.oid",
    );
    spi::read(snapshot, &LEAVES, arguments![oid], table)
}

/// An enforcing trigger.
#[derive(Debug, Clone)]
pub struct Enforcing {
    pub name: String,
    pub table: Table,
    /// The arguments between its parentheses.
    pub arguments: Vec<String>,
}

fn enforcing(row: &Row) -> Result<Enforcing> {
    Ok(Enforcing {
        table: table(row)?,
        name: row.get(4)?,
        arguments: texts(&row.get::<String>(5)?)?,
    })
}

/// The enforcing triggers made on a table, and on its partitions.
///
/// # Errors
/// As `spi::read`.
pub fn triggers(snapshot: &Snapshot, oid: pg_sys::Oid) -> Result<Vec<Enforcing>> {
    static TRIGGERS: Statement = Statement::new(
        "SELECT c.oid, n.nspname::text, c.relname::text, c.relowner, t.tgname::text,
                encode(t.tgargs, 'hex')
           FROM pg_trigger AS t
           JOIN pg_class AS c ON c.oid = t.tgrelid
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
           JOIN pg_depend AS d
             ON d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid AND d.deptype = 'e'
           JOIN pg_extension AS e
             ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
          WHERE (t.tgrelid = $1
                 OR t.tgrelid IN (SELECT relid FROM pg_partition_tree($1::regclass)))
            AND t.tgparentid = 0 AND NOT t.tgisinternal AND e.extname = 'owostack'
          ORDER BY t.tgrelid, t.tgname",
    );
    spi::read(snapshot, &TRIGGERS, arguments![oid], enforcing)
}

/// Enforcing triggers of other tables that fire in an ordinary session when rows come.
///
/// # Errors
/// As `spi::read`.
pub fn taking_elsewhere(snapshot: &Snapshot, oid: pg_sys::Oid) -> Result<Vec<Enforcing>> {
    static TRIGGERS: Statement = Statement::new(
        "SELECT c.oid, n.nspname::text, c.relname::text, c.relowner, t.tgname::text,
                encode(t.tgargs, 'hex')
           FROM pg_trigger AS t
           JOIN pg_class AS c ON c.oid = t.tgrelid
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
           JOIN pg_depend AS d
             ON d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid AND d.deptype = 'e'
           JOIN pg_extension AS e
             ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
          WHERE t.tgrelid <> $1 AND t.tgparentid = 0 AND t.tgenabled IN ('O', 'A')
            AND t.tgtype & 4 <> 0 AND e.extname = 'owostack'
          ORDER BY n.nspname, c.relname",
    );
    spi::read(snapshot, &TRIGGERS, arguments![oid], enforcing)
}

/// Texts that each end with NUL, printed in hexadecimal digits.
pub(super) fn texts(digits: &str) -> Result<Vec<String>> {
    let broken = || Error::internal("the arguments of a trigger");
    let mut texts = Vec::new();
    let mut text = Vec::new();
    let mut rest = digits;
    while let Some((pair, tail)) = rest.split_at_checked(2) {
        match u8::from_str_radix(pair, 16).map_err(|_| broken())? {
            0 => texts.push(String::from_utf8(std::mem::take(&mut text)).map_err(|_| broken())?),
            byte => text.push(byte),
        }
        rest = tail;
    }
    Ok(texts)
}

/// The quoted, qualified name of a function of the extension.
///
/// # Errors
/// When it has none of that name.
pub fn function(snapshot: &Snapshot, name: &str) -> Result<String> {
    static FUNCTION: Statement = Statement::new(
        "SELECT format('%I.%I', n.nspname, p.proname)
           FROM pg_proc AS p
           JOIN pg_namespace AS n ON n.oid = p.pronamespace
           JOIN pg_depend AS d
             ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
           JOIN pg_extension AS e
             ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
          WHERE p.proname = $1 AND e.extname = 'owostack'",
    );
    spi::read(snapshot, &FUNCTION, arguments![name], |row| row.get(0))?
        .pop()
        .ok_or_else(|| Error::internal(format!("function {name} is missing")))
}
