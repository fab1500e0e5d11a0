//! SQLite keeps every promise of the contract.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

use std::path::Path;

use referral_sql::SqliteStore;
use referral_testkit::{Guard, Harness, Opened, async_trait, conformance};
use tempfile::TempDir;

struct SqliteHarness;

async fn open(folder: &Path) -> SqliteStore {
    let store = SqliteStore::open(folder.join("referral.db")).await.unwrap();
    store.migrate().await.unwrap();
    store
}

#[async_trait]
impl Harness for SqliteHarness {
    fn name(&self) -> &str {
        "sqlite"
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        let folder = TempDir::new().unwrap();
        Some(Opened::new(open(folder.path()).await, folder))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let folder = guard.downcast::<TempDir>().ok()?;
        Some(Opened::new(open(folder.path()).await, *folder))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(guard.downcast_ref::<TempDir>()?.path().to_str()?.to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new(open(Path::new(address)).await, ()))
    }
}

conformance!(SqliteHarness);
