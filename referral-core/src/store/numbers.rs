//! Typed reads of numbers.

use crate::store::contract::Read;
use crate::store::counter::{CounterKey, CounterPrefix, CounterRange};
use crate::store::error::StoreError;

/// Typed reads of single numbers, for every store.
pub trait NumberReads: Read {
    /// Reads one number. It is 0 if it was never counted.
    ///
    /// # Errors
    /// Failures of the database.
    fn number(&self, key: &CounterKey) -> impl Future<Output = Result<i64, StoreError>> + Send;
}

impl<R: Read + ?Sized> NumberReads for R {
    async fn number(&self, key: &CounterKey) -> Result<i64, StoreError> {
        let prefix =
            CounterPrefix { tenant: key.tenant.clone(), family: key.family, parts: key.parts.to_vec() };
        let range =
            CounterRange { from: Some(key.bucket), until: key.bucket.checked_add(1), after: None, limit: 1 };
        Ok(self.counters(&prefix, &range).await?.first().map_or(0, |(_, value)| *value))
    }
}
