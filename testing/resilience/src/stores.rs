//! The stores that the tests run on.

use std::sync::Arc;

use custom_store::RedbStore;
use referral_core::async_trait;
use referral_core::layer::GroupCommit;
use referral_mongo::harness::MongoHarness;
use referral_sled::harness::SledHarness;
use referral_sql::harness::{MySqlHarness, PostgresHarness, SqliteHarness};
use referral_testkit::{Breakage, FolderHarness, Guard, Harness, MemoryHarness, Opened};

/// The reference store.
#[must_use]
pub fn memory() -> Arc<dyn Harness> {
    Arc::new(MemoryHarness)
}

/// SQLite, a file in a temporary folder.
#[must_use]
pub fn sqlite() -> Arc<dyn Harness> {
    Arc::new(SqliteHarness::new())
}

/// The same behind core's group commit.
#[must_use]
pub fn grouped_sqlite() -> Arc<dyn Harness> {
    Arc::new(Grouped { harness: sqlite(), name: "sqlite-grouped" })
}

/// sled, in a temporary folder.
#[must_use]
pub fn sled() -> Arc<dyn Harness> {
    Arc::new(SledHarness::new())
}

/// redb, through the store of `examples/custom-store`.
#[must_use]
pub fn redb() -> Arc<dyn Harness> {
    Arc::new(FolderHarness::of("redb", |folder| RedbStore::open(folder.join("referral.redb"))))
}

/// PostgreSQL, on the server that the environment names.
#[must_use]
pub fn postgres() -> Arc<dyn Harness> {
    Arc::new(PostgresHarness::from_env())
}

/// MySQL or MariaDB, on the server that the environment names.
#[must_use]
pub fn mysql() -> Arc<dyn Harness> {
    Arc::new(MySqlHarness::from_env())
}

/// MongoDB, on the server that the environment names.
#[must_use]
pub fn mongodb() -> Arc<dyn Harness> {
    Arc::new(MongoHarness::from_env())
}

/// A store behind core's group commit.
struct Grouped {
    harness: Arc<dyn Harness>,
    name: &'static str,
}

fn grouped(opened: Opened) -> Opened {
    Opened { store: Arc::new(GroupCommit::new(opened.store)), guard: opened.guard }
}

#[async_trait]
impl Harness for Grouped {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> &str {
        self.harness.setup()
    }

    async fn open(&self) -> Option<Opened> {
        self.harness.open().await.map(grouped)
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        self.harness.reopen(guard).await.map(grouped)
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        self.harness.address(guard)
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        self.harness.attach(address).await.map(grouped)
    }

    fn outlives_process(&self) -> bool {
        self.harness.outlives_process()
    }

    async fn open_breakable(&self) -> Option<Opened> {
        self.harness.open_breakable().await.map(grouped)
    }

    async fn break_backend(&self, address: &str, breakage: Option<Breakage>) -> bool {
        self.harness.break_backend(address, breakage).await
    }
}
