//! The triggers that put a table under a feature: which there are, what they are called.

use super::gate::Gate;
use super::rule::Rule;
use crate::backend::spi::Snapshot;
use crate::backend::table::Table;
use crate::db;
use crate::db::enforce::catalog::Target;
use crate::db::enforce::definition::{self, Definition};
use crate::error::Result;
use owostack_domain::ids;

/// Longest part of a trigger's name that comes from the feature, in bytes.
const NAME_BYTES: usize = 32;

/// When triggers fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Row,
    Statement,
}

impl Mode {
    /// As `owo.enforced_table` says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Statement => "statement",
        }
    }
}

/// The triggers to be made.
pub struct Plan {
    pub gate: Gate,
    pub target: Target,
    mode: Mode,
    /// Quoted, qualified name of the trigger function.
    function: String,
    /// Partitions, which TRUNCATE may name by themselves.
    leaves: Vec<Table>,
    earlier: Vec<db::enforce::catalog::Enforcing>,
}

impl Plan {
    /// # Errors
    /// As the statements.
    pub fn new(gate: Gate, target: Target, mode: Mode) -> Result<Self> {
        let snapshot = Snapshot::latest()?;
        let leaves = if target.kind == "p" {
            db::enforce::catalog::leaves(&snapshot, target.table.oid)?
        } else {
            Vec::new()
        };
        Ok(Self {
            function: db::enforce::catalog::function(&snapshot, "owo_enforce")?,
            earlier: db::enforce::catalog::triggers(&snapshot, target.table.oid)?,
            leaves,
            gate,
            target,
            mode,
        })
    }

    /// Drops what an earlier call made for the same feature.
    ///
    /// # Errors
    /// Raised by Postgres itself where it refuses.
    pub fn drop_earlier(&self) -> Result<()> {
        for trigger in &self.earlier {
            let same = Rule::parse(&trigger.arguments).is_ok_and(|rule| {
                rule.feature == self.gate.rule.feature
                    && rule.organization == self.gate.rule.organization
            });
            if same {
                definition::drop(&trigger.table, &trigger.name)?;
            }
        }
        Ok(())
    }

    /// Makes the triggers.
    ///
    /// # Errors
    /// As [`Plan::drop_earlier`].
    pub fn create(&self) -> Result<()> {
        let table = &self.target.table;
        if self.mode == Mode::Row {
            let when = "AFTER INSERT OR UPDATE OR DELETE";
            self.create_one(table, "row", when, "")?;
        } else {
            let changes = [
                ("insert", "AFTER INSERT", "REFERENCING NEW TABLE AS owo_new"),
                (
                    "update",
                    "AFTER UPDATE",
                    "REFERENCING OLD TABLE AS owo_old NEW TABLE AS owo_new",
                ),
                ("delete", "AFTER DELETE", "REFERENCING OLD TABLE AS owo_old"),
            ];
            for (word, when, referencing) in changes {
                // A metered feature gives nothing back for rows that are deleted.
                if word != "delete" || self.gate.is_entity() {
                    self.create_one(table, word, when, referencing)?;
                }
            }
        }
        if self.gate.is_entity() {
            for table in std::iter::once(table).chain(&self.leaves) {
                self.create_one(table, "truncate", "BEFORE TRUNCATE", "")?;
            }
        }
        Ok(())
    }

    fn create_one(&self, table: &Table, word: &str, when: &str, referencing: &str) -> Result<()> {
        let each = if word == "row" { "ROW" } else { "STATEMENT" };
        definition::create(
            table,
            &Definition {
                name: self.name(word),
                when,
                referencing,
                each,
                function: &self.function,
                arguments: self.gate.rule.arguments(),
            },
        )
    }

    /// Tells features apart, also those of several organizations, within 63 bytes.
    fn name(&self, word: &str) -> String {
        let slug = &self.gate.feature.slug;
        let organization = &self.gate.context.organization;
        let short: String = slug
            .char_indices()
            .take_while(|(at, c)| at + c.len_utf8() <= NAME_BYTES)
            .map(|(_, c)| c)
            .collect();
        let whole =
            short.len() == slug.len() && organization.slug == db::organization::DEFAULT_SLUG;
        if whole {
            return format!("owo_enforce_{short}_{word}");
        }
        let tag = ids::derived(organization.id, slug).simple().to_string();
        let tag: String = tag.chars().take(8).collect();
        format!("owo_enforce_{short}_{tag}_{word}")
    }
}
