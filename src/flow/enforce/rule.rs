//! What a trigger's arguments say: `feature=projects`, `customer=org_id` and so on (`api.md` 7).

use crate::db::organization::DEFAULT_SLUG;
use crate::error::{Error, Result};

/// The value of a row where nothing else is said.
pub const ONE: &str = "1";

/// How rows of a table are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub feature: String,
    /// Column that names the customer.
    pub customer: String,
    /// Column that names the entity.
    pub entity: Option<String>,
    /// Expression over the row; entity features take no value.
    pub value: String,
    /// Whether a DELETE gives back what the row cost.
    pub returns: bool,
    /// Slug.
    pub organization: String,
}

impl Rule {
    /// Reads the arguments of a trigger.
    ///
    /// # Errors
    /// `22023` for what is not `key=value`, an unknown, repeated or missing key.
    pub fn parse(arguments: &[String]) -> Result<Self> {
        let mut found: [(&str, Option<&str>); 6] = [
            "feature",
            "customer",
            "entity",
            "value",
            "returns",
            "organization",
        ]
        .map(|k| (k, None));
        for argument in arguments {
            let (key, value) = argument
                .split_once('=')
                .ok_or_else(|| bad(format!("argument \"{argument}\" is not key=value")))?;
            let (key, value) = (key.trim(), value.trim());
            let place = found.iter_mut().find(|(name, _)| *name == key);
            let (_, slot) = place.ok_or_else(|| bad(format!("argument \"{key}\" is not known")))?;
            if slot.is_some() {
                return Err(bad(format!("argument \"{key}\" is given twice")));
            }
            if value.is_empty() {
                return Err(bad(format!("argument \"{key}\" is empty")));
            }
            *slot = Some(value);
        }
        let [
            (_, feature),
            (_, customer),
            (_, entity),
            (_, value),
            (_, returns),
            (_, organization),
        ] = found;
        Ok(Self {
            feature: needed("feature", feature)?,
            customer: needed("customer", customer)?,
            entity: entity.map(str::to_owned),
            value: value.unwrap_or(ONE).to_owned(),
            returns: returns.map_or(Ok(false), truth)?,
            organization: organization.unwrap_or(DEFAULT_SLUG).to_owned(),
        })
    }

    /// The arguments that read back as this rule.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("feature={}", self.feature),
            format!("customer={}", self.customer),
        ];
        arguments.extend(self.entity.iter().map(|column| format!("entity={column}")));
        if self.value != ONE {
            arguments.push(format!("value={}", self.value));
        }
        if self.returns {
            arguments.push("returns=true".to_owned());
        }
        arguments.push(format!("organization={}", self.organization));
        arguments
    }
}

fn bad(message: String) -> Error {
    Error::invalid(message)
        .detail("It is an argument of an enforcing trigger.")
        .hint("Keys are feature, customer, entity, value, returns and organization.")
}

fn needed(key: &str, value: Option<&str>) -> Result<String> {
    value
        .map(str::to_owned)
        .ok_or_else(|| bad(format!("argument \"{key}\" is missing")))
}

fn truth(text: &str) -> Result<bool> {
    match text.to_lowercase().as_str() {
        "true" | "t" | "yes" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "off" | "0" => Ok(false),
        _ => Err(bad(format!("returns is \"{text}\", not true or false"))),
    }
}
