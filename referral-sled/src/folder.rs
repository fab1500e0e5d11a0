//! A folder that is open, and is opened again after a write failed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use referral_core::store::StoreError;

use crate::error;
use crate::schema::Trees;

/// An open database: what is read and written, and what syncs it.
pub(crate) struct Opened {
    pub(crate) db: sled::Db,
    pub(crate) trees: Trees,
    pub(crate) log: File,
}

/// A folder of sled's.
///
/// After a write that failed, what the trees hold may not be on the disk. So the database is closed, and what is on the
/// disk is read anew before anything else is read or written.
pub(crate) struct OpenFolder {
    path: PathBuf,
    config: sled::Config,
    opened: RwLock<Option<Opened>>,
    #[cfg(feature = "harness")]
    pub(crate) broken: crate::harness::Broken,
}

impl OpenFolder {
    /// Opens the folder. Blocks.
    pub(crate) fn open(path: &Path, config: sled::Config) -> Result<Self, StoreError> {
        let opened = RwLock::new(Some(Opened::open(path, &config)?));
        Ok(Self {
            path: path.to_owned(),
            config,
            opened,
            #[cfg(feature = "harness")]
            broken: crate::harness::Broken::default(),
        })
    }

    /// Works with the open database, and opens it again where it was closed. Blocks.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Opened) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = opened.as_ref() {
            return work(opened);
        }
        drop(opened);
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.is_none() {
            *opened = Some(Opened::open(&self.path, &self.config)?);
        }
        opened.as_ref().map_or_else(|| Err(error::gone("open")), work)
    }

    /// Closes the database, when the reads that began before are done.
    pub(crate) fn close(&self) {
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Opened {
    fn open(path: &Path, config: &sled::Config) -> Result<Self, StoreError> {
        let failed = |e| error::from_sled("open", e);
        let db = crate::retry::open(config).map_err(failed)?;
        let trees = Trees::open(&db).map_err(failed)?;
        let log = File::open(path.join("db")).map_err(|e| failed(e.into()))?;
        Ok(Self { db, trees, log })
    }
}
