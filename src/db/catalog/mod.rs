//! The catalog tables as the documents of `domain::catalog`: loaded whole, stored by difference.
//!
//! Called by `flow/catalog`. Rows travel as objects keyed by column, read and written by
//! `domain::catalog::row`; what a call needs of the catalog to decide is in `db::facts`.

mod load;
mod store;
mod store_plan;

pub use load::load;
pub use store::{defer_rules, judge_rules, lower_creation, store};
