//! Accounts at payment providers, and our ids beside theirs.

pub mod account;
pub mod binding;
pub mod compare;
pub mod evidence;
#[allow(dead_code, reason = "the worker follows")]
pub mod offer;
pub mod reference;
pub mod secret;
