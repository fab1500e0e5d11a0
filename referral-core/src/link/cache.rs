//! The link cache: a code that was asked for a moment ago needs no query.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use quick_cache::sync::Cache;

use crate::catalogue::{Kind, Record, RecordId, Unique};
use crate::source::{Clock, SystemClock};
use crate::store::{Change, Changeset, Outcome, Read, Store, StoreError, StoreFacts, UniqueKey};
use crate::value::Timestamp;

/// How much a [`LinkCache`] keeps, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CacheLimits {
    /// The most codes that are kept, and the most links.
    pub entries: usize,
    /// How long what was found is used.
    pub life: Duration,
    /// How long a code or link that was not found is taken for absent.
    pub absent_life: Duration,
}

impl Default for CacheLimits {
    /// 10,000 codes and as many links. What was found is used for 30 seconds, and what was absent for one second.
    fn default() -> Self {
        Self { entries: 10_000, life: Duration::from_secs(30), absent_life: Duration::from_secs(1) }
    }
}

/// Remembers links and the codes that lead to them, and also which of them do not exist.
///
/// What is written through this handle is forgotten before the commit, so that nobody reads the old link afterwards. Until
/// the commit has ended nothing new is remembered, so that a read at the same time does not bring the old link back. Another
/// process may go on serving a link that was disabled here until the life of its entry ends, which is 30 seconds by default.
/// So may this process, if the caller of a commit was dropped before the store had finished.
///
/// One read call shows one moment: it is answered by the cache alone or by the store alone. So a call of which the cache
/// knows a part only reads the whole.
pub struct LinkCache<S> {
    store: S,
    limits: CacheLimits,
    clock: Arc<dyn Clock>,
    codes: Cache<UniqueKey, Held>,
    links: Cache<RecordId, Held>,
    /// Grows with every invalidation. A look-up during which it grew is not used, and a fill that began at another value is
    /// dropped.
    generation: AtomicU64,
    /// How many commits run that write what is cached. It is locked while the caches are filled or emptied, and not while they
    /// are looked up.
    writers: Mutex<usize>,
}

#[derive(Clone)]
struct Held {
    record: Option<Arc<Record>>,
    until: Timestamp,
}

impl<S> LinkCache<S> {
    fn writers(&self) -> MutexGuard<'_, usize> {
        // A number is whole whenever somebody panics.
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Store> LinkCache<S> {
    /// Wraps a store, with the default limits and the machine's clock.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self::with_limits(store, CacheLimits::default(), Arc::new(SystemClock))
    }

