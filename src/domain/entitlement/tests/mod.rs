//! The rules of resolution, one test each; and properties over random worlds.

mod dice;
mod edited;
mod explained;
mod granting;
mod moved;
mod order;
mod overriding;
mod packing;
mod property;
mod rolling;
mod switched;
