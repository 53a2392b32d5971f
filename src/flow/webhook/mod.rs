//! Webhooks: believed or not when they come, applied afterwards.

pub mod apply;
pub mod read;
pub mod receive;
pub mod replay;
