//! The four reads.

use std::ops::Bound;

use async_trait::async_trait;
use referral_core::store::{
    CounterKey, CounterPrefix, CounterRange, Index, Prefix, Range, Read, Record, RecordId, StoreError,
    StoreErrorKind, UniqueKey, bytes, check_counters, check_keys, check_points,
};

use crate::error;
use crate::schema::{self, Trees, spaced};
use crate::store::SledStore;

impl SledStore {
    /// Reads may wait for the disk, so they leave the caller's thread alone.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Trees) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let task = tokio::task::spawn_blocking(move || read(&store.inner.trees));
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
        let keys: Vec<_> = keys.iter().map(bytes::unique).collect();
        let find = move |trees: &Trees| {
            let held = |key: &Vec<u8>| match trees.unique.get(key) {
                Ok(Some(record)) => trees.record(&record),
                Ok(None) => Ok(None),
                Err(e) => Err(error::from_sled("find", e)),
            };
            keys.iter().map(held).collect()
        };
        self.read("find", find).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        index.check(prefix, limit)?;
        let start = bytes::prefix(index, prefix);
        let Some((first, last)) = ends(&start, range) else { return Ok(Vec::new()) };
        let (ascending, limit) = (range.ascending, limit as usize);
        let page = move |trees: &Trees| {
            let mut scan = trees.entries.range(first..=last);
            let mut found = Vec::new();
            while found.len() < limit {
                let next = if ascending { scan.next() } else { scan.next_back() };
                let Some(next) = next else { break };
                let (key, id) = next.map_err(|e| error::from_sled("page", e))?;
                let Some(record) = trees.record(&id)? else { continue };
                // Between the entry and the record a writer may have moved it elsewhere.
                let entry = index.entry(&record, &record.values());
                if entry.is_some_and(|entry| spaced(&bytes::entry(index, &entry)) == *key) {
                    found.push(record);
                }
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
        let start = bytes::counter_prefix(prefix);
        let until = bytes::after(&start).map_or(Bound::Unbounded, Bound::Excluded);
        let after = range.after.as_ref().map(bytes::counter).filter(|after| *after >= start);
        let from = after.map_or(Bound::Included(start), Bound::Excluded);
        let (first, last, limit) = (range.from, range.until, range.limit as usize);
        let counters = move |trees: &Trees| {
            let mut found = Vec::new();
            if limit == 0 || empty(&from, &until) {
                return Ok(found);
            }
            for next in trees.numbers.range::<Vec<u8>, _>((from, until)) {
                let (key, value) = next.map_err(|e| error::from_sled("counters", e))?;
                let counter =
                    bytes::read_counter(&key).ok_or_else(|| error::corrupt("a key of no number"))?;
                let inside = first.is_none_or(|first| counter.bucket >= first)
                    && last.is_none_or(|last| counter.bucket < last);
                if inside {
                    found.push((counter, schema::number(&value)?));
                }
                if found.len() >= limit {
                    break;
                }
            }
            Ok(found)
        };
        self.read("counters", counters).await
    }
}

/// The first and the last key of a range inside a prefix, both included; `None` where nothing can lie between.
fn ends(prefix: &[u8], range: &Range) -> Option<(Vec<u8>, Vec<u8>)> {
    // A place among the entries of a prefix is one number of 24 bytes: the order, then the id.
    let order = |at: i64| u64::from_be_bytes(bytes::ordered(at));
    let mut first = (range.from.map_or(0, order), 0_u128);
    let mut last = match range.until {
        Some(at) => (order(at).checked_sub(1)?, u128::MAX),
        None => (u64::MAX, u128::MAX),
    };
    if let Some(seek) = range.after {
        let (at, id) = (order(seek.at), seek.id.as_u128());
        if range.ascending {
            let next = match id.checked_add(1) {
                Some(id) => (at, id),
                None => (at.checked_add(1)?, 0),
            };
            first = first.max(next);
        } else {
            let next = match id.checked_sub(1) {
                Some(id) => (at, id),
                None => (at.checked_sub(1)?, u128::MAX),
            };
            last = last.min(next);
        }
    }
    let key = |(at, id): (u64, u128)| spaced(&[prefix, &at.to_be_bytes(), &id.to_be_bytes()].concat());
    (first <= last).then(|| (key(first), key(last)))
}

/// Whether nothing can lie between; sled, as the standard library, does not take such ranges.
fn empty(from: &Bound<Vec<u8>>, until: &Bound<Vec<u8>>) -> bool {
    match (from, until) {
        (Bound::Included(from), Bound::Excluded(until)) => from >= until,
        (Bound::Excluded(from), Bound::Excluded(until)) => from >= until,
        _ => false,
    }
}
