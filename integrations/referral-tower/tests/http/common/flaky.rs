//! A store in memory that can be switched off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use referral_core::memory::MemoryStore;
use referral_core::store::{
    Changeset, CounterKey, CounterPrefix, CounterRange, ErrorKind, Index, Outcome, Prefix, Range, Read,
    Store, StoreError, StoreFacts, UniqueKey,
};
use referral_core::{Record, RecordId, async_trait};

#[derive(Clone, Debug, Default)]
pub struct Flaky {
    inner: MemoryStore,
    reads_fail: Arc<AtomicBool>,
    writes_fail: Arc<AtomicBool>,
}

impl Flaky {
    pub fn fail(&self, reads: bool, writes: bool) {
        self.reads_fail.store(reads, Ordering::SeqCst);
        self.writes_fail.store(writes, Ordering::SeqCst);
    }

    fn away() -> StoreError {
        StoreError::new(ErrorKind::Unavailable, "flaky", "test", "switched off")
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.reads_fail.load(Ordering::SeqCst) { Err(Self::away()) } else { Ok(()) }
    }
}

#[async_trait]
impl Read for Flaky {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.check()?;
        self.inner.get(ids).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.check()?;
        self.inner.find(keys).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.check()?;
        self.inner.page(index, prefix, range, limit).await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        self.check()?;
        self.inner.counters(prefix, range).await
    }
}

#[async_trait]
impl Store for Flaky {
    fn facts(&self) -> StoreFacts {
        self.inner.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        if self.writes_fail.load(Ordering::SeqCst) {
            return batch.iter().map(|_| Err(Self::away())).collect();
        }
        self.inner.commit(batch).await
    }
}
