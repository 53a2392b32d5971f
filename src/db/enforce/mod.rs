//! Enforced tables: our registry, what the system catalog says of them, their triggers, their rows.
//!
//! `registry` and `catalog` run as the extension's owner like all of `db/`; `definition` and `rows`
//! are about users' tables and run with the rights of users.

pub mod catalog;
pub mod definition;
pub mod partition;
pub mod registry;
pub mod rows;

/// An identifier between double quotes.
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A name with its schema, quoted.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote(schema), quote(name))
}
