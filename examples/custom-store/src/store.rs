//! Opening a file, and what the store promises.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, StorageBackend};
use referral_core::store::{Changeset, Outcome, Store, StoreError, StoreErrorKind, StoreFacts};

use crate::{commit, error, schema};

/// A store in a file of this process's. Clones share it.
#[derive(Clone)]
pub struct RedbStore {
    path: PathBuf,
    // Shared, because blocking work may outlive the caller that began it.
    pub(crate) file: Arc<OpenFile>,
}

/// A file that is opened again after its disk failed: redb refuses every later call on a database that saw an error of
/// the disk.
pub(crate) struct OpenFile {
    open: Open,
    db: RwLock<Option<Database>>,
    failed: AtomicBool,
}

type Open = Box<dyn Fn() -> Result<Database, StoreError> + Send + Sync>;

impl OpenFile {
    fn open(open: Open) -> Result<Self, StoreError> {
        let db = RwLock::new(Some(open()?));
        Ok(Self { open, db, failed: AtomicBool::new(false) })
    }

    /// Does work with the database. Blocks.
    pub(crate) fn with<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.failed.load(Ordering::Acquire) {
            self.open_again()?;
        }
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or_else(|| error::closed(operation))?;
        work(db).inspect_err(|error| {
            let of_the_disk = matches!(
                error.kind(),
                StoreErrorKind::Unavailable | StoreErrorKind::Full | StoreErrorKind::UnknownOutcome
            );
            self.failed.fetch_or(of_the_disk, Ordering::AcqRel);
        })
    }

    /// Waits for the work that began before, and closes the file first, because only one may have it open.
    fn open_again(&self) -> Result<(), StoreError> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        if self.failed.load(Ordering::Acquire) {
            *db = None;
            *db = Some((self.open)()?);
            self.failed.store(false, Ordering::Release);
        }
        Ok(())
    }
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
        Self::open_over(path, Self::CACHE, |file| file).await
    }

    /// Opens a file with another size of redb's cache, in bytes, and over a disk of the host's, such as one that encrypts.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub async fn open_over<B: StorageBackend>(
        path: impl AsRef<Path>,
        cache: usize,
        disk: impl Fn(FileBackend) -> B + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let open = move || {
            let own = path.clone();
            let open = move || open_patiently(&own, cache, &disk);
            let file = Arc::new(OpenFile::open(Box::new(open))?);
            file.with("open", schema::prepare)?;
            sync_folder(&path)?;
            Ok(Self { path, file })
        };
        match tokio::task::spawn_blocking(open).await {
            Ok(opened) => opened,
            Err(e) => Err(error::cut_short(StoreErrorKind::Unavailable, "open", e)),
        }
    }
}

/// Work whose caller went away may hold the file for a moment after the last handle is dropped.
fn open_patiently<B: StorageBackend>(
    path: &Path,
    cache: usize,
    disk: impl Fn(FileBackend) -> B,
) -> Result<Database, StoreError> {
    const TRIES: u32 = 20;
    const PAUSE: Duration = Duration::from_millis(100);
    let mut tried = 0;
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|e| error::from_redb("open", redb::Error::Io(e)))?;
        let file = FileBackend::new(file).map_err(|e| error::from_redb("open", e))?;
        match Database::builder().set_cache_size(cache).create_with_backend(disk(file)) {
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
        let (file, owned) = (self.file.clone(), batch.to_vec());
        match tokio::task::spawn_blocking(move || commit::commit(&file, &owned)).await {
            Ok(answers) => answers,
            Err(e) => {
                let lost = error::cut_short(StoreErrorKind::UnknownOutcome, "commit", e);
                batch.iter().map(|_| Err(lost.clone())).collect()
            }
        }
    }
}
