//! What changed rows of a user's table say: customer, entity, value; one by one or by customer.
//!
//! Texts are cast and compared byte by byte, so that no collation makes two customers one. Rows of
//! an UPDATE are paired by their order, which is the same in both tables of changed rows.

use super::quote;
use crate::backend::guest::{self, Rows};
use crate::error::Result;
use pgrx::pg_sys;

/// How a value is computed from a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// One for each row.
    One,
    Column(String),
    Expression(String),
}

/// What is read from each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The name by which an expression may qualify its columns.
    pub table: String,
    pub customer: String,
    pub entity: Option<String>,
    pub value: Value,
    /// Its columns as `catalog::computed` lists them, where rows do not hold all of them.
    pub computed: Option<String>,
}

/// Plans are kept under the trigger that asks.
pub type Keep = Option<(pg_sys::Oid, &'static str)>;

impl Reading {
    fn customer_sql(&self) -> String {
        column_sql(&self.customer)
    }

    fn entity_sql(&self) -> String {
        self.entity
            .as_deref()
            .map_or_else(|| "NULL::pg_catalog.text".to_owned(), column_sql)
    }

    fn value_sql(&self) -> String {
        match &self.value {
            Value::One => "1::pg_catalog.numeric".to_owned(),
            Value::Column(name) => format!("{}::pg_catalog.numeric", quote(name)),
            // The line ends keep a comment in the expression from hiding what follows.
            Value::Expression(text) => format!("CAST((\n{text}\n) AS pg_catalog.numeric)"),
        }
    }

    /// Rows with all their columns, under the table's name.
    fn whole(&self, rows: &str) -> String {
        let table = quote(&self.table);
        match &self.computed {
            None => format!("{rows} AS {table}"),
            Some(columns) => format!("(SELECT {columns} FROM {rows}) AS {table}"),
        }
    }

    fn places(&self, rows: &str) -> String {
        format!(
            "SELECT {} AS c, {} AS e FROM {}",
            self.customer_sql(),
            self.entity_sql(),
            self.whole(rows),
        )
    }

    fn values(&self, rows: &str) -> String {
        format!(
            "SELECT {} AS c, {} AS e, {} AS v FROM {}",
            self.customer_sql(),
            self.entity_sql(),
            self.value_sql(),
            self.whole(rows),
        )
    }
}

fn column_sql(name: &str) -> String {
    format!("{}::pg_catalog.text COLLATE pg_catalog.\"C\"", quote(name))
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub customer: Option<String>,
    pub entity: Option<String>,
    /// A number as text, not yet within our bounds.
    pub value: Option<String>,
}

/// Reads the one row of a copy named `rows`.
///
/// # Errors
/// As `guest::select`.
pub fn cell(rows: Rows, name: &str, reading: &Reading, keep: Keep) -> Result<Option<Cell>> {
    let sql = format!(
        "SELECT c, e, v::pg_catalog.text FROM ({}) AS r",
        reading.values(name)
    );
    let cells = guest::select(rows, &sql, keep, |row| {
        Ok(Cell {
            customer: row.get(0)?,
            entity: row.get(1)?,
            value: row.get(2)?,
        })
    })?;
    Ok(cells.into_iter().next())
}

/// What a statement asks for, at one customer and entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    pub customer: Option<String>,
    pub entity: Option<String>,
    /// A number as text, not yet within our bounds.
    pub amount: String,
    /// Whether rows came to this customer, rather than changed their value.
    pub asks: bool,
    /// Whether the value of a row is NULL.
    pub missing: bool,
}

fn sums(rows: Rows, sql: &str, keep: Keep) -> Result<Vec<Sum>> {
    guest::select(rows, sql, keep, |row| {
        Ok(Sum {
            customer: row.get(0)?,
            entity: row.get(1)?,
            amount: row.get(2)?,
            asks: row.get(3)?,
            missing: row.get(4)?,
        })
    })
}

/// Values of inserted rows, by customer and entity.
///
/// # Errors
/// As `guest::select`.
pub fn inserted(rows: Rows, reading: &Reading, keep: Keep) -> Result<Vec<Sum>> {
    let sql = if reading.value == Value::One {
        format!(
            "SELECT c, e, count(*)::pg_catalog.text, true, false FROM ({}) AS r GROUP BY c, e",
            reading.places("owo_new")
        )
    } else {
        format!(
            "SELECT c, e, coalesce(sum(v), 0)::pg_catalog.text, true, count(*) <> count(v)
               FROM ({}) AS r GROUP BY c, e",
            reading.values("owo_new")
        )
    };
    sums(rows, &sql, keep)
}

