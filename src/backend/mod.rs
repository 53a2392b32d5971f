//! Safe guards over single backend calls: user switch, snapshots, SPI, lock tags, time, results.
//!
//! Called by every layer above; holds no rule of billing. The unsafe code of the extension lives
//! here and in `meter/shared/`.

pub mod answer;
pub mod append;
mod argument;
pub mod board;
pub mod call;
pub mod changed;
pub mod clock;
pub mod database;
pub mod direct;
pub mod expression;
pub mod extension;
pub mod generation;
pub mod guest;
pub mod heap;
pub mod hot;
pub mod isolation;
pub mod json;
pub mod kept;
pub mod local;
pub mod lock;
pub mod note;
pub mod notify;
pub mod numeric;
pub mod order;
pub mod owner;
pub mod preload;
pub mod process;
pub mod random;
pub mod relation;
pub mod roles;
pub mod rowset;
pub mod seat;
pub mod secret_file;
pub mod setting;
pub mod shape;
pub mod share;
pub mod slot;
pub mod spi;
pub mod sqlstate;
pub mod store;
pub mod subtransaction;
pub mod table;
pub mod texts;
pub mod thread;
pub mod transaction;
pub mod trigger;
pub mod utility;
pub mod value;
pub mod wake;
pub mod walk;
