//! The four reads, each in a read transaction of its own: one moment, however long it takes.

use async_trait::async_trait;
use redb::{ReadTransaction, ReadableDatabase};
use referral_core::store::{
    CounterKey, CounterPrefix, CounterRange, Index, Prefix, Range, Read, Record, RecordId, StoreError,
    StoreErrorKind, UniqueKey, bytes, check_counters, check_keys, check_points,
};

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
        let Some(keys) = bytes::page(index, prefix, range) else { return Ok(Vec::new()) };
        let (ascending, limit) = (range.ascending, limit as usize);
        self.read("page", move |transaction| {
            let failed = |e| error::from_redb("page", redb::Error::from(e));
            let records = transaction.open_table(RECORDS).map_err(|e| error::from_redb("page", e))?;
            let entries = transaction.open_table(ENTRIES).map_err(|e| error::from_redb("page", e))?;
            let mut scan = entries.range(keys.start.as_slice()..keys.end.as_slice()).map_err(failed)?;
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
        let Some(keys) = bytes::counters(prefix, range) else { return Ok(Vec::new()) };
        let range = range.clone();
        self.read("counters", move |transaction| {
            let failed = |e| error::from_redb("counters", redb::Error::from(e));
            let numbers = transaction.open_table(NUMBERS).map_err(|e| error::from_redb("counters", e))?;
            let mut scan = numbers.range(keys.start.as_slice()..keys.end.as_slice()).map_err(failed)?;
            let mut found = Vec::new();
            while found.len() < range.limit as usize {
                let Some(next) = scan.next() else { break };
                let (key, value) = next.map_err(failed)?;
                let key = bytes::read_counter(key.value());
                let key = key.ok_or_else(|| error::corrupt("a key of no number"))?;
                if range.contains(&key) {
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
        let file = self.file.clone();
        let task = tokio::task::spawn_blocking(move || {
            let begun = |e| error::from_redb(operation, e);
            file.with(operation, |db| read(&db.begin_read().map_err(begun)?))
        });
        match task.await {
            Ok(answer) => answer,
            Err(e) => Err(error::cut_short(StoreErrorKind::Unavailable, operation, e)),
        }
    }
}