/// Values of deleted rows as amounts to give back, by customer and entity.
///
/// # Errors
/// As `guest::select`.
pub fn deleted(rows: Rows, reading: &Reading, keep: Keep) -> Result<Vec<Sum>> {
    let sql = format!(
        "SELECT c, e, (- coalesce(sum(v), 0))::pg_catalog.text, false, false
           FROM ({}) AS r WHERE c IS NOT NULL GROUP BY c, e",
        reading.values("owo_old")
    );
    sums(rows, &sql, keep)
}

/// Differences of updated rows, by customer and entity; rows that went to another customer or
/// entity count there in full, and are given back here if `returns`.
///
/// # Errors
/// As `guest::select`.
pub fn updated(rows: Rows, reading: &Reading, returns: bool, keep: Keep) -> Result<Vec<Sum>> {
    let left = if returns {
        "UNION ALL
         SELECT oc, oe, - coalesce(ov, 0), false, false FROM p WHERE moved AND oc IS NOT NULL"
    } else {
        ""
    };
    let sql = format!(
        "WITH o AS (SELECT row_number() OVER () AS i, r.* FROM ({old}) AS r),
              n AS (SELECT row_number() OVER () AS i, r.* FROM ({new}) AS r),
              p AS (SELECT o.c AS oc, o.e AS oe, o.v AS ov, n.c AS nc, n.e AS ne, n.v AS nv,
                           n.c IS DISTINCT FROM o.c OR n.e IS DISTINCT FROM o.e AS moved
                      FROM o JOIN n ON n.i = o.i)
         SELECT c, e, coalesce(sum(v), 0)::pg_catalog.text, bool_or(asks), bool_or(missing)
           FROM (SELECT nc, ne, CASE WHEN moved THEN nv ELSE nv - coalesce(ov, 0) END, moved,
                        nv IS NULL
                   FROM p WHERE moved OR nv IS DISTINCT FROM ov
                 {left}) AS d (c, e, v, asks, missing)
          GROUP BY c, e",
        old = reading.values("owo_old"),
        new = reading.values("owo_new"),
    );
    sums(rows, &sql, keep)
}

/// Entities that left and came, at one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub customer: Option<String>,
    pub left: Vec<String>,
    pub came: Vec<String>,
    /// Whether a row that came names no entity.
    pub missing: bool,
}

fn places(rows: Rows, sql: &str, keep: Keep) -> Result<Vec<Places>> {
    guest::select(rows, sql, keep, |row| {
        Ok(Places {
            customer: row.get(0)?,
            left: row.get(1)?,
            came: row.get(2)?,
            missing: row.get(3)?,
        })
    })
}

const NONE: &str = "'{}'::pg_catalog.text[]";

/// Entities of inserted rows, by customer.
///
/// # Errors
/// As `guest::select`.
pub fn came(rows: Rows, reading: &Reading, keep: Keep) -> Result<Vec<Places>> {
    let sql = format!(
        "SELECT c, {NONE}, coalesce(array_agg(e) FILTER (WHERE e IS NOT NULL), {NONE}),
                count(*) <> count(e)
           FROM ({}) AS r GROUP BY c",
        reading.places("owo_new")
    );
    places(rows, &sql, keep)
}

/// Entities of deleted rows, by customer.
///
/// # Errors
/// As `guest::select`.
pub fn left(rows: Rows, reading: &Reading, keep: Keep) -> Result<Vec<Places>> {
    let sql = format!(
        "SELECT c, array_agg(e), {NONE}, false
           FROM ({}) AS r WHERE c IS NOT NULL AND e IS NOT NULL GROUP BY c",
        reading.places("owo_old")
    );
    places(rows, &sql, keep)
}

/// Entities of updated rows that left a customer or came to one.
///
/// # Errors
/// As `guest::select`.
pub fn changed(rows: Rows, reading: &Reading, keep: Keep) -> Result<Vec<Places>> {
    let sql = format!(
        "SELECT c, coalesce(array_agg(e) FILTER (WHERE d < 0 AND e IS NOT NULL), {NONE}),
                coalesce(array_agg(e) FILTER (WHERE d > 0 AND e IS NOT NULL), {NONE}),
                coalesce(bool_or(d > 0 AND e IS NULL), false)
           FROM (SELECT c, e, sum(d) AS d
                   FROM (SELECT r.c, r.e, -1 AS d FROM ({old}) AS r
                          UNION ALL
                         SELECT r.c, r.e, 1 FROM ({new}) AS r) AS u
                  GROUP BY c, e HAVING sum(d) <> 0) AS x
          GROUP BY c",
        old = reading.places("owo_old"),
        new = reading.places("owo_new"),
    );
    places(rows, &sql, keep)
}

/// The statement that reads a table from one end to the other, partitions included.
pub fn all_of(schema: &str, table: &str, with_partitions: bool) -> String {
    let only = if with_partitions { "" } else { "ONLY " };
    format!(
        "SELECT r.* FROM {only}{} AS r",
        super::qualified(schema, table)
    )
}
