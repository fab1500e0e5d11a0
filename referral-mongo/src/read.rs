//! The four reads: points, keys, pages and numbers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::action::Find;
use mongodb::bson::{Bson, Document, doc};
use mongodb::{ClientSession, Collection};
use referral_core::store::{CounterKey, CounterPrefix, CounterRange, Index, Prefix, Range, Read, StoreError, UniqueKey, check_counters, check_points};
use referral_core::store::{Kind, Record, RecordId};
use uuid::Uuid;

use crate::commit;
use crate::cut;
use crate::error::{self, Fault, corrupt};
use crate::retry::{in_time, retried};
use crate::schema::{self, COUNTER, COUNTER_FIELDS, KEYS};
use crate::store::{Inner, MongoStore};

/// The most documents that the server is asked to send at once.
const BATCH: u32 = 1000;
/// The most `_id`s of one look-up.
const POINTS: usize = 128;

#[async_trait]
impl Read for MongoStore {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        read(&self.inner, "get", async {
            let found = records(&self.inner, ids, None).await?;
            Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
        })
        .await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("find", keys.len())?;
        read(&self.inner, "find", async {
            match holding(&self.inner, keys, None).await? {
                Some(found) => Ok(found),
                // A key changed hands between the two look-ups. Inside a transaction nothing does.
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
                // To the database a limit of nothing is no limit.
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

/// A read, on a database with the right indexes. The driver by itself tries twice.
async fn read<T>(
    inner: &Inner,
    operation: &'static str,
    read: impl Future<Output = Result<T, Fault>>,
) -> Result<T, StoreError> {
    let done = async {
        inner.check().await?;
        read.await
    };
    in_time(inner.timeout, done).await.map_err(|fault: Fault| fault.into_error(operation))
}

/// The documents of these `_id`s, inside a transaction if there is one.
pub(crate) async fn points(
    collection: &Collection<Document>,
    ids: &[Bson],
    mut session: Option<&mut ClientSession>,
) -> Result<Vec<Document>, Fault> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(POINTS) {
        let find = collection.find(doc! { "_id": { "$in": ids } }).batch_size(BATCH);
        match session.as_deref_mut() {
            None => found.append(&mut find.await?.try_collect().await?),
            Some(session) => {
                let mut cursor = find.session(&mut *session).await?;
                while let Some(document) = cursor.next(session).await.transpose()? {
                    found.push(document);
                }
            }
        }
    }
    Ok(found)
}

/// The records of these ids that are there.
pub(crate) async fn records(
    inner: &Inner,
    ids: &[RecordId],
    mut session: Option<&mut ClientSession>,
) -> Result<HashMap<RecordId, Record>, Fault> {
    let mut kinds: BTreeMap<Kind, Vec<Bson>> = BTreeMap::new();
    for id in ids {
        kinds.entry(id.kind).or_default().push(schema::id(id.uuid));
    }
    let mut found = HashMap::with_capacity(ids.len());
    for (kind, ids) in kinds {
        let collection = inner.collection(&schema::collection_name(kind));
        for document in points(&collection, &ids, session.as_deref_mut()).await? {
            let record = schema::record(kind, &document)?;
            found.insert(record.id(), record);
        }
    }
    Ok(found)
}

/// The holders of these keys, in their order.
pub(crate) async fn holders(
    inner: &Inner,
    keys: &[UniqueKey],
    session: Option<&mut ClientSession>,
) -> Result<Vec<Option<Uuid>>, Fault> {
    let ids: Vec<_> = keys.iter().map(schema::key_id).collect();
    let mut found: HashMap<Vec<u8>, Uuid> = HashMap::with_capacity(keys.len());
    for document in points(&inner.collection(KEYS), &ids, session).await? {
        let holder = schema::uuid(document.get("holder").unwrap_or(&Bson::Null))?;
        found.insert(bytes(document.get("_id")), holder);
    }
    Ok(ids.iter().map(|id| found.get(&bytes(Some(id))).copied()).collect())
}

fn bytes(id: Option<&Bson>) -> Vec<u8> {
    match id {
        Some(Bson::Binary(binary)) => binary.bytes.clone(),
        _ => Vec::new(),
    }
}

/// The records that hold these keys; `None` if one of them no longer held its key when it was read.
async fn holding(
    inner: &Inner,
    keys: &[UniqueKey],
    mut session: Option<&mut ClientSession>,
) -> Result<Option<Vec<Option<Record>>>, Fault> {
    let holders = holders(inner, keys, session.as_deref_mut()).await?;
    let id = |(key, holder): (&UniqueKey, &Option<Uuid>)| {
        Some(RecordId { kind: key.unique.kind(), uuid: (*holder)? })
    };
    let ids: Vec<_> = keys.iter().zip(&holders).map(id).collect();
    let some: Vec<_> = ids.iter().flatten().copied().collect();
    let records = records(inner, &some, session).await?;
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

/// In a task of its own: a transaction must be ended also when its caller goes away.
async fn in_a_task(
    inner: Arc<Inner>,
    keys: Vec<UniqueKey>,
    timeout: Duration,
) -> Result<Vec<Option<Record>>, Fault> {
    let task = tokio::spawn(async move { find_at_once(&inner, &keys, timeout).await });
    task.await.unwrap_or_else(|lost| Err(error::lost("find", lost).into()))
}

async fn find_at_once(
    inner: &Inner,
    keys: &[UniqueKey],
    timeout: Duration,
) -> Result<Vec<Option<Record>>, Fault> {
    let mut session = in_time(timeout, commit::begin(inner)).await?;
    let found = in_time(timeout, holding(inner, keys, Some(&mut session))).await;
    commit::abort(session, matches!(found, Err(Fault::Late)), timeout).await;
    found?.ok_or_else(|| corrupt("a unique key names a record that does not hold it").into())
}

/// Adds the numbers that documents make up, in their order: the stripes of one stand side by side.
async fn sum(find: Find<'_, Document>, sums: &mut Vec<(CounterKey, i64)>, limit: usize) -> Result<(), Fault> {
    let mut cursor = find.await?;
    let mut current: Option<(CounterKey, i64)> = None;
    while sums.len() < limit {
        let next = cursor.try_next().await?.map(|document| schema::counter(&document)).transpose()?;
        let ended = next.is_none();
        match (&mut current, next) {
            (Some((key, sum)), Some((next, value))) if *key == next => *sum = sum.saturating_add(value),
            // Stripes may cancel out.
            (_, next) => sums.extend(std::mem::replace(&mut current, next).filter(|(_, sum)| *sum != 0)),
        }
        if ended {
            break;
        }
    }
    Ok(())
}

/// What the database says it does for each piece of a page.
pub(crate) async fn explain_page(
    inner: &Inner,
    index: Index,
    prefix: &Prefix,
    range: &Range,
    limit: u32,
) -> Result<Vec<Document>, Fault> {
    let mut explained = Vec::new();
    for piece in cut::page(index, prefix, range) {
        let find = doc! {
            "find": schema::collection_name(index.shape().kind),
            "filter": piece,
            "sort": schema::pattern(schema::fields(index), range.ascending),
            "limit": i64::from(limit),
        };
        let explain = doc! { "explain": find, "verbosity": "executionStats" };
        explained.push(inner.database.run_command(explain).await?);
    }
    Ok(explained)
}