    /// Wraps a store, with these limits and this clock.
    #[must_use]
    pub fn with_limits(store: S, limits: CacheLimits, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            limits,
            clock,
            codes: Cache::new(limits.entries),
            links: Cache::new(limits.entries),
            generation: AtomicU64::new(0),
            writers: Mutex::new(0),
        }
    }

    /// Forgets whatever these changes may have changed. It is needed after changes were committed without this handle, as
    /// when the host commits a transaction of its own.
    pub fn forget(&self, changes: &[Change]) {
        if changes.iter().any(touches) {
            self.remove(changes, &self.writers());
        }
    }

    /// Removes what these changes may change. The guard proves that nobody fills the caches meanwhile.
    fn remove(&self, changes: &[Change], _alone: &MutexGuard<'_, usize>) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        for change in changes {
            match change {
                Change::Insert(record) => {
                    self.links.remove(&record.id());
                    for key in UniqueKey::all_of(record) {
                        self.codes.remove(&key);
                    }
                }
                // The keys it releases are not named in an update or a delete of a code; both are rare.
                Change::Update { record, .. } if record.id().kind == Kind::Alias => self.codes.clear(),
                Change::Delete { id, .. } if id.kind == Kind::Alias => self.codes.clear(),
                Change::Update { record, .. } => drop(self.links.remove(&record.id())),
                Change::Delete { id, .. } => drop(self.links.remove(id)),
                Change::Patch { kind, of, .. } => {
                    for (uuid, _) in of {
                        self.links.remove(&RecordId { kind: *kind, uuid: *uuid });
                    }
                    if *kind == Kind::Alias {
                        self.codes.clear();
                    }
                }
                Change::Expect { .. } | Change::Count { .. } | Change::Tally { .. } => {}
            }
        }
    }

    fn look<K, Q>(&self, cache: &Cache<K, Held>, key: &Q, now: Timestamp) -> Option<Option<Record>>
    where
        K: std::hash::Hash + Eq,
        Q: std::hash::Hash + quick_cache::Equivalent<K> + ?Sized,
    {
        let held = cache.get(key).filter(|held| now < held.until)?;
        Some(held.record.as_deref().cloned())
    }

    fn held(&self, record: Option<&Record>, now: Timestamp) -> Held {
        let life = if record.is_some() { self.limits.life } else { self.limits.absent_life };
        Held { record: record.map(|record| Arc::new(record.clone())), until: now.saturating_add(life) }
    }

    /// Answers from the cache if it knows everything, and from the store otherwise.
    async fn through<K, R>(
        &self,
        cache: &Cache<K, Held>,
        keys: &[K],
        cacheable: fn(&K) -> bool,
        read: impl FnOnce() -> R,
    ) -> Result<Vec<Option<Record>>, StoreError>
    where
        K: std::hash::Hash + Eq + Clone,
        R: Future<Output = Result<Vec<Option<Record>>, StoreError>>,
    {
        let now = self.clock.now();
        let began = self.generation.load(Ordering::SeqCst);
        let look = |key| if cacheable(key) { self.look(cache, key, now) } else { None };
        let known: Option<Vec<_>> = keys.iter().map(look).collect();
        // Between two look-ups, what a commit changes at once may have been forgotten and read again.
        if let Some(known) = known
            && self.generation.load(Ordering::SeqCst) == began
        {
            return Ok(known);
        }
        let found = read().await?;
        let writers = self.writers();
        if *writers == 0 && self.generation.load(Ordering::SeqCst) == began {
            for (key, record) in keys.iter().zip(&found).filter(|(key, _)| cacheable(key)) {
                cache.insert(key.clone(), self.held(record.as_ref(), now));
            }
        }
        Ok(found)
    }
}

/// A commit that runs and writes what is cached.
struct Writing<'a, S>(&'a LinkCache<S>);

impl<'a, S: Store> Writing<'a, S> {
    /// Forgets what the batch may change, and lets nobody remember anything until this is dropped. `None` if the batch changes
    /// nothing that is cached.
    fn begin(cache: &'a LinkCache<S>, batch: &[Changeset]) -> Option<Self> {
        let mut touching = batch.iter().map(Changeset::changes).filter(|changes| changes.iter().any(touches));
        let first = touching.next()?;
        let mut writers = cache.writers();
        *writers = writers.saturating_add(1);
        for changes in std::iter::once(first).chain(touching) {
            cache.remove(changes, &writers);
        }
        drop(writers);
        Some(Self(cache))
    }
}

impl<S> Drop for Writing<'_, S> {
    /// Also when the commit is dropped half-way: the store may go on without it.
    fn drop(&mut self) {
        let mut writers = self.0.writers();
        *writers = writers.saturating_sub(1);
        // A read that began before may have seen what was there before the commit.
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether a change may change what is cached.
fn touches(change: &Change) -> bool {
    match change {
        Change::Insert(record) | Change::Update { record, .. } => cached(record.id().kind),
        Change::Delete { id, .. } => cached(id.kind),
        Change::Patch { kind, .. } => cached(*kind),
        Change::Expect { .. } | Change::Count { .. } | Change::Tally { .. } => false,
    }
}

fn cached(kind: Kind) -> bool {
    matches!(kind, Kind::Link | Kind::Alias)
}

impl<S: fmt::Debug> fmt::Debug for LinkCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkCache").field("store", &self.store).field("limits", &self.limits).finish()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Read for LinkCache<S> {
    crate::forward_reads!(store: page, counters);

    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.through(&self.links, ids, |id| id.kind == Kind::Link, || self.store.get(ids)).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let codes = |key: &UniqueKey| matches!(key.unique, Unique::AliasCode | Unique::AliasFolded);
        self.through(&self.codes, keys, codes, || self.store.find(keys)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for LinkCache<S> {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let _writing = Writing::begin(self, batch);
        self.store.commit(batch).await
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
