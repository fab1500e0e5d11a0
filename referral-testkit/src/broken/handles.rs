//! Stores that go wrong with several handles, many callers, or another runtime.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use referral_core::store::{
    Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Record,
    RecordId, Store, StoreError, StoreErrorKind, StoreFacts, UniqueKey,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::yield_now;

use super::Data;
use super::defect::Defect;
use super::store::BrokenStore;

/// What is known of the handles on some data.
#[derive(Debug, Default)]
pub(super) struct Handles {
    /// How many were opened.
    opened: usize,
    /// How many have ended.
    ended: usize,
}

/// What a handle read, and keeps until it writes itself.
#[derive(Debug, Default)]
struct Cache {
    records: BTreeMap<RecordId, Option<Record>>,
    holders: BTreeMap<UniqueKey, Option<Record>>,
    pages: BTreeMap<String, Vec<Record>>,
    numbers: BTreeMap<String, Vec<(CounterKey, i64)>>,
}

/// The honest store behind a cache, a pool and a life of its own.
#[derive(Debug)]
pub(super) struct Handle {
    defect: Defect,
    data: Data,
    honest: BrokenStore,
    cache: Mutex<Cache>,
    pool: Semaphore,
    callers: AtomicUsize,
    /// How many handles were opened before this one, and how many had ended.
    before: Handles,
}

/// The connections of a pool.
const CONNECTIONS: usize = 6;

/// The handles that a server has room for.
const ROOM: usize = 3;

/// How often a caller looks for a connection, before it gives up as the pools of real drivers do.
const LOOKS: usize = 2000;

fn unavailable(operation: &'static str, why: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "broken", operation, why)
}

