//! The only SQL text: each statement beside the function that runs it.
//!
//! Rows in, domain values out; one file per table family. Called by `flow/` and `meter/`, always
//! inside `backend::owner::AsOwner`. No rule is decided here.

pub mod carry;
pub mod catalog;
pub mod checkout;
pub mod credit;
pub mod credit_pack;
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
pub mod method;
pub mod organization;
pub mod outbox;
pub mod override_row;
pub mod payment;
pub mod pending;
pub mod provider;
pub mod record;
pub mod refund;
pub mod reservation;
pub mod role;
pub mod subscription;
pub mod usage_key;
pub mod webhook;
