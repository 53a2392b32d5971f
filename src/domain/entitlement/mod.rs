//! What a customer is entitled to: facts in, sources in draw order out.
//!
//! Called by `flow/`, which loads the facts and the usage of the meters named by the answer.
//! Invariant: pure, and independent of the order of rows. Deliberately absent: usage and deciding
//! (`decision`), and the states of subscriptions (`subscription`).

pub mod facts;

pub use facts::*;
