//! Accounts at payment providers, and our ids beside theirs.

#[allow(dead_code, reason = "the flows that link follow")]
pub mod reference;
