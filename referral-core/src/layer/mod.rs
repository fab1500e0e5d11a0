//! Wrappers that are stores themselves, so that every store gains.

mod group_commit;

pub use group_commit::{GroupCommit, GroupLimits};
