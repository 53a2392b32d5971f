//! The contract: what every provider must do alike. One suite, driven by each provider's fixtures.
//!
//! A provider's folder in `tests/fixtures` holds: `events/` sample webhooks, `meaning.txt` what
//! each means (by hand), `events.expected.txt` all details, `signatures.json` vectors,
//! `flows.json` operations with scripted answers, `flows.expected.txt` the conversations, and
//! `required.json` what its documentation demands of each request. `ACCEPT=1` takes the details
//! and conversations as they are; a person reads the difference.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod capabilities;
mod events;
mod flows;
mod fuzz;
mod harness;
mod problems;
mod safety;
mod secrets;
mod signatures;
mod traps;
