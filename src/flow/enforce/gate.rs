//! What has to be known before rows are counted: organization, rights, feature, table.
//!
//! The organization comes from the trigger's arguments and the right asked is that of the table's
//! owner (`api.md` 7): neither the session's settings nor the rights of who writes matter here.

use super::rule::Rule;
use crate::backend::call::Caller;
use crate::backend::spi::Snapshot;
use crate::backend::table::Table;
use crate::db;
use crate::db::customer::Customer;
use crate::db::enforce::registry::Enforced;
use crate::error::{Error, Result};
use crate::flow::catalog;
use crate::flow::context::{Context, Level};
use crate::flow::customer;
use crate::flow::standing::Standing;
use crate::flow::track::ledger::Loaded;
use owostack_domain::entitlement::{Feature, FeatureType};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The way to the count for rows of one table under one rule.
pub struct Gate {
    pub context: Context,
    pub feature: Feature,
    pub table: Table,
    pub rule: Rule,
    /// Customers by the text that rows call them.
    customers: HashMap<String, Option<Customer>>,
    /// What a ledger of this moment has read.
    pub loaded: Loaded,
    /// Slots of customers whose lock is held.
    pub slots: HashMap<Uuid, Slots>,
    /// Whether the table may take entities: unique, and the only one.
    takes_entities: bool,
}

/// The slots of one customer.
pub struct Slots {
    pub standing: Standing,
    pub count: i64,
}

impl Gate {
    /// Opens the gate for a table.
    ///
    /// # Errors
    /// `42704` unknown organization or feature, or one that no row can use; `42501` when the table's
    /// owner lacks the right; `22023` for an entity feature without entity column.
    pub fn open(caller: &Caller, table: Table, rule: Rule) -> Result<Self> {
        let as_owner = Caller {
            role: table.owner,
            ..*caller
        };
        let context =
            Context::named(as_owner, &rule.organization, Level::App).map_err(|error| {
                error.detail(format!(
                    "Table \"{}\" is enforced with the rights of its owner.",
                    table.name
                ))
            })?;
        let feature = feature(&context, &rule.feature)?;
        if is_entity(&feature) && rule.entity.is_none() {
            return Err(needs_entity(&feature));
        }
        Ok(Self {
            context,
            feature,
            table,
            rule,
            customers: HashMap::new(),
            loaded: Loaded::default(),
            slots: HashMap::new(),
            takes_entities: false,
        })
    }

    /// Whether rows take slots, instead of consuming units.
    pub fn is_entity(&self) -> bool {
        is_entity(&self.feature)
    }

    /// Looks many customers up at once, by what rows call them.
    ///
    /// # Errors
    /// As the statements.
    pub fn meet<'a>(
        &mut self,
        snapshot: &Snapshot,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<()> {
        let known = &self.customers;
        let names: HashSet<&str> = names.filter(|name| !known.contains_key(*name)).collect();
        if names.len() < 2 {
            return Ok(());
        }
        let found = customer::find_many(&self.context, snapshot, &names)?;
        let found = found.into_iter();
        self.customers
            .extend(found.map(|(name, customer)| (name.to_owned(), Some(customer))));
        Ok(())
    }

