//! Use cases: load (`db`), decide (`domain`), store (`db`, `meter`).
//!
//! Called by `api/` and `worker/` inside `AsOwner`. No SQL text, no Postgres types beyond datums
//! passed through. Time comes in with the [`context::Context`] and is read nowhere else.

pub mod apply;
pub mod attach;
mod carry;
pub mod catalog;
pub mod check;
pub mod checkout;
pub mod command;
pub mod context;
pub mod credit;
pub mod customer;
pub mod decided;
pub mod due;
pub mod enforce;
pub mod entity;
pub mod erasure;
pub mod fold;
pub mod gift;
pub mod grant;
pub mod hold;
pub mod idempotency;
pub mod identity;
pub mod life;
pub mod organization;
pub mod outbox;
pub mod overriding;
pub mod payment;
pub mod plan_list;
pub mod provider;
pub mod purchase;
pub mod refund;
pub mod reversal;
pub mod round;
pub mod standing;
pub mod text;
pub mod track;
pub mod wallet;
pub mod warm;
pub mod webhook;
pub mod worker_status;
