//! The layers of core are stores themselves, so they keep every promise too.

use std::sync::Arc;

use referral_core::layer::{GroupCommit, GroupLimits};
use referral_core::link::{CacheLimits, LinkCache};
use referral_core::memory::MemoryStore;
use referral_core::source::SystemClock;
use referral_core::store::{
    Changeset, Outcome, Read, Record, RecordId, Store, StoreError, StoreFacts, UniqueKey,
};
use referral_testkit::{Guard, Harness, Opened, async_trait, conformance};

/// A store that waits before and after everything it does, as one behind a network does: only then has a layer
/// something to merge, and a caller a moment to go away.
#[derive(Debug, Default)]
struct Waiting {
    store: MemoryStore,
}

async fn wait() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Read for Waiting {
    referral_core::forward_reads!(store: page, counters);

    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        wait().await;
        let found = self.store.get(ids).await;
        wait().await;
        found
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        wait().await;
        let found = self.store.find(keys).await;
        wait().await;
        found
    }
}

#[async_trait]
impl Store for Waiting {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        wait().await;
        let answers = self.store.commit(batch).await;
        wait().await;
        answers
    }
}

/// Opens what it is told to make.
struct Made<F>(&'static str, F);

#[async_trait]
impl<F: Fn() -> Opened + Send + Sync + 'static> Harness for Made<F> {
    fn name(&self) -> &str {
        self.0
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        Some((self.1)())
    }

    async fn reopen(&self, _: Guard) -> Option<Opened> {
        self.open().await
    }

    fn address(&self, _: &Guard) -> Option<String> {
        None
    }

    async fn attach(&self, _: &str) -> Option<Opened> {
        None
    }

    fn outlives_process(&self) -> bool {
        false
    }
}

mod group_commit {
    use super::*;

    conformance!(Made("group-commit", || Opened::new(GroupCommit::new(Waiting::default()), ())));
}

/// With room for next to nothing, so that callers are held back.
mod narrow_group_commit {
    use super::*;

    fn open() -> Opened {
        let mut limits = GroupLimits::default();
        (limits.changesets, limits.bytes, limits.waiting) = (3, 2000, 5);
        Opened::new(GroupCommit::with_limits(Waiting::default(), limits), ())
    }

    conformance!(Made("narrow-group-commit", open));
}

mod link_cache {
    use super::*;

    conformance!(Made("link-cache", || Opened::new(LinkCache::new(Waiting::default()), ())));
}

/// As an application has them, and with so few entries that they push each other out.
mod both {
    use super::*;

    fn open() -> Opened {
        let mut limits = CacheLimits::default();
        limits.entries = 3;
        let group = GroupCommit::new(Waiting::default());
        Opened::new(LinkCache::with_limits(group, limits, Arc::new(SystemClock)), ())
    }

    conformance!(Made("cached-group-commit", open));
}
