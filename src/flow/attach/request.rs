//! The arguments of an attach, checked one by one.

use crate::error::{Error, Result};
use crate::flow::text;
use owostack_domain::switch::Timing;
use serde_json::{Value, json};

/// Longest address to come back to, in characters.
const URL_LENGTH: usize = 2_048;

/// The arguments of `owo_attach`, checked one by one.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub customer: String,
    pub plan: String,
    pub customer_data: Option<Value>,
    pub metadata: Option<Value>,
    pub callback_url: Option<String>,
    pub provider: Option<String>,
    pub cycle: Option<String>,
    pub timing: Option<Timing>,
}

impl Request {
    /// What makes two requests the same one.
    pub(super) fn identity(&self) -> Value {
        json!({
            "function": "attach",
            "plan": self.plan,
            "cycle": self.cycle,
            "provider": self.provider,
            "timing": self.timing.map(|timing| matches!(timing, Timing::Now)),
        })
    }

    /// Reads the word of the timing.
    ///
    /// # Errors
    /// `22023` when it is another word.
    pub fn timing(text: Option<&str>) -> Result<Option<Timing>> {
        let Some(text) = text else { return Ok(None) };
        Timing::parse(text)
            .map(Some)
            .ok_or_else(|| Error::invalid(format!("timing \"{text}\" is not now or period_end")))
    }

    /// Bounds the address to come back to.
    ///
    /// # Errors
    /// `22023` when it is too long.
    pub fn callback(url: Option<&str>) -> Result<Option<String>> {
        let bounded = |url| text::bounded("callback_url", url, URL_LENGTH);
        Ok(url.map(bounded).transpose()?.map(str::to_owned))
    }
}
