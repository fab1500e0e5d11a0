//! Where the planner looks things up.

use crate::catalogue::{Record, RecordId};
use crate::store::counter::CounterKey;
use crate::store::error::StoreError;
use crate::store::unique::UniqueKey;

/// What is stored when a batch begins. [`decide`](super::decide) asks for each thing at most once, and only for things that
/// decide something.
pub trait Look {
    /// The record of an id, if there is one.
    ///
    /// # Errors
    /// Failures of the database. They are the answer to the changeset that asked, and the others go on.
    fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError>;

    /// The record that holds a unique key, if one does.
    ///
    /// # Errors
    /// As [`Look::record`].
    fn holder(&self, key: &UniqueKey) -> Result<Option<RecordId>, StoreError>;

    /// A number, if it is stored. An absent number counts as 0.
    ///
    /// # Errors
    /// As [`Look::record`].
    fn number(&self, key: &CounterKey) -> Result<Option<i64>, StoreError>;
}
