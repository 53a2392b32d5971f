//! Use cases: load (`db`), decide (`domain`), store (`db`, `meter`).
//!
//! Called by `api/` and `worker/` inside `AsOwner`. No SQL text, no Postgres types beyond datums
//! passed through. Time comes in with the [`context::Context`] and is read nowhere else.

pub mod context;
pub mod customer;
pub mod fold;
pub mod organization;
pub mod text;
