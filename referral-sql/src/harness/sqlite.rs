//! SQLite: each case has a file in a folder of its own.

use std::path::{Path, PathBuf};

use referral_core::store::StoreError;
use referral_testkit::{Guard, Harness, Opened, Scratch, async_trait};
use sqlx::Sqlite;

use crate::SqliteStore;
use crate::backend::Backend;

/// Opens each store in a folder of its own, which goes with its guard.
#[derive(Clone, Debug, Default)]
pub struct SqliteHarness {
    beside: Option<PathBuf>,
}

impl SqliteHarness {
    /// Makes its folders in the temporary folder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes its folders in this one.
    #[must_use]
    pub fn beside(folder: impl Into<PathBuf>) -> Self {
        Self { beside: Some(folder.into()) }
    }

    /// A new folder with no database in it yet.
    ///
    /// # Panics
    /// Where none can be made.
    pub async fn make(&self) -> Scratch {
        self.place().expect("a folder for the database")
    }

    fn place(&self) -> Result<Scratch, StoreError> {
        Scratch::folder(Sqlite::STORE, self.beside.as_deref())
    }

    /// The database file in a folder of [`SqliteHarness::make`].
    #[must_use]
    pub fn file(scratch: &Scratch) -> PathBuf {
        file(scratch.address())
    }

    /// A store in a folder of [`SqliteHarness::make`], with connections of its own.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn at(&self, scratch: &Scratch) -> Result<SqliteStore, StoreError> {
        at(scratch.address()).await
    }

    /// An empty store with its tables, and what removes it.
    ///
    /// # Panics
    /// Where none can be opened.
    pub async fn scratch(&self) -> (SqliteStore, Scratch) {
        let scratch = self.make().await;
        (self.migrated(&scratch).await.expect("the database opens"), scratch)
    }

    /// Makes a folder and removes it, so that what keeps every case from running is told once.
    ///
    /// # Errors
    /// `Unavailable` where none can be made, `Other` where it cannot be removed.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.place()?.remove()
    }

    async fn migrated(&self, scratch: &Scratch) -> Result<SqliteStore, StoreError> {
        let store = self.at(scratch).await?;
        store.migrate().await?;
        Ok(store)
    }
}

fn file(folder: &str) -> PathBuf {
    Path::new(folder).join("referral.db")
}

async fn at(folder: &str) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(file(folder)).await
}

#[async_trait]
impl Harness for SqliteHarness {
    fn name(&self) -> &str {
        Sqlite::STORE
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        let (store, scratch) = self.scratch().await;
        Some(Opened::new(store, scratch))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let scratch = Scratch::from_guard(guard)?;
        Some(Opened::new(self.at(&scratch).await.expect("the database opens again"), scratch))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(Scratch::of(guard)?.address().to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new(at(address).await.expect("the parent's database opens"), ()))
    }
}
