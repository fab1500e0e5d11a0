//! What the conformance suite opens these stores with, and any other test that wants a sled of its own.
//!
//! ```
//! # mod tests {
//! use referral_sled::harness::SledHarness;
//!
//! referral_testkit::conformance!(SledHarness::new());
//! # }
//! ```
#![allow(clippy::expect_used, reason = "the suite makes a failure of the case out of a panic here")]

use std::path::PathBuf;

use referral_core::store::StoreError;
use referral_testkit::{Guard, Harness, Opened, Scratch, async_trait};

use crate::SledStore;
use crate::error::NAME;

/// Small, because every case has a database of its own.
const CACHE: u64 = 4 * 1024 * 1024;

/// Opens each store in a folder of its own, which goes with its guard.
#[derive(Clone, Debug, Default)]
pub struct SledHarness {
    beside: Option<PathBuf>,
}

impl SledHarness {
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
        Scratch::folder(NAME, self.beside.as_deref())
    }

    /// The store in a folder of [`SledHarness::make`]. Only one at a time can have it open.
    ///
    /// # Errors
    /// As [`SledStore::open`].
    pub async fn at(&self, scratch: &Scratch) -> Result<SledStore, StoreError> {
        SledStore::open_with_cache(scratch.address(), CACHE).await
    }

    /// An empty store, and what removes it.
    ///
    /// # Panics
    /// Where none can be opened.
    pub async fn scratch(&self) -> (SledStore, Scratch) {
        let scratch = self.make().await;
        (self.at(&scratch).await.expect("the database opens"), scratch)
    }

    /// Makes a folder and removes it, so that what keeps every case from running is told once.
    ///
    /// # Errors
    /// `Unavailable` where none can be made, `Other` where it cannot be removed.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.place()?.remove()
    }
}

#[async_trait]
impl Harness for SledHarness {
    fn name(&self) -> &str {
        NAME
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
        let store = SledStore::open_with_cache(address, CACHE).await;
        Some(Opened::new(store.expect("the parent's database opens"), ()))
    }
}
