//! SQLite: each case has a file in its own folder.

use std::path::{Path, PathBuf};

use referral_core::store::StoreError;
use referral_testkit::{FolderHarness, FolderStore, Scratch};
use sqlx::Sqlite;

use crate::SqliteStore;
use crate::backend::Backend;

/// Opens each store in its own folder, in the file that [`sqlite_file`] names.
pub type SqliteHarness = FolderHarness<SqliteStore>;

/// The database file in a folder of [`SqliteHarness`].
#[must_use]
pub fn sqlite_file(scratch: &Scratch) -> PathBuf {
    file(Path::new(scratch.address()))
}

fn file(folder: &Path) -> PathBuf {
    folder.join("referral.db")
}

impl FolderStore for SqliteStore {
    const NAME: &'static str = Sqlite::STORE;

    async fn open_in(folder: PathBuf) -> Result<Self, StoreError> {
        Self::open(file(&folder)).await
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.migrate().await
    }
}
