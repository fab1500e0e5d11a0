//! Opening a folder, and what the store promises.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use async_trait::async_trait;
use referral_core::store::{Changeset, Outcome, Store, StoreError, StoreErrorKind, StoreFacts};
use tokio::sync::mpsc::UnboundedSender;

use crate::commit::{Job, Writer};
use crate::error;
use crate::folder::OpenFolder;

/// A store in a folder of this process's. Clones share it.
#[derive(Clone)]
pub struct SledStore {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    path: PathBuf,
    pub(crate) open: Arc<OpenFolder>,
    jobs: Option<UnboundedSender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl SledStore {
    /// How much sled may keep in memory unless told otherwise: 64 MiB as sled counts; the process takes more.
    pub const CACHE: u64 = 64 * 1024 * 1024;

    /// Opens a folder, and makes it where there is none.
    ///
    /// # Errors
    /// `Unavailable` if another process has it open (after two seconds of waiting) or the disk fails, `Corrupt`.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_cache(path, Self::CACHE).await
    }

    /// Opens a folder with another size of sled's cache, in bytes.
    ///
    /// # Errors
    /// As [`SledStore::open`].
    pub async fn open_with_cache(path: impl AsRef<Path>, cache: u64) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let open = move || Self::open_blocking(&path, cache);
        tokio::task::spawn_blocking(open).await.map_err(|e| {
            StoreError::new(StoreErrorKind::Other, error::NAME, "open", "interrupted").with_source(e)
        })?
    }

    fn open_blocking(path: &Path, cache: u64) -> Result<Self, StoreError> {
        // No flusher of sled's own: each batch is flushed before it is acknowledged.
        let config = sled::Config::new().path(path).cache_capacity(cache).flush_every_ms(None);
        let open = Arc::new(OpenFolder::open(path, config)?);
        let (jobs, writer) = Writer::start(open.clone()).map_err(|e| error::from_sled("open", e.into()))?;
        let inner = Inner { path: path.to_owned(), open, jobs: Some(jobs), writer: Some(writer) };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Drop for Inner {
    /// Waits for the writer, so that the folder can be opened again at once.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has told its callers; there is nobody left to tell.
            let _ = writer.join();
        }
    }
}

impl std::fmt::Debug for SledStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledStore").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SledStore {
    fn facts(&self) -> StoreFacts {
        StoreFacts { name: error::NAME, durable: true, shared: false, batch: 256 }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        match &self.inner.jobs {
            Some(jobs) => crate::commit::submit(jobs, batch).await,
            None => batch.iter().map(|_| Err(error::gone("commit"))).collect(),
        }
    }
}
