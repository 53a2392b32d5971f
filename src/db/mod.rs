//! The only SQL text: each statement beside the function that runs it.
//!
//! Rows in, domain values out; one file per table family. Called by `flow/` and `meter/`, always
//! inside `backend::owner::AsOwner`. No rule is decided here.

pub mod catalog;
pub mod checkout;
pub mod credit;
pub mod customer;
pub mod due;
pub mod enforce;
pub mod entity;
pub mod event;
pub mod facts;
pub mod fold;
pub mod identity;
pub mod installation;
pub mod meter;
pub mod organization;
#[allow(dead_code, reason = "what sends jobs follows")]
pub mod outbox;
pub mod override_row;
pub mod provider;
pub mod reservation;
pub mod role;
pub mod subscription;
pub mod usage_key;
