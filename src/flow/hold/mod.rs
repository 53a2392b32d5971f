//! Holds (`api.md` 2): units drawn now, whose amount is told later.
//!
//! Called by `api/hold`, by takes that lack room, by due dates and by switches of plans. A hold draws
//! like a track; its rows of usage are of kind `hold` and without units of the feature, so sums count
//! it and the record of usage does not show it.
//!
//! Invariants (protocol 19): a hold counts until its row says otherwise, and the row changes once,
//! under its lock, with what is given back in the same transaction. It belongs to the periods that it
//! was taken in: settle and release act there, also after their end. Only the hold itself gives back
//! what it drew.
//!
//! Locks: key, customer, [`crate::meter::enter_serial`], [`crate::meter::enter_holds`], the row; of several
//! customers each kind in one order before the next.

mod close;
mod count;
mod end;
mod outlook;
mod posting;
mod reserve;

pub use close::{release, settle};
pub use count::{due_lines, follow, held, without_due};
pub use end::{expire, release_all};
pub use outlook::{due_among, is_clear};
pub use reserve::{HoldRequest, Reserved, reserve};
