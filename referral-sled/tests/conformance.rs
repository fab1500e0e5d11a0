//! The store keeps every promise of the contract.

#![allow(clippy::expect_used, reason = "a test")]

use referral_sled::SledStore;
use referral_testkit::{Guard, Harness, Opened, async_trait, conformance};
use tempfile::TempDir;

struct SledHarness;

/// Small, because every case has a database of its own.
const CACHE: u64 = 4 * 1024 * 1024;

async fn open(path: &std::path::Path) -> SledStore {
    SledStore::open_with_cache(path, CACHE).await.expect("the folder opens")
}

#[async_trait]
impl Harness for SledHarness {
    fn name(&self) -> &str {
        "sled"
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

conformance!(SledHarness);
