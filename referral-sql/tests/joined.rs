//! A store inside the host's transaction keeps every promise that can be kept before the host commits.
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

use referral_core::store::{Changeset, Outcome, Read, Store, StoreError, StoreFacts};
use referral_sql::backend::Backend;
use referral_sql::{JoinedStore, SqlStore};
use referral_testkit::{Guard, Harness, Opened, Scratch, async_trait};

/// Opens stores in a transaction that is never committed. Its writes are gone when it is opened again, so it is not
/// durable.
#[derive(Debug)]
struct Uncommitted<B: Backend> {
    joined: JoinedStore<B>,
}

impl<B: Backend> Read for Uncommitted<B> {
    referral_core::forward_reads!(joined);
}

#[async_trait]
impl<B: Backend> Store for Uncommitted<B> {
    fn facts(&self) -> StoreFacts {
        StoreFacts { durable: false, ..self.joined.facts() }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        self.joined.commit(batch).await
    }
}

/// Opens the stores on which the transactions are begun.
#[async_trait]
trait Databases: Send + Sync + 'static {
    type Backend: Backend;

    async fn scratch(&self) -> Option<(SqlStore<Self::Backend>, Scratch)>;
}

struct JoinedHarness<D>(D);

#[async_trait]
impl<D: Databases> Harness for JoinedHarness<D> {
    fn name(&self) -> &str {
        <D::Backend as Backend>::STORE
    }

    fn setup(&self) -> &str {
        "run scripts/test, which starts a throw-away server"
    }

    async fn open(&self) -> Option<Opened> {
        let (store, scratch) = self.0.scratch().await?;
        let joined = store.join(store.begin().await.unwrap());
        Some(Opened::new(Uncommitted { joined }, scratch))
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
        // What is not committed ends with its process.
        false
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use referral_sql::SqliteStore;
    use referral_sql::harness::SqliteHarness;
    use referral_testkit::conformance;

    use super::*;

    #[async_trait]
    impl Databases for SqliteHarness {
        type Backend = sqlx::Sqlite;

        async fn scratch(&self) -> Option<(SqliteStore, Scratch)> {
            Some(self.scratch().await)
        }
    }

    conformance!(JoinedHarness(SqliteHarness::new()));
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
#[async_trait]
impl<B: referral_sql::harness::Server> Databases for referral_sql::harness::ServerHarness<B> {
    type Backend = B;

    async fn scratch(&self) -> Option<(SqlStore<B>, Scratch)> {
        self.scratch().await
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use referral_sql::harness::PostgresHarness;
    use referral_testkit::conformance;

    use super::*;

    conformance!(JoinedHarness(PostgresHarness::from_env()));
}

#[cfg(feature = "mysql")]
mod mysql {
    use referral_sql::harness::MySqlHarness;
    use referral_testkit::conformance;

    use super::*;

    conformance!(JoinedHarness(MySqlHarness::from_env()));
}
