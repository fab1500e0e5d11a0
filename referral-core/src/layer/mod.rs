//! Wrappers that are stores themselves, so that every store gains.

mod group_commit;
mod link_cache;

pub use group_commit::{GroupCommit, GroupLimits};
pub use link_cache::{CacheLimits, LinkCache};
