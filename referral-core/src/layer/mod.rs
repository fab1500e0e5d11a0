//! Stores around a store, which every store can use.

mod group_commit;

pub use group_commit::{GroupCommit, GroupLimits};
