//! The four reads, each in a read transaction of its own: one moment, however long it takes.

use async_trait::async_trait;
use redb::{ReadTransaction, ReadableDatabase};
use referral_core::store::{
    CounterKey, CounterPrefix, CounterRange, Index, Prefix, Range, Read, Record, RecordId, Seek, StoreError,
    StoreErrorKind, UniqueKey, bytes, check_counters, check_keys, check_points,
};
use uuid::Uuid;

use crate::schema::{self, ENTRIES, KEYS, NUMBERS, RECORDS};
use crate::{RedbStore, error};

#[async_trait]
impl Read for RedbStore {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        let keys: Vec<_> = ids.iter().map(|id| bytes::record(*id)).collect();
        self.read("get", move |transaction| {
            let records = transaction.open_table(RECORDS).map_err(|e| error::from_redb("get", e))?;
            keys.iter().map(|key| schema::record(&records, key)).collect()
        })
        .await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_keys(keys)?;
        let keys: Vec<_> = keys.iter().map(bytes::unique).collect();
        self.read("find", move |transaction| {
            let records = transaction.open_table(RECORDS).map_err(|e| error::from_redb("find", e))?;
            let held_by = transaction.open_table(KEYS).map_err(|e| error::from_redb("find", e))?;
            let held = |key: &Vec<u8>| {
                let holder = held_by.get(key.as_slice()).map_err(|e| error::from_redb("find", e))?;
                holder.map_or(Ok(None), |holder| schema::record(&records, holder.value()))
            };
            keys.iter().map(held).collect()
        })
        .await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        index.check(prefix, limit)?;
        let (from, until) = places(&bytes::prefix(index, prefix), range);
        let (ascending, limit) = (range.ascending, limit as usize);
        if from >= until {
            return Ok(Vec::new());
        }
        self.read("page", move |transaction| {
            let failed = |e| error::from_redb("page", redb::Error::from(e));
            let records = transaction.open_table(RECORDS).map_err(|e| error::from_redb("page", e))?;
            let entries = transaction.open_table(ENTRIES).map_err(|e| error::from_redb("page", e))?;
            let mut scan = entries.range(from.as_slice()..until.as_slice()).map_err(failed)?;
            let mut found = Vec::new();
            while found.len() < limit {
                let next = if ascending { scan.next() } else { scan.next_back() };
                let Some(next) = next else { break };
                let (_, key) = next.map_err(failed)?;
                let record = schema::record(&records, key.value())?;
                found.push(record.ok_or_else(|| error::corrupt("an index entry of no record"))?);
            }
            Ok(found)
        })
        .await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        check_counters(prefix, range)?;
        let start = bytes::counter_prefix(prefix);
        let until = end(&start);
        let after = range.after.as_ref().map(|after| behind(bytes::counter(after)));
        let from = after.map_or_else(|| start.clone(), |after| after.max(start.clone()));
        let (first, last, limit) = (range.from, range.until, range.limit as usize);
        if from >= until {
            return Ok(Vec::new());
        }
        self.read("counters", move |transaction| {
            let failed = |e| error::from_redb("counters", redb::Error::from(e));
            let numbers = transaction.open_table(NUMBERS).map_err(|e| error::from_redb("counters", e))?;
            let mut scan = numbers.range(from.as_slice()..until.as_slice()).map_err(failed)?;
            let mut found = Vec::new();
            while found.len() < limit {
                let Some(next) = scan.next() else { break };
                let (key, value) = next.map_err(failed)?;
                let key = bytes::read_counter(key.value());
                let key = key.ok_or_else(|| error::corrupt("a key of no number"))?;
                let inside = first.is_none_or(|first| key.bucket >= first)
                    && last.is_none_or(|last| key.bucket < last);
                if inside {
                    found.push((key, schema::read_number(value.value())?));
                }
            }
            Ok(found)
        })
        .await
    }
}

impl RedbStore {
    /// Reads may wait for the disk, so they leave the caller's thread alone.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let db = self.db.clone();
        let task = tokio::task::spawn_blocking(move || {
            read(&db.begin_read().map_err(|e| error::from_redb(operation, e))?)
        });
        match task.await {
            Ok(answer) => answer,
            Err(e) => Err(error::cut_short(StoreErrorKind::Unavailable, operation, e)),
        }
    }
}

/// The keys of a range inside a prefix: from the first, up to and without the second.
fn places(prefix: &[u8], range: &Range) -> (Vec<u8>, Vec<u8>) {
    let place = |seek| [prefix, &bytes::seek(seek)].concat();
    // No id is smaller, so this is where the entries of a time begin.
    let time = |at| place(Seek { at, id: Uuid::nil() });
    let from = range.from.map_or_else(|| prefix.to_vec(), time);
    let until = range.until.map_or_else(|| end(prefix), time);
    match range.after {
        Some(after) if range.ascending => (from.max(behind(place(after))), until),
        Some(after) => (from, until.min(place(after))),
        None => (from, until),
    }
}

/// Behind every key that begins so: what follows a prefix is text, which holds no 255, or at most 24 bytes.
fn end(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[255; 25]].concat()
}

/// The smallest bytes behind a key. No key of ours begins with another one, so nothing is skipped.
fn behind(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}
