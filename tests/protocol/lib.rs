//! The counting protocol as five models whose every interleaving is searched.
//!
//! [`meter`] is one meter in one period: takes, returns, savepoints, loads, evictions, the fold and
//! the callbacks, as `src/meter/shared` and `src/db/fold.rs` order them. [`entitlement`] is a change
//! of plan beside takes and checks that remember what they resolved: the customer's lock, the
//! carried count and the generations, as `src/meter`, `src/flow/warm` and `src/backend/generation.rs`
//! order them; the lock is one thing there. [`hold`] is holds of one meter beside takes and returns,
//! as `src/flow/hold` orders them. [`share`] is the customer's lock as `src/backend/share.rs` has it.
//! [`glance`] is a check that looks at an entry without its lock, word by word, as
//! `src/meter/shared/slot.rs` orders them. In the first three a step is what no other session can
//! see half of: a partition's lock held once, a snapshot taken, the moment of a commit.
//!
//! Each model can be given a bug, one that the order of those steps prevents; the tests demand that
//! the search finds it, so a property that could never fail would be noticed.
//! Deliberately absent: amounts with digits, many meters in one call, waiting in a queue.
#![forbid(unsafe_code)]

pub mod entitlement;
pub mod glance;
pub mod hold;
pub mod meter;
pub mod name;
pub mod search;
pub mod share;
