//! A decision on its way out: the fields of `owo_decision`, storable for replay, raisable as a denial.

use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use owostack_domain::decision::Decision;
use owostack_domain::quantity::Quantity;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What `owo_decision` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    pub allowed: bool,
    pub code: String,
    pub usage: Option<Quantity>,
    pub usage_limit: Option<Quantity>,
    pub balance: Option<Quantity>,
    pub overage: Option<Quantity>,
    pub resets_at: Option<DateTime<Utc>>,
    pub reset_interval: Option<String>,
    pub credits: Option<Value>,
    pub details: Option<Value>,
    #[serde(default)]
    pub replayed: bool,
}

/// The same of a plain allowance but for [`Changing`], for storing: [`Decided`] reads both together.
#[derive(Debug, Serialize)]
pub struct Lasting<'a> {
    pub allowed: bool,
    pub usage_limit: Option<Quantity>,
    pub overage: Quantity,
    pub resets_at: Option<DateTime<Utc>>,
    pub reset_interval: Option<&'a str>,
    pub details: &'a Value,
}

/// What differs between answers about one plain allowance.
#[derive(Debug)]
pub struct Changing {
    pub code: &'static str,
    pub usage: Quantity,
    pub balance: Option<Quantity>,
}

impl Changing {
    /// The answer in full; `lasting` is a [`Lasting`] as JSON text.
    pub fn with(&self, lasting: &str) -> String {
        let rest = lasting.strip_prefix('{').unwrap_or(lasting);
        format!("{{{},{rest}", self.fields())
    }

    /// The answer as what differs from the one that was stored under `key`.
    ///
    /// # Errors
    /// When the key is not JSON.
    pub fn like(&self, key: &str) -> Result<String> {
        let key = serde_json::to_string(key).map_err(|_| Error::internal("a key is not JSON"))?;
        Ok(format!("{{\"like\":{key},{}}}", self.fields()))
    }

    fn fields(&self) -> String {
        let (code, usage) = (self.code, self.usage);
        match self.balance {
            None => format!("\"code\":\"{code}\",\"usage\":{usage}"),
            Some(balance) => {
                format!("\"code\":\"{code}\",\"usage\":{usage},\"balance\":{balance}")
            }
        }
    }
}

impl Decided {
    /// The decision if it allows, else the error that says why not.
    ///
    /// # Errors
    /// `23514` with the facts in one line of DETAIL (`api.md` 7).
    pub fn or_denial(
        self,
        feature: Option<&str>,
        customer: Option<&str>,
        asked: Quantity,
    ) -> Result<Self> {
        if self.allowed {
            return Ok(self);
        }
        Err(self.denial(
            feature.unwrap_or_default(),
            customer.unwrap_or_default(),
            asked,
        ))
    }

    fn denial(&self, feature: &str, customer: &str, asked: Quantity) -> Error {
        let number = |value: Option<Quantity>| {
            value.map_or_else(|| "unlimited".to_owned(), |value| value.to_string())
        };
        let message = self
            .details
            .as_ref()
            .and_then(|details| details.get("message"))
            .and_then(Value::as_str)
            .unwrap_or("not allowed");
        Error::forbidden(format!(
            "customer \"{customer}\" may not use \"{feature}\": {message}"
        ))
        .detail(format!(
            "code={} feature={feature} customer={customer} usage_limit={} usage={} asked={asked}",
            self.code,
            number(self.usage_limit),
            self.usage.unwrap_or(Quantity::ZERO),
        ))
        .hint(hint(&self.code))
    }
}

/// The next step after a denial.
fn hint(code: &str) -> &'static str {
    match code {
        "limit_exceeded" => {
            "Attach a larger plan, wait for the reset, or free what is no longer used."
        }
        "insufficient_credits" => "Buy a credit pack, grant credits, or wait for the plan's reset.",
        "spend_cap_reached" => "Raise or remove the customer's spend cap with owo_spend_cap().",
        "feature_not_in_plan" => "Attach a plan that includes the feature, or override it.",
        "no_active_subscription" => "Attach a plan with owo_attach().",
        "customer_not_found" => "Create the customer with owo_customer(), or pass customer_data.",
        "entity_not_found" => "Add the entity with owo_entity_add().",
        _ => "owo_explain() shows what the customer has.",
    }
}

impl From<Decision> for Decided {
    fn from(decision: Decision) -> Self {
        Self {
            allowed: decision.allowed,
            code: decision.code.as_str().to_owned(),
            usage: Some(decision.usage),
            usage_limit: decision.usage_limit,
            balance: decision.balance,
            overage: decision.overage,
            resets_at: decision.resets_at,
            reset_interval: decision.reset_interval,
            credits: decision.credits,
            details: Some(decision.details),
            replayed: false,
        }
    }
}
