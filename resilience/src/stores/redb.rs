//! The example of the guide for store authors. Its own harness is in its tests, where nobody else can take it.

use std::path::Path;

use custom_store::RedbStore;
use referral_core::async_trait;
use referral_testkit::{Guard, Harness, Opened};
use tempfile::TempDir;

pub(super) struct RedbHarness;

async fn at(folder: &Path) -> RedbStore {
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
        Some(Opened::new(at(folder.path()).await, folder))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let folder = guard.downcast::<TempDir>().ok()?;
        Some(Opened::new(at(folder.path()).await, *folder))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(guard.downcast_ref::<TempDir>()?.path().to_str()?.to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new(at(address.as_ref()).await, ()))
    }
}
