//! The four reads.

use std::ops::Bound;

use async_trait::async_trait;
use referral_core::record::{Record, RecordId};
use referral_core::store::{
    CounterKey, CounterPrefix, CounterRange, ErrorKind, Index, Prefix, Range, Read, StoreError, UniqueKey,
    bytes, check_counters, check_points,
};

use crate::error;
use crate::schema::{self, Trees};
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
            StoreError::new(ErrorKind::Unavailable, error::NAME, operation, "the read was cut short").with_source(e)
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
        check_points("find", keys.len())?;
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
        let (from, until) = bounds(&start, range);
        let (ascending, limit) = (range.ascending, limit as usize);
        let page = move |trees: &Trees| {
            if empty(&from, &until) {
                return Ok(Vec::new());
            }
            let mut scan = trees.entries.range::<Vec<u8>, _>((from, until));
            let mut found = Vec::new();
            while found.len() < limit {
                let next = if ascending { scan.next() } else { scan.next_back() };
                let Some(next) = next else { break };
                let (key, id) = next.map_err(|e| error::from_sled("page", e))?;
                let Some(record) = trees.record(&id)? else { continue };
                // Between the entry and the record a writer may have moved it elsewhere.
                let entry = index.entry(&record, &record.values());
                if entry.is_some_and(|entry| bytes::entry(index, &entry) == *key) {
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
                let counter = bytes::read_counter(&key).ok_or_else(|| error::corrupt("a key of no number"))?;
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

type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// The keys of a range inside a prefix.
fn bounds(prefix: &[u8], range: &Range) -> Bounds {
    let with = |tail: &[u8]| [prefix, tail].concat();
    let mut from = Bound::Included(range.from.map_or_else(|| prefix.to_vec(), |at| with(&bytes::ordered(at))));
    let mut until = match range.until {
        Some(at) => Bound::Excluded(with(&bytes::ordered(at))),
        None => bytes::after(prefix).map_or(Bound::Unbounded, Bound::Excluded),
    };
    if let Some(seek) = range.after {
        let seek = with(&bytes::seek(seek));
        let edge = |bound: &Bound<Vec<u8>>| match bound {
            Bound::Included(key) | Bound::Excluded(key) => Some(key.clone()),
            Bound::Unbounded => None,
        };
        if range.ascending {
            if edge(&from).is_none_or(|from| seek >= from) {
                from = Bound::Excluded(seek);
            }
        } else if edge(&until).is_none_or(|until| seek < until) {
            until = Bound::Excluded(seek);
        }
    }
    (from, until)
}

/// Whether nothing can lie between; sled, like the standard library, does not take such ranges.
fn empty(from: &Bound<Vec<u8>>, until: &Bound<Vec<u8>>) -> bool {
    match (from, until) {
        (Bound::Included(from), Bound::Excluded(until)) => from >= until,
        (Bound::Excluded(from), Bound::Excluded(until)) => from >= until,
        _ => false,
    }
}
