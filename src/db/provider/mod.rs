//! Accounts at payment providers, and our ids beside theirs.

pub mod account;
pub mod binding;
pub mod compare;
pub mod evidence;
pub mod offer;
pub mod refer;
pub mod reference;
pub mod secret;
