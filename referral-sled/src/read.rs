//! The four reads.

use async_trait::async_trait;
use referral_core::store::{
    CounterKey, CounterPrefix, CounterRange, Index, Prefix, Range, Read, Record, RecordId, StoreError,
    StoreErrorKind, UniqueKey, bytes, check_counters, check_keys, check_points,
};

use crate::error;
use crate::schema::{self, Trees, spaced};
use crate::store::SledStore;

impl SledStore {
    /// Reads may wait for the disk and for the writer, so they leave the caller's thread alone.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Trees) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let open = &store.inner.open;
            #[cfg(feature = "harness")]
            open.broken.fails_reads().map_err(|e| error::from_sled(operation, e))?;
            open.with(|opened| {
                let _one_moment = opened.trees.reading();
                read(&opened.trees)
            })
        });
        task.await.map_err(|e| {
            StoreError::new(StoreErrorKind::Unavailable, error::NAME, operation, "the read was cut short")
                .with_source(e)
        })?
    }
}

#[async_trait]
impl Read for SledStore {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        let keys: Vec<_> = ids.iter().map(|id| bytes::record(*id)).collect();
        self.read("get", move |trees| keys.iter().map(|key| trees.record(key)).collect()).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_keys(keys)?;
        let keys = keys.to_vec();
        self.read("find", move |trees| keys.iter().map(|key| trees.holder_of(key)).collect()).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        index.check(prefix, limit)?;
        let Some(keys) = bytes::page(index, prefix, range) else { return Ok(Vec::new()) };
        let keys = spaced(&keys.start)..spaced(&keys.end);
        let (ascending, limit) = (range.ascending, limit as usize);
        let page = move |trees: &Trees| {
            let mut scan = trees.entries.range(keys);
            let mut found = Vec::new();
            while found.len() < limit {
                let next = if ascending { scan.next() } else { scan.next_back() };
                let Some(next) = next else { break };
                let (key, id) = next.map_err(|e| error::from_sled("page", e))?;
                let stands_there = |record: &Record| {
                    let entry = index.entry(record, &record.values());
                    entry.is_some_and(|entry| spaced(&bytes::entry(index, &entry)) == *key)
                };
                let record = trees.record(&id)?.filter(stands_there);
                found.push(
                    record.ok_or_else(|| error::corrupt("an index entry names a record of another place"))?,
                );
            }
            Ok(found)
        };
        self.read("page", page).await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        check_counters(prefix, range)?;
        let Some(keys) = bytes::counters(prefix, range) else { return Ok(Vec::new()) };
        let range = range.clone();
        let counters = move |trees: &Trees| {
            let mut scan = trees.numbers.range(keys);
            let mut found = Vec::new();
            while found.len() < range.limit as usize {
                let Some(next) = scan.next() else { break };
                let (key, value) = next.map_err(|e| error::from_sled("counters", e))?;
                let counter =
                    bytes::read_counter(&key).ok_or_else(|| error::corrupt("a key of no number"))?;
                if range.contains(&counter) {
                    found.push((counter, schema::number(&value)?));
                }
            }
            Ok(found)
        };
        self.read("counters", counters).await
    }
}