impl Handle {
    /// The store, if the defect is one of this file.
    pub(super) fn over(defect: Option<Defect>, data: &Data) -> Option<Self> {
        use Defect::{
            AbsenceCached, CallersLimited, CommitBlocksThread, CommitTakesTwo, ConflictKeepsConnection,
            EndClosesAll, EndKeepsRoom, EndStopsCalls, HoldersCached, NumbersCached, PagesCached,
            ReadBlocksThread, ReadTakesTwo, RecordsCached, RefusalKeepsConnection,
        };
        let defect = defect?;
        let own = matches!(
            defect,
            AbsenceCached
                | CallersLimited
                | CommitBlocksThread
                | CommitTakesTwo
                | ConflictKeepsConnection
                | EndClosesAll
                | EndKeepsRoom
                | EndStopsCalls
                | HoldersCached
                | NumbersCached
                | PagesCached
                | ReadBlocksThread
                | ReadTakesTwo
                | RecordsCached
                | RefusalKeepsConnection
        );
        own.then(|| {
            let before = {
                let handles = &mut data.lock().unwrap().handles;
                let before = Handles { opened: handles.opened, ended: handles.ended };
                handles.opened += 1;
                before
            };
            Self {
                defect,
                data: data.clone(),
                honest: BrokenStore::over(None, data.clone()),
                cache: Mutex::default(),
                pool: Semaphore::new(CONNECTIONS),
                callers: AtomicUsize::new(0),
                before,
            }
        })
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn ended(&self) -> usize {
        self.data.lock().unwrap().handles.ended
    }

    /// A connection, as soon as there is one.
    async fn connection(&self, operation: &'static str) -> Result<SemaphorePermit<'_>, StoreError> {
        for _ in 0..LOOKS {
            if let Ok(connection) = self.pool.try_acquire() {
                return Ok(connection);
            }
            yield_now().await;
        }
        Err(unavailable(operation, "no connection in time"))
    }

    /// Runs a call with what every call goes through.
    async fn call<T>(
        &self,
        operation: &'static str,
        is_read: bool,
        work: impl Future<Output = T>,
    ) -> Result<T, StoreError> {
        let ended = self.ended();
        if self.is(Defect::EndClosesAll) && ended > self.before.ended {
            return Err(unavailable(operation, "the pool is closed"));
        }
        if self.is(Defect::EndKeepsRoom) && self.before.opened >= ROOM {
            return Err(unavailable(operation, "too many handles"));
        }
        let blocks = if is_read { Defect::ReadBlocksThread } else { Defect::CommitBlocksThread };
        if self.is(blocks) {
            tokio::task::block_in_place(|| ());
        }
        if self.is(Defect::CallersLimited) && self.callers.load(Ordering::SeqCst) >= 64 {
            return Err(unavailable(operation, "too many callers"));
        }
        self.callers.fetch_add(1, Ordering::SeqCst);
        let takes_two = if is_read { Defect::ReadTakesTwo } else { Defect::CommitTakesTwo };
        let connections = async {
            let first = self.connection(operation).await?;
            yield_now().await;
            let second = if self.is(takes_two) { Some(self.connection(operation).await?) } else { None };
            Ok((first, second))
        };
        let done = match connections.await {
            Ok(_connections) => {
                yield_now().await;
                Ok(work.await)
            }
            Err(error) => Err(error),
        };
        self.callers.fetch_sub(1, Ordering::SeqCst);
        if self.is(Defect::EndStopsCalls) && self.ended() != ended {
            return Err(unavailable(operation, "the connection was closed"));
        }
        done
    }

    /// Keeps a connection for ever.
    fn leak(&self) {
        self.pool.forget_permits(1);
    }

    /// A read that was refused may keep the connection that it never used.
    fn read<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if self.is(Defect::RefusalKeepsConnection) && answer.is_err() {
            self.leak();
        }
        answer
    }

    /// The points that are remembered, and the others from the store.
    async fn points<K: Ord + Clone>(
        &self,
        wanted: &[K],
        remembers: impl Fn(&Option<Record>) -> bool,
        part: impl Fn(&mut Cache) -> &mut BTreeMap<K, Option<Record>>,
        found: Vec<Option<Record>>,
    ) -> Vec<Option<Record>> {
        let mut cache = self.cache.lock().unwrap();
        let known = part(&mut cache);
        for (key, found) in wanted.iter().zip(found) {
            let old = known.get(key).is_some_and(&remembers);
            if !old {
                known.insert(key.clone(), found);
            }
        }
        wanted.iter().map(|key| known.get(key).cloned().flatten()).collect()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.data.lock().unwrap().handles.ended += 1;
    }
}

#[async_trait]
impl Read for Handle {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        let found = self.read(self.call("get", true, self.honest.get(ids)).await?)?;
        let remembers = |found: &Option<Record>| match self.defect {
            Defect::RecordsCached => found.is_some(),
            Defect::AbsenceCached => found.is_none(),
            _ => false,
        };
        Ok(self.points(ids, remembers, |cache| &mut cache.records, found).await)
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let found = self.read(self.call("find", true, self.honest.find(keys)).await?)?;
        let remembers = |found: &Option<Record>| self.is(Defect::HoldersCached) && found.is_some();
        Ok(self.points(keys, remembers, |cache| &mut cache.holders, found).await)
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let page = self.honest.page(index, prefix, range, limit);
        let found = self.read(self.call("page", true, page).await?)?;
        if !self.is(Defect::PagesCached) {
            return Ok(found);
        }
        let key = format!("{index:?} {prefix:?} {range:?} {limit}");
        Ok(self.cache.lock().unwrap().pages.entry(key).or_insert(found).clone())
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        let numbers = self.honest.counters(prefix, range);
        let found = self.read(self.call("counters", true, numbers).await?)?;
        if !self.is(Defect::NumbersCached) {
            return Ok(found);
        }
        let key = format!("{prefix:?} {range:?}");
        Ok(self.cache.lock().unwrap().numbers.entry(key).or_insert(found).clone())
    }
}

#[async_trait]
impl Store for Handle {
    fn facts(&self) -> StoreFacts {
        self.honest.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let answers = match self.call("commit", false, self.honest.commit(batch)).await {
            Ok(answers) => answers,
            Err(error) => vec![Err(error); batch.len()],
        };
        // Its own writes it knows.
        *self.cache.lock().unwrap() = Cache::default();
        let conflict = |answer: &Result<Outcome, StoreError>| matches!(answer, Ok(Outcome::Conflict { .. }));
        if self.is(Defect::ConflictKeepsConnection) && answers.iter().any(conflict) {
            self.leak();
        }
        answers
    }
}
