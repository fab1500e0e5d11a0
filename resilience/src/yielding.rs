//! A layer that lets others go first.

use std::sync::Arc;

use referral_core::store::{
    Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Store,
    StoreError, StoreFacts, UniqueKey,
};
use referral_core::{Record, RecordId, async_trait};
use tokio::task::yield_now;

/// How many turns. One is not enough: a worker with nothing else to do gives it back at once, while another one has
/// still to wake the racers.
const TURNS: usize = 100;

/// A store before each commit of which everybody else has many turns, so that what racers have read is old when they
/// write. A store that answers at once would else never let two of them meet.
#[derive(Clone, Debug)]
pub struct Yielding(pub Arc<dyn Store>);

#[async_trait]
impl Read for Yielding {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.0.get(ids).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.0.find(keys).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.0.page(index, prefix, range, limit).await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        self.0.counters(prefix, range).await
    }
}

#[async_trait]
impl Store for Yielding {
    fn facts(&self) -> StoreFacts {
        self.0.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        for _ in 0..TURNS {
            yield_now().await;
        }
        self.0.commit(batch).await
    }
}
