//! Promises of the link cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;
use crate::link::alias::{Alias, AliasId};
use crate::link::link::{Limits, Link, LinkId, Status};
use crate::link::reads::LinkReads;
use crate::memory::MemoryStore;
use crate::source::ManualClock;
use crate::store::Change;
use crate::value::Code;
use crate::value::{Destination, Label, Metadata, Tenant, Version};

/// Counts reads, and holds each one back after it has read until told.
#[derive(Debug)]
struct Slow {
    store: MemoryStore,
    reads: AtomicUsize,
    finish: Semaphore,
}

impl Slow {
    fn new(permits: usize) -> Self {
        Self { store: MemoryStore::new(), reads: AtomicUsize::new(0), finish: Semaphore::new(permits) }
    }

    async fn read(&self, found: Vec<Option<Record>>) -> Result<Vec<Option<Record>>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.finish.acquire().await.unwrap().forget();
        Ok(found)
    }
}

#[async_trait]
impl Read for Slow {
    crate::forward_reads!(store: page, counters);

    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        let found = self.store.get(ids).await?;
        self.read(found).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let found = self.store.find(keys).await?;
        self.read(found).await
    }
}

#[async_trait]
impl Store for Slow {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        self.store.commit(batch).await
    }
}

fn link(n: u128, status: Status) -> (Link, Alias) {
    let (tenant, version, created_at) = (Tenant::default(), Version::FIRST, Timestamp::from_millis(0));
    let code = Code::new(format!("code-{n}")).unwrap();
    let link = Link {
        id: LinkId::from_uuid(uuid::Uuid::from_u128(n)),
        tenant: tenant.clone(),
        version,
        created_at,
        code: code.clone(),
        owner: None,
        label: Label::default(),
        destination: Destination::new("/").unwrap(),
        target: None,
        status,
        expires_at: None,
        limits: Limits::default(),
        metadata: Metadata::default(),
        natural: None,
    };
    let id = AliasId::from_uuid(uuid::Uuid::from_u128(n));
    let alias = Alias { id, tenant, version, created_at, code, link: link.id, case_exact: false };
    (link, alias)
}

fn insert(n: u128) -> Changeset {
    let (link, alias) = link(n, Status::Active);
    Changeset::new([Change::Insert(link.into()), Change::Insert(alias.into())])
}

fn disable(n: u128) -> Changeset {
    let (link, _) = link(n, Status::Disabled);
    Changeset::new([Change::Update { record: link.into(), was: Version::FIRST }])
}

fn cache(permits: usize) -> (Arc<LinkCache<Slow>>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    let limits = CacheLimits { entries: 100, ..CacheLimits::default() };
    let cache = LinkCache::with_limits(Slow::new(permits), limits, Arc::clone(&clock) as Arc<dyn Clock>);
    (Arc::new(cache), clock)
}

async fn status(cache: &LinkCache<Slow>, n: u128) -> Option<Status> {
    let code = Code::new(format!("CODE-{n}")).unwrap();
    cache.link_by_code(&Tenant::default(), &code).await.unwrap().map(|link| link.status)
}

#[tokio::test]
async fn a_code_that_was_found_costs_no_further_query_until_its_life_ends() {
    let (cache, clock) = cache(1000);
    cache.commit(&[insert(1)]).await;
    for _ in 0..10 {
        assert_eq!(status(&cache, 1).await, Some(Status::Active));
    }
    assert_eq!(cache.store.reads.load(Ordering::SeqCst), 2);
    // Another process disables it: seen when the life ends, and not before.
    cache.store.store.commit(&[disable(1)]).await;
    assert_eq!(status(&cache, 1).await, Some(Status::Active));
    clock.advance(CacheLimits::default().life);
    assert_eq!(status(&cache, 1).await, Some(Status::Disabled));
}

#[tokio::test]
async fn that_there_is_none_is_believed_for_a_second() {
    let (cache, clock) = cache(1000);
    for _ in 0..10 {
        assert_eq!(status(&cache, 1).await, None);
    }
    assert_eq!(cache.store.reads.load(Ordering::SeqCst), 1);
    cache.store.store.commit(&[insert(1)]).await;
    clock.advance(CacheLimits::default().absent_life);
    assert_eq!(status(&cache, 1).await, Some(Status::Active));
}

#[tokio::test]
async fn what_is_written_through_the_handle_is_seen_at_once() {
    let (cache, _) = cache(1000);
    assert_eq!(status(&cache, 1).await, None);
    cache.commit(&[insert(1)]).await;
    assert_eq!(status(&cache, 1).await, Some(Status::Active));
    cache.commit(&[disable(1)]).await;
    assert_eq!(status(&cache, 1).await, Some(Status::Disabled));
}

#[tokio::test]
async fn a_fill_whose_link_was_changed_since_its_read_is_dropped() {
    let (cache, _) = cache(0);
    cache.commit(&[insert(1)]).await;
    let reader = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { cache.get(&[RecordId::from(link(1, Status::Active).0.id)]).await }
    });
    while cache.store.reads.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // The reader has read the old one and not yet filled the cache.
    cache.commit(&[disable(1)]).await;
    cache.store.finish.add_permits(1000);
    reader.await.unwrap().unwrap();
    assert_eq!(status(&cache, 1).await, Some(Status::Disabled));
}

/// Answers of two moments would show a half of what another process changed at once.
#[tokio::test]
async fn what_the_cache_cannot_answer_alone_is_answered_by_the_store_alone() {
    let (cache, _) = cache(1000);
    cache.commit(&[insert(1), insert(2)]).await;
    assert_eq!(status(&cache, 1).await, Some(Status::Active));
    let both = Changeset::new([disable(1), disable(2)].iter().flat_map(Changeset::changes).cloned());
    cache.store.store.commit(&[both]).await;
    let ids = [1, 2].map(|n| RecordId::from(link(n, Status::Active).0.id));
    let found = cache.get(&ids).await.unwrap();
    assert!(found.iter().flatten().all(|found| found.version() == Version::FIRST.next()), "{found:?}");
    assert_eq!(status(&cache, 1).await, Some(Status::Disabled), "what was read is remembered");
}

#[tokio::test]
async fn nothing_is_remembered_while_a_commit_runs() {
    let (cache, _) = cache(1000);
    cache.commit(&[insert(1)]).await;
    let running = Writing::begin(&cache, &[disable(1)]);
    assert_eq!(status(&cache, 1).await, Some(Status::Active), "the commit has written nothing yet");
    cache.store.store.commit(&[disable(1)]).await;
    assert_eq!(status(&cache, 1).await, Some(Status::Disabled));
    drop(running);
    assert_eq!((cache.links.len(), cache.codes.len()), (0, 0));
    assert_eq!(status(&cache, 1).await, Some(Status::Disabled));
    assert_eq!(cache.links.len(), 1);
}

#[tokio::test]
async fn memory_is_bounded_however_many_codes_are_tried() {
    let (cache, _) = cache(1_000_000);
    for n in 0..2000 {
        status(&cache, n).await;
    }
    assert!(cache.codes.len() <= 200, "{}", cache.codes.len());
}
