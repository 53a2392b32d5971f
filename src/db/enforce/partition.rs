//! Partitions that came to an enforced table after it was enforced.
//!
//! Row triggers of a parent reach its new partitions by themselves. TRUNCATE of a partition alone
//! fires only triggers of that partition, and ATTACH fires none for the rows that are there.

use super::catalog::{Enforcing, texts};
use crate::arguments;
use crate::backend::spi::{self, Snapshot, Statement};
use crate::backend::table::Table;
use crate::error::Result;

/// A partition whose rows are not known under a trigger of one of its parents.
#[derive(Debug, Clone)]
pub struct Newcomer {
    pub partition: Table,
    /// The trigger of the parent.
    pub of: Enforcing,
    /// Whether it has a TRUNCATE trigger like it, such as one from when it was a partition before.
    pub guarded: bool,
}

/// Partitions without the TRUNCATE trigger of their parents, and those that this transaction attached,
/// among the tables that the command of the running event trigger made or changed.
///
/// A row of `pg_inherits` that is no older than the transaction tells of the latter; one that another
/// made meanwhile is counted twice, which changes nothing. What was enforced in this transaction itself
/// has looked at all partitions that were there.
///
/// # Errors
/// As `spi::read`.
pub fn newcomers(snapshot: &Snapshot) -> Result<Vec<Newcomer>> {
    static NEWCOMERS: Statement = Statement::new(
        "WITH changed AS (
             SELECT DISTINCT objid FROM pg_event_trigger_ddl_commands()
              WHERE classid = 'pg_class'::regclass)
         SELECT DISTINCT l.oid, ln.nspname::text, l.relname::text, l.relowner,
                p.oid, pn.nspname::text, p.relname::text, p.relowner,
                t.tgname::text, encode(t.tgargs, 'hex'), g.guarded
           FROM changed AS c
          CROSS JOIN LATERAL pg_partition_ancestors(c.objid::regclass) AS a
           JOIN pg_class AS p ON p.oid = a.relid AND p.relkind = 'p'
           JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
           JOIN pg_trigger AS t ON t.tgrelid = p.oid AND t.tgtype & 32 <> 0
           JOIN pg_depend AS d
             ON d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid AND d.deptype = 'e'
           JOIN pg_extension AS e
             ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
          CROSS JOIN LATERAL pg_partition_tree(c.objid::regclass) AS x
           JOIN pg_class AS l ON l.oid = x.relid AND l.relkind = 'r'
           JOIN pg_namespace AS ln ON ln.oid = l.relnamespace
          CROSS JOIN LATERAL (
                SELECT EXISTS (SELECT FROM pg_trigger AS own
                                WHERE own.tgrelid = l.oid AND own.tgfoid = t.tgfoid
                                  AND own.tgargs = t.tgargs AND own.tgtype & 32 <> 0)) AS g (guarded)
          WHERE e.extname = 'owostack'
            AND (NOT g.guarded
                 OR age(t.xmin) > 0
                    AND EXISTS (
                        SELECT FROM pg_inherits AS i
                         WHERE i.inhrelid IN (SELECT relid FROM pg_partition_ancestors(l.oid))
                           AND i.inhrelid NOT IN (SELECT relid FROM pg_partition_ancestors(p.oid))
                           AND age(i.xmin) <= 0))
          ORDER BY l.oid, t.tgname::text",
    );
    spi::read(snapshot, &NEWCOMERS, arguments![], |row| {
        let table = |first: usize| {
            Ok::<_, crate::error::Error>(Table {
                oid: row.get(first)?,
                schema: row.get(first + 1)?,
                name: row.get(first + 2)?,
                owner: row.get(first + 3)?,
            })
        };
        Ok(Newcomer {
            partition: table(0)?,
            of: Enforcing {
                table: table(4)?,
                name: row.get(8)?,
                arguments: texts(&row.get::<String>(9)?)?,
            },
            guarded: row.get(10)?,
        })
    })
}
