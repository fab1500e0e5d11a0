//! A disk that fails when it is told to.

use std::collections::BTreeMap;
use std::io::Error;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use referral_testkit::Breakage;

/// How the disk of each file is broken.
static BROKEN: Mutex<BTreeMap<PathBuf, Breakage>> = Mutex::new(BTreeMap::new());

/// Breaks or mends the disk of a file.
pub(crate) fn break_disk(file: PathBuf, breakage: Option<Breakage>) -> bool {
    let mut broken = BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
    match breakage {
        // redb takes room ahead. What then finds none is its COMMIT, of which nobody can know how far it came.
        Some(Breakage::Full) => return false,
        Some(breakage) => drop(broken.insert(file, breakage)),
        None => drop(broken.remove(&file)),
    }
    true
}

/// The disk on which a file lies.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) file: FileBackend,
    pub(crate) path: PathBuf,
}

impl Disk {
    fn broken(&self) -> Option<Breakage> {
        BROKEN.lock().unwrap_or_else(PoisonError::into_inner).get(&self.path).copied()
    }

    /// Fails where the disk is broken in one of these ways.
    fn unless(&self, ways: &[Breakage]) -> Result<(), Error> {
        let broken = self.broken().is_some_and(|broken| ways.contains(&broken));
        if broken { Err(Error::other("the disk is broken")) } else { Ok(()) }
    }
}

/// Replaces bytes by others of the same length, wherever they are.
fn replace(page: &mut [u8], wanted: &[u8], by: &[u8]) {
    for at in 0..page.len().saturating_sub(wanted.len()) {
        if let Some(found) = page.get_mut(at..at + wanted.len()).filter(|found| *found == wanted) {
            found.copy_from_slice(by);
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        self.unless(&[Breakage::Unreachable])?;
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.unless(&[Breakage::Reads, Breakage::Unreachable])?;
        self.file.read(offset, out)?;
        match self.broken() {
            Some(Breakage::DamagedRecords) => replace(out, b"\"active\"", b"\"broken\""),
            // What begins the key of the only number that is stored then.
            Some(Breakage::DamagedNumbers) => replace(out, b"there", &[255; 5]),
            _ => {}
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.unless(&[Breakage::Writes, Breakage::Unreachable])?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.unless(&[Breakage::Commit, Breakage::Unreachable])?;
        self.file.sync_data()?;
        self.unless(&[Breakage::CommitAnswer])
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.unless(&[Breakage::Writes, Breakage::Unreachable])?;
        self.file.write(offset, data)
    }

    fn close(&self) -> Result<(), Error> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
