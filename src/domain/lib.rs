//! The pure rules of owostack: everything that can be decided from values alone.
//!
//! Called by `flow/` and `api/` of the extension; knows nothing of Postgres.
//! Invariants: no clock, no randomness, no I/O; time is always an argument.
#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod catalog;
pub mod decision;
pub mod draw;
pub mod entitlement;
pub mod hold;
pub mod ids;
pub mod interval;
pub mod meter_key;
pub mod money;
pub mod pace;
pub mod period;
pub mod proration;
pub mod quantity;
pub mod rating;
pub mod rollover;
pub mod span;
pub mod subscription;
pub mod switch;
