//! `CREATE TRIGGER` and `DROP TRIGGER` on a user's table, with the rights of who asks.

use super::{qualified, quote};
use crate::backend::spi;
use crate::backend::table::Table;
use crate::error::Result;

/// A trigger to be made.
#[derive(Debug, Clone)]
pub struct Definition<'a> {
    pub name: String,
    /// `AFTER INSERT` and the like.
    pub when: &'a str,
    /// Names for the tables of changed rows, where a statement trigger has them.
    pub referencing: &'a str,
    /// `ROW` or `STATEMENT`.
    pub each: &'a str,
    /// Quoted and qualified.
    pub function: &'a str,
    pub arguments: Vec<String>,
}

/// A text as SQL writes it, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Makes a trigger.
///
/// # Errors
/// Raised by Postgres itself where it refuses.
pub fn create(table: &Table, definition: &Definition) -> Result<()> {
    let arguments: Vec<String> = definition.arguments.iter().map(|a| literal(a)).collect();
    spi::utility(&format!(
        "CREATE TRIGGER {} {} ON {} {} FOR EACH {} EXECUTE FUNCTION {}({})",
        quote(&definition.name),
        definition.when,
        qualified(&table.schema, &table.name),
        definition.referencing,
        definition.each,
        definition.function,
        arguments.join(", "),
    ))
}

/// Drops a trigger.
///
/// # Errors
/// As [`create`].
pub fn drop(table: &Table, name: &str) -> Result<()> {
    spi::utility(&format!(
        "DROP TRIGGER {} ON {}",
        quote(name),
        qualified(&table.schema, &table.name)
    ))
}

/// Keeps writers away from the table, and its partitions, until the transaction ends.
///
/// # Errors
/// As [`create`].
pub fn lock(table: &Table) -> Result<()> {
    spi::utility(&format!(
        "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
        qualified(&table.schema, &table.name)
    ))
}
