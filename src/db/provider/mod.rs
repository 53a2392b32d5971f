//! Accounts at payment providers, and our ids beside theirs.

pub mod account;
pub mod binding;
#[allow(dead_code, reason = "the worker follows")]
pub mod offer;
#[allow(dead_code, reason = "the flows that link follow")]
pub mod reference;
pub mod secret;
