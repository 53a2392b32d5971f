//! Accounts at payment providers: set, adopted, chosen and opened; the key that seals them.

#[allow(dead_code, reason = "webhooks and the worker follow")]
pub mod account;
mod credentials;
#[allow(dead_code, reason = "webhooks and the worker follow")]
pub mod key;
