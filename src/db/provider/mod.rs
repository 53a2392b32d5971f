//! Accounts at payment providers, and our ids beside theirs.

pub mod account;
#[allow(dead_code, reason = "webhooks and the worker follow")]
pub mod binding;
#[allow(dead_code, reason = "the worker follows")]
pub mod offer;
#[allow(dead_code, reason = "the flows that link follow")]
pub mod reference;
pub mod secret;
