//! Where the planner looks things up.

use crate::catalogue::{Record, RecordId};
use crate::store::counter::CounterKey;
use crate::store::error::StoreError;
use crate::store::unique::UniqueKey;

/// What is stored when a batch begins. [`decide`](super::decide) asks for each thing at most once, and only for what
/// decides something.
pub trait Look {
    /// The record of an id, if there is one.
    ///
    /// # Errors
    /// Faults. The changeset that asked is answered with them, and its neighbours go on.
    fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError>;

    /// The record that holds a unique key, if one does.
    ///
    /// # Errors
    /// As [`Look::record`].
    fn holder(&self, key: &UniqueKey) -> Result<Option<RecordId>, StoreError>;

    /// A number, if it is stored. One that is absent counts as 0.
    ///
    /// # Errors
    /// As [`Look::record`].
    fn number(&self, key: &CounterKey) -> Result<Option<i64>, StoreError>;
}
