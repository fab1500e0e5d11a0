//! The store keeps every promise of the contract.

#![allow(clippy::expect_used, reason = "a test")]

use std::path::Path;

use custom_store::RedbStore;
use referral_testkit::{Guard, Harness, Opened, async_trait, conformance};
use tempfile::TempDir;

struct RedbHarness;

async fn open(folder: &Path) -> RedbStore {
    RedbStore::open(folder.join("referral.redb")).await.expect("the file opens")
}

#[async_trait]
impl Harness for RedbHarness {
    fn name(&self) -> &str {
        "redb"
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        let folder = TempDir::new().expect("a temporary folder");
        let store = open(folder.path()).await;
        Some(Opened::new(store, folder))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let folder = guard.downcast::<TempDir>().ok()?;
        let store = open(folder.path()).await;
        Some(Opened::new(store, *folder))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(guard.downcast_ref::<TempDir>()?.path().to_str()?.to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new(open(address.as_ref()).await, ()))
    }
}

conformance!(RedbHarness);
