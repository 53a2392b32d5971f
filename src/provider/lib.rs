//! Payment providers without I/O: what to send, what an answer means, what a webhook says.
//!
//! The worker sends what `Provider::request` builds and hands the answer to `Provider::read`;
//! the webhook functions call `verify` and `event`. Invariants: no clock, no randomness, no
//! network; time is an argument; no output but a request's headers ever holds a secret.
//! Deliberately absent: rows, retries' schedules, and what an event does to a subscription.
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

pub mod account;
pub mod answer;
pub mod base_url;
pub mod call;
pub mod capability;
pub mod event;
mod form;
mod json;
pub mod link;
pub mod money;
pub mod object;
pub mod operation;
pub mod outcome;
pub mod progress;
mod provider;
mod reply;
pub mod request;
mod retry_after;
pub mod seal;
pub mod secret;
mod signature;
pub mod tag;
pub mod webhook;
pub mod wish;

mod dodo;
mod paystack;
mod polar;
mod stripe;

pub use provider::Provider;

/// Every provider there is; a new one is added here.
pub static PROVIDERS: &[&dyn Provider] = &[
    &dodo::Dodo,
    &paystack::Paystack,
    &polar::Polar,
    &stripe::Stripe,
];

/// The provider of that code, such as `stripe`.
#[must_use]
pub fn find(code: &str) -> Option<&'static dyn Provider> {
    PROVIDERS
        .iter()
        .copied()
        .find(|provider| provider.code() == code)
}
