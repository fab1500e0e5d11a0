//! The four reads: by id, by unique key, by page of an index, and of numbers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::ClientSession;
use mongodb::action::Find;
use mongodb::bson::{Document, doc};
use referral_core::store::{
    CounterKey, CounterPrefix, CounterRange, Index, Prefix, Range, Read, Record, RecordId, StoreError,
    UniqueKey, check_counters, check_keys, check_points,
};

use crate::connection::Inner;
use crate::error::{self, Failure, corrupt};
use crate::retry::{in_time, retried};
use crate::schema::{self, COUNTER, COUNTER_FIELDS};
use crate::store::MongoStore;
use crate::transaction::{abort, begin};
use crate::{cut, points};

/// The most documents that the server is asked to send at once.
const BATCH: u32 = 1000;

#[async_trait]
impl Read for MongoStore {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        read(&self.inner, "get", async {
            let found = points::records(&self.inner, ids, None).await?;
            Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
        })
        .await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_keys(keys)?;
        read(&self.inner, "find", async {
            match holding(&self.inner, keys, None).await? {
                Some(found) => Ok(found),
                // A key got another holder between the two look-ups. In a transaction both see the same moment.
                None => {
                    let attempt = |left| in_a_task(self.inner.clone(), keys.to_vec(), left);
                    retried(self.inner.timeout, attempt).await
                }
            }
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
        let kind = index.shape().kind;
        let collection = self.inner.collection(&schema::collection_name(kind));
        read(&self.inner, "page", async {
            let mut records: Vec<Record> = Vec::new();
            for piece in cut::page(index, prefix, range) {
                // A limit of 0 means no limit to the database.
                let left = limit.saturating_sub(u32::try_from(records.len()).unwrap_or(u32::MAX));
                if left == 0 {
                    break;
                }
                let find = collection
                    .find(piece)
                    .sort(schema::pattern(schema::fields(index), range.ascending))
                    .limit(i64::from(left))
                    .batch_size(left)
                    .max_time(self.inner.timeout);
                let found: Vec<Document> = find.await?.try_collect().await?;
                for document in found {
                    records.push(schema::record(kind, &document)?);
                }
            }
            Ok(records)
        })
        .await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        check_counters(prefix, range)?;
        let collection = self.inner.collection(COUNTER);
        let limit = range.limit as usize;
        read(&self.inner, "counters", async {
            let mut sums = Vec::new();
            for mut piece in cut::numbers(prefix, range) {
                if sums.len() == limit {
                    break;
                }
                piece.insert("value", doc! { "$ne": 0_i64 });
                let find = collection
                    .find(piece)
                    .sort(schema::pattern(COUNTER_FIELDS, true))
                    .batch_size(range.limit.saturating_add(1).min(BATCH))
                    .max_time(self.inner.timeout);
                sum(find, &mut sums, limit).await?;
            }
            Ok(sums)
        })
        .await
    }
}

/// Runs a read, after checking that the indexes are the right ones. The driver itself tries a read twice.
async fn read<T>(
    inner: &Inner,
    operation: &'static str,
    read: impl Future<Output = Result<T, Failure>>,
) -> Result<T, StoreError> {
    let done = async {
        inner.check().await?;
        read.await
    };
    in_time(inner.timeout, done).await.map_err(|failure: Failure| failure.into_error(operation))
}

/// The records that hold these keys. It is `None` if a record no longer held its key when it was read.
async fn holding(
    inner: &Inner,
    keys: &[UniqueKey],
    mut session: Option<&mut ClientSession>,
) -> Result<Option<Vec<Option<Record>>>, Failure> {
    let ids = points::holders(inner, keys, session.as_deref_mut()).await?;
    let held: Vec<_> = ids.iter().flatten().copied().collect();
    let records = points::records(inner, &held, session).await?;
    let holds = |(key, id): (&UniqueKey, &Option<RecordId>)| match id {
        None => Some(None),
        Some(id) => {
            let record = records.get(id)?;
            let held = UniqueKey::held(key.unique, record.tenant(), &record.values());
            (held.as_ref() == Some(key)).then(|| Some(record.clone()))
        }
    };
    Ok(keys.iter().zip(&ids).map(holds).collect())
}

/// Finds records in a transaction, in its own task, so that the transaction is ended even if the caller is dropped.
async fn in_a_task(
    inner: Arc<Inner>,
    keys: Vec<UniqueKey>,
    timeout: Duration,
) -> Result<Vec<Option<Record>>, Failure> {
    let task = tokio::spawn(async move { find_at_once(&inner, &keys, timeout).await });
    task.await.unwrap_or_else(|lost| Err(error::lost("find", lost).into()))
}

async fn find_at_once(
    inner: &Inner,
    keys: &[UniqueKey],
    timeout: Duration,
) -> Result<Vec<Option<Record>>, Failure> {
    let mut session = in_time(timeout, begin(inner)).await?;
    let found = in_time(timeout, holding(inner, keys, Some(&mut session))).await;
    abort(session, matches!(found, Err(Failure::Late)), timeout).await;
    found?.ok_or_else(|| corrupt("a unique key names a record that does not hold it").into())
}

/// Adds up the stripes of each number. The documents come in the order of their keys, so the stripes of a number
/// follow each other.
async fn sum(
    find: Find<'_, Document>,
    sums: &mut Vec<(CounterKey, i64)>,
    limit: usize,
) -> Result<(), Failure> {
    let mut cursor = find.await?;
    let mut current: Option<(CounterKey, i64)> = None;
    while sums.len() < limit {
        let next = cursor.try_next().await?.map(|document| schema::counter(&document)).transpose()?;
        let ended = next.is_none();
        match (&mut current, next) {
            (Some((key, sum)), Some((next, value))) if *key == next => *sum = sum.saturating_add(value),
            // The stripes of a number may add up to 0.
            (_, next) => sums.extend(std::mem::replace(&mut current, next).filter(|(_, sum)| *sum != 0)),
        }
        if ended {
            break;
        }
    }
    Ok(())
}

impl MongoStore {
    /// Returns the database's plan for each find of a page.
    ///
    /// # Errors
    /// The same as those of [`Read::page`].
    pub async fn explain_page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Document>, StoreError> {
        index.check(prefix, limit)?;
        let explained = async {
            let mut explained = Vec::new();
            for piece in cut::page(index, prefix, range) {
                let find = doc! {
                    "find": schema::collection_name(index.shape().kind),
                    "filter": piece,
                    "sort": schema::pattern(schema::fields(index), range.ascending),
                    "limit": i64::from(limit),
                };
                let explain = doc! { "explain": find, "verbosity": "executionStats" };
                explained.push(self.inner.database.run_command(explain).await?);
            }
            Ok(explained)
        };
        in_time(self.inner.timeout, explained).await.map_err(|failure: Failure| failure.into_error("explain"))
    }
}
