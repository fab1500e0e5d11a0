//! A store inside the host's transaction keeps every promise that can be kept before the host commits.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

use referral_core::store::{
    Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Store,
    StoreError, StoreFacts, UniqueKey,
};
use referral_core::{Record, RecordId};
use referral_sql::JoinedStore;
use referral_sql::harness::SqliteHarness;
use referral_testkit::{Guard, Harness, Opened, async_trait, conformance};
use sqlx::Sqlite;

/// A transaction that nobody commits: what it wrote is gone when it is opened again, so it is not durable.
#[derive(Debug)]
struct Uncommitted(JoinedStore<Sqlite>);

#[async_trait]
impl Read for Uncommitted {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.0.get(ids).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.0.find(keys).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.0.page(index, prefix, range, limit).await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        self.0.counters(prefix, range).await
    }
}

#[async_trait]
impl Store for Uncommitted {
    fn facts(&self) -> StoreFacts {
        StoreFacts { durable: false, ..self.0.facts() }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        self.0.commit(batch).await
    }
}

struct JoinedHarness;

#[async_trait]
impl Harness for JoinedHarness {
    fn name(&self) -> &str {
        "sqlite-joined"
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        let (store, scratch) = SqliteHarness::new().scratch().await;
        let joined = store.join(store.begin().await.unwrap());
        Some(Opened::new(Uncommitted(joined), scratch))
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
}

conformance!(JoinedHarness);
