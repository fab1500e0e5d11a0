//! Opening a file, and what the store promises.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use redb::{Database, DatabaseError};
use referral_core::store::{Changeset, Outcome, Store, StoreError, StoreErrorKind, StoreFacts};

use crate::{commit, error, schema};

/// A store in a file of this process's. Clones share it.
#[derive(Clone)]
pub struct RedbStore {
    path: PathBuf,
    // Shared, because blocking work may outlive the caller that began it.
    pub(crate) db: Arc<Database>,
}

impl RedbStore {
    /// How much redb may keep in memory: 64 MiB.
    pub const CACHE: usize = 64 * 1024 * 1024;

    /// Opens a file, and makes it where there is none.
    ///
    /// # Errors
    /// `Unavailable` if another process has it open (after two seconds of waiting) or the disk fails, `Full`,
    /// `Corrupt`.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let open = move || {
            let db = Arc::new(open_patiently(&path)?);
            schema::prepare(&db)?;
            sync_folder(&path)?;
            Ok(Self { path, db })
        };
        match tokio::task::spawn_blocking(open).await {
            Ok(opened) => opened,
            Err(e) => Err(error::cut_short(StoreErrorKind::Unavailable, "open", e)),
        }
    }
}

/// Work whose caller went away may hold the file for a moment after the last handle is dropped.
fn open_patiently(path: &Path) -> Result<Database, StoreError> {
    const TRIES: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(100);
    let mut tried = 0;
    loop {
        match Database::builder().set_cache_size(RedbStore::CACHE).create(path) {
            Err(DatabaseError::DatabaseAlreadyOpen) if tried < TRIES => {
                tried = tried.saturating_add(1);
                thread::sleep(PAUSE);
            }
            done => return done.map_err(|e| error::from_redb("open", e)),
        }
    }
}

/// Without this a new file may be gone after a loss of power, however often its content was synced.
fn sync_folder(file: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
        synced.map_err(|e| error::from_redb("open", redb::Error::Io(e)))?;
    }
    Ok(())
}

impl std::fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for RedbStore {
    fn facts(&self) -> StoreFacts {
        StoreFacts { name: error::NAME, durable: true, shared: false, batch: 256 }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        // The task goes on when the caller is dropped, so no transaction is ever left half-way.
        let (db, owned) = (self.db.clone(), batch.to_vec());
        match tokio::task::spawn_blocking(move || commit::commit(&db, &owned)).await {
            Ok(answers) => answers,
            Err(e) => {
                let lost = error::cut_short(StoreErrorKind::UnknownOutcome, "commit", e);
                batch.iter().map(|_| Err(lost.clone())).collect()
            }
        }
    }
}