    /// The customer that rows call `name`, if there is one.
    ///
    /// # Errors
    /// `21000` when an e-mail belongs to two, `22023` for an empty or overlong text.
    pub fn customer(&mut self, snapshot: &Snapshot, name: &str) -> Result<Option<Customer>> {
        if let Some(known) = self.customers.get(name) {
            return Ok(known.clone());
        }
        let found = customer::find(&self.context, snapshot, name)?;
        self.customers.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    /// Makes sure that this table may take entities of the feature.
    ///
    /// # Errors
    /// `22023` when the entity column is not unique, `55000` when another table has the feature.
    pub fn claim(&mut self, entity: &str, customer: &str) -> Result<()> {
        if self.takes_entities {
            return Ok(());
        }
        require_unique(&self.table, entity, customer)?;
        claim(&self.context, &self.feature, &self.table, || Enforced {
            organization_id: self.context.organization.id,
            feature_id: self.feature.id,
            schema: self.table.schema.clone(),
            table: self.table.name.clone(),
            customer_column: customer.to_owned(),
            entity_column: Some(entity.to_owned()),
            value_expression: self.rule.value.clone(),
            mode: "row",
        })?;
        self.takes_entities = true;
        Ok(())
    }
}

fn is_entity(feature: &Feature) -> bool {
    feature.feature_type == FeatureType::Entity
}

/// The feature of that name, if rows can use it.
///
/// # Errors
/// `42704`.
pub fn feature(context: &Context, slug: &str) -> Result<Feature> {
    let found = db::facts::feature(&Snapshot::latest()?, context.organization.id, slug)?;
    let feature = found.ok_or_else(|| Error::unknown_feature(slug))?;
    let (kind, call) = match feature.feature_type {
        FeatureType::Metered | FeatureType::Entity => return Ok(feature),
        FeatureType::Boolean => ("boolean", "owo_allowed()"),
        FeatureType::Static => ("static", "owo_value()"),
    };
    Err(Error::undefined(format!(
        "feature \"{slug}\" is {kind}, not metered and not an entity feature"
    ))
    .hint(format!("Rows cannot use it up; ask {call} in a policy.")))
}

/// `22023`: an entity feature needs the column that names the entity.
pub fn needs_entity(feature: &Feature) -> Error {
    Error::invalid(format!(
        "feature \"{}\" is an entity feature and needs an entity column",
        feature.slug
    ))
    .hint("Name the column that identifies a row, such as its primary key.")
}

/// # Errors
/// `22023` when the text of a column depends on settings of the session.
pub fn require_steady(table: &Table, column: &str) -> Result<()> {
    if db::enforce::catalog::is_steady(&Snapshot::latest()?, table.oid, column)? {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "column \"{column}\" of table \"{}\" cannot name customers or entities",
        table.name
    ))
    .detail("The text of its type depends on settings of the session, such as the time zone.")
    .hint("Use a column of text, uuid or a whole number."))
}

/// # Errors
/// `22023` when two rows of the table could share a slot.
pub fn require_unique(table: &Table, entity: &str, customer: &str) -> Result<()> {
    require_steady(table, entity)?;
    if db::enforce::catalog::is_unique(&Snapshot::latest()?, table.oid, entity, customer)? {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "column \"{entity}\" of table \"{}\" does not identify an entity",
        table.name
    ))
    .detail("It has to be unique, alone or together with the customer column.")
    .hint("Add a primary key or a unique constraint that is not deferrable."))
}

/// Makes `table` the one that has the entity feature.
///
/// # Errors
/// `55000` when another table has it and still enforces it.
pub fn claim(
    context: &Context,
    feature: &Feature,
    table: &Table,
    enforced: impl FnOnce() -> Enforced,
) -> Result<()> {
    let mine = (table.schema.clone(), table.name.clone());
    if db::enforce::registry::tables(&Snapshot::latest()?, feature.id)? == [mine.clone()] {
        return Ok(());
    }
    catalog::lock(context.organization.id);
    let others = db::enforce::catalog::taking_elsewhere(&Snapshot::latest()?, table.oid)?;
    let other = others.into_iter().find(|trigger| {
        Rule::parse(&trigger.arguments).is_ok_and(|rule| {
            rule.feature == feature.slug && rule.organization == context.organization.slug
        })
    });
    if let Some(other) = other {
        let (schema, name) = (other.table.schema, other.table.name);
        return Err(Error::wrong_state(format!(
            "entity feature \"{}\" is enforced on another table",
            feature.slug
        ))
        .detail(format!("That table is \"{schema}\".\"{name}\"."))
        .hint("An entity feature counts the rows of one table; owo_unenforce_table() frees it."));
    }
    db::enforce::registry::forget_others(feature.id, &mine.0, &mine.1)?;
    db::enforce::registry::store(&enforced(), context.now)
}
