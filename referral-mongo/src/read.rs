//! The four reads: by id, by unique key, by page of an index, and of numbers.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::action::Find;
use mongodb::bson::{Document, doc};
use mongodb::options::ReadConcern;
use mongodb::{ClientSession, Cursor, SessionCursor};
use referral_core::store::{
    CounterKey, CounterPrefix, CounterRange, Index, Kind, Prefix, Range, Read, Record, RecordId, StoreError,
    UniqueKey, check_counters, check_keys, check_points,
};

use crate::connection::Inner;
use crate::error::{Failure, Reason, corrupt};
use crate::retry::{in_time, waits};
use crate::schema::{self, COUNTER, COUNTER_FIELDS};
use crate::snapshot::at_one_moment;
use crate::store::MongoStore;
use crate::{cut, points};

/// The most documents that the server is asked to send at once.
const BATCH: u32 = 1000;

#[async_trait]
impl Read for MongoStore {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        let records = read(&self.inner, "get", || async {
            if is_one_lookup(ids.iter().map(|id| id.kind)) {
                return points::records(&self.inner, ids, None).await;
            }
            let ids = ids.to_vec();
            at_one_moment(&self.inner, "get", move |inner, session| {
                let ids = ids.clone();
                Box::pin(async move { points::records(inner, &ids, Some(session)).await })
            })
            .await
        });
        let records = records.await?;
        Ok(ids.iter().map(|id| records.get(id).cloned()).collect())
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_keys(keys)?;
        read(&self.inner, "find", || async {
            if is_one_lookup(keys.iter().map(|key| key.unique.kind()))
                && let Some(found) = found_at_once(&self.inner, keys).await?
            {
                return Ok(found);
            }
            let keys = keys.to_vec();
            at_one_moment(&self.inner, "find", move |inner, session| {
                let keys = keys.clone();
                Box::pin(async move {
                    let found = holding(inner, &keys, Some(session)).await?;
                    found.ok_or_else(|| corrupt("a unique key names a record that does not hold it").into())
                })
            })
            .await
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
        read(&self.inner, "page", || async {
            let pieces = cut::page(index, prefix, range);
            let ascending = range.ascending;
            if pieces.len() < 2 {
                return records(&self.inner, index, pieces, ascending, limit, None).await;
            }
            at_one_moment(&self.inner, "page", move |inner, session| {
                let pieces = pieces.clone();
                Box::pin(async move { records(inner, index, pieces, ascending, limit, Some(session)).await })
            })
            .await
        })
        .await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        check_counters(prefix, range)?;
        let limit = range.limit;
        read(&self.inner, "counters", || async {
            let pieces = cut::numbers(prefix, range);
            if pieces.len() < 2 {
                return numbers(&self.inner, pieces, limit, None).await;
            }
            at_one_moment(&self.inner, "counters", move |inner, session| {
                let pieces = pieces.clone();
                Box::pin(async move { numbers(inner, pieces, limit, Some(session)).await })
            })
            .await
        })
        .await
    }
}

/// Runs a read, after checking that the indexes are the right ones. The driver itself tries a read twice. What is more, a
/// server may no longer have, or not yet have, the moment that it was to read.
async fn read<T, F>(inner: &Inner, operation: &'static str, attempt: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, Failure>>,
{
    let done = async {
        inner.check().await?;
        let mut waits = waits();
        loop {
            match (attempt().await, waits.next()) {
                (Err(failure), Some(wait)) if failure.reason() == Reason::Transient => {
                    tokio::time::sleep(wait).await;
                }
                (done, _) => return done,
            }
        }
    };
    in_time(inner.timeout, done).await.map_err(|failure: Failure| failure.into_error(operation))
}

/// Whether so many points of these kinds are one command.
fn is_one_lookup(kinds: impl Iterator<Item = Kind>) -> bool {
    let kinds: Vec<_> = kinds.collect();
    kinds.len() <= points::POINTS && kinds.windows(2).all(|pair| matches!(pair, [one, next] if one == next))
}

/// The records that hold these keys, which are of one kind and few, where two look-ups without a transaction show one
/// moment. If every key has a holder, that is the moment at which the records were read and held the keys. If none has, it
/// is the moment before. Otherwise it is `None`.
async fn found_at_once(inner: &Inner, keys: &[UniqueKey]) -> Result<Option<Vec<Option<Record>>>, Failure> {
    let found = holding(inner, keys, None).await?;
    let is_of_one_moment =
        |found: &Vec<Option<Record>>| found.iter().all(Option::is_some) || found.iter().all(Option::is_none);
    Ok(found.filter(is_of_one_moment))
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

/// The records of a page, piece after piece.
async fn records(
    inner: &Inner,
    index: Index,
    pieces: Vec<Document>,
    ascending: bool,
    limit: u32,
    mut session: Option<&mut ClientSession>,
) -> Result<Vec<Record>, Failure> {
    let kind = index.shape().kind;
    let collection = inner.collection(&schema::collection_name(kind));
    let mut records: Vec<Record> = Vec::new();
    for piece in pieces {
        // A limit of 0 means no limit to the database.
        let left = limit.saturating_sub(u32::try_from(records.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let find = collection
            .find(piece)
            .sort(schema::pattern(schema::fields(index), ascending))
            .limit(i64::from(left))
            .batch_size(left)
            .max_time(inner.timeout);
        let mut rows = Rows::of(find, session.as_deref_mut()).await?;
        while let Some(document) = rows.next().await? {
            records.push(schema::record(kind, &document)?);
        }
    }
    Ok(records)
}

/// Numbers that are not 0, piece after piece.
async fn numbers(
    inner: &Inner,
    pieces: Vec<Document>,
    limit: u32,
    mut session: Option<&mut ClientSession>,
) -> Result<Vec<(CounterKey, i64)>, Failure> {
    let collection = inner.collection(COUNTER);
    let (mut sums, most) = (Vec::new(), limit as usize);
    for mut piece in pieces {
        if sums.len() == most {
            break;
        }
        piece.insert("value", doc! { "$ne": 0_i64 });
        let find = collection
            .find(piece)
            .sort(schema::pattern(COUNTER_FIELDS, true))
            .batch_size(limit.saturating_add(1).min(BATCH))
            .max_time(inner.timeout);
        sum(Rows::of(find, session.as_deref_mut()).await?, &mut sums, most).await?;
    }
    Ok(sums)
}

/// The documents of one command, in a transaction or outside. Both show one moment, however many batches they are.
enum Rows<'s> {
    Alone(Cursor<Document>),
    Within(SessionCursor<Document>, &'s mut ClientSession),
}

impl<'s> Rows<'s> {
    async fn of(find: Find<'_, Document>, session: Option<&'s mut ClientSession>) -> Result<Self, Failure> {
        Ok(match session {
            None => Self::Alone(find.read_concern(ReadConcern::snapshot()).await?),
            Some(session) => Self::Within(find.session(&mut *session).await?, session),
        })
    }

    async fn next(&mut self) -> Result<Option<Document>, Failure> {
        Ok(match self {
            Self::Alone(cursor) => cursor.try_next().await?,
            Self::Within(cursor, session) => cursor.next(session).await.transpose()?,
        })
    }
}

/// Adds up the stripes of each number. The documents come in the order of their keys, so the stripes of a number
/// follow each other.
async fn sum(mut rows: Rows<'_>, sums: &mut Vec<(CounterKey, i64)>, limit: usize) -> Result<(), Failure> {
    let mut current: Option<(CounterKey, i64)> = None;
    while sums.len() < limit {
        let next = rows.next().await?.map(|document| schema::counter(&document)).transpose()?;
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
