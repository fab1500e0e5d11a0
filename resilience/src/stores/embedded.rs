//! Stores in a temporary folder.

use std::path::Path;
use std::sync::Arc;

use custom_store::RedbStore;
use referral_core::async_trait;
use referral_core::store::Store;
use referral_sled::SledStore;
use referral_sql::SqliteStore;
use referral_testkit::{Guard, Harness, Opened};
use tempfile::TempDir;

#[derive(Clone, Copy)]
pub(super) enum Embedded {
    Sqlite,
    Sled,
    Redb,
}

impl Embedded {
    async fn at(self, folder: &Path) -> Arc<dyn Store> {
        match self {
            Self::Sqlite => {
                let store = SqliteStore::open(folder.join("referral.db")).await.unwrap();
                store.migrate().await.unwrap();
                Arc::new(store)
            }
            Self::Sled => Arc::new(SledStore::open_with_cache(folder, 4 * 1024 * 1024).await.unwrap()),
            Self::Redb => Arc::new(RedbStore::open(folder.join("referral.redb")).await.unwrap()),
        }
    }
}

#[async_trait]
impl Harness for Embedded {
    fn name(&self) -> &str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Sled => "sled",
            Self::Redb => "redb",
        }
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        let folder = TempDir::new().unwrap();
        Some(Opened { store: self.at(folder.path()).await, guard: Box::new(folder) })
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let folder = guard.downcast::<TempDir>().ok()?;
        Some(Opened { store: self.at(folder.path()).await, guard: folder })
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(guard.downcast_ref::<TempDir>()?.path().to_str()?.to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened { store: self.at(address.as_ref()).await, guard: Box::new(()) })
    }
}
