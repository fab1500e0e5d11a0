//! The link cache: a code that was asked for a moment ago needs no query.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
/// What is written through this handle is forgotten at once: before the commit, so that nobody reads the old link
/// afterwards, and after the commit, so that a read at the same time does not bring it back. Another process may go on
/// serving a link that was disabled here until the life of its entry ends, which is 30 seconds by default. So may this
/// process, if the caller of a commit was dropped before the store had finished.
pub struct LinkCache<S> {
    store: S,
    limits: CacheLimits,
    clock: Arc<dyn Clock>,
    codes: Cache<UniqueKey, Held>,
    links: Cache<RecordId, Held>,
    /// Grows with every invalidation. A fill that began at another value is dropped.
    generation: AtomicU64,
}

#[derive(Clone)]
struct Held {
    record: Option<Arc<Record>>,
    until: Timestamp,
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
        }
    }

    /// Forgets whatever these changes may have changed. It is needed after changes were committed without this handle, as
    /// when the host commits a transaction of its own.
    pub fn forget(&self, changes: &[Change]) {
        let touches = |change: &Change| match change {
            Change::Insert(record) | Change::Update { record, .. } => cached(record.id().kind),
            Change::Delete { id, .. } => cached(id.kind),
            Change::Patch { kind, .. } => cached(*kind),
            Change::Expect { .. } | Change::Count { .. } | Change::Tally { .. } => false,
        };
        if !changes.iter().any(touches) {
            return;
        }
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

    /// Answers from the cache where it can and asks the store once for the rest.
    async fn through<K, F, R>(
        &self,
        cache: &Cache<K, Held>,
        keys: &[K],
        cacheable: fn(&K) -> bool,
        read: F,
    ) -> Result<Vec<Option<Record>>, StoreError>
    where
        K: std::hash::Hash + Eq + Clone,
        F: FnOnce(Vec<K>) -> R,
        R: Future<Output = Result<Vec<Option<Record>>, StoreError>>,
    {
        let now = self.clock.now();
        let known: Vec<_> =
            keys.iter().map(|key| cacheable(key).then(|| self.look(cache, key, now)).flatten()).collect();
        let missing: Vec<K> = keys
            .iter()
            .zip(&known)
            .filter(|(_, known)| known.is_none())
            .map(|(key, _)| key.clone())
            .collect();
        if missing.is_empty() {
            return Ok(known.into_iter().map(Option::flatten).collect());
        }
        let began = self.generation.load(Ordering::SeqCst);
        let found = read(missing.clone()).await?;
        for (key, record) in missing.into_iter().zip(&found).filter(|(key, _)| cacheable(key)) {
            cache.insert(key.clone(), self.held(record.as_ref(), now));
            // The check stands after the insert. Otherwise the insert could undo an invalidation that came in between.
            if self.generation.load(Ordering::SeqCst) != began {
                cache.remove(&key);
            }
        }
        let mut found = found.into_iter();
        Ok(known.into_iter().map(|known| known.unwrap_or_else(|| found.next().flatten())).collect())
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
        let read = |missing: Vec<RecordId>| async move { self.store.get(&missing).await };
        self.through(&self.links, ids, |id| id.kind == Kind::Link, read).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let codes = |key: &UniqueKey| matches!(key.unique, Unique::AliasCode | Unique::AliasFolded);
        let read = |missing: Vec<UniqueKey>| async move { self.store.find(&missing).await };
        self.through(&self.codes, keys, codes, read).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for LinkCache<S> {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let forget = || batch.iter().for_each(|changeset| self.forget(changeset.changes()));
        forget();
        // Also when this future is dropped half-way: the store may go on without it.
        let _after = OnDrop(forget);
        self.store.commit(batch).await
    }
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
