//! Accounts at payment providers: set, adopted, chosen and opened; the key that seals them.

pub mod account;
mod credentials;
pub mod desk;
pub mod express;
pub mod import;
pub mod key;
pub mod status;
pub mod verify;
