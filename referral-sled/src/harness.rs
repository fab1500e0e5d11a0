//! What the conformance suite opens these stores with, and any other test that wants a sled of its own.
//!
//! ```
//! # mod tests {
//! use referral_sled::harness::SledHarness;
//!
//! referral_testkit::conformance!(SledHarness::new());
//! # }
//! ```

use std::path::PathBuf;

use referral_core::store::StoreError;
use referral_testkit::{FolderHarness, FolderStore};

use crate::SledStore;
use crate::error::NAME;

/// Opens each store in a folder of its own. Only one at a time can have a folder open.
pub type SledHarness = FolderHarness<SledStore>;

/// Small, because every case has a database of its own.
const CACHE: u64 = 4 * 1024 * 1024;

impl FolderStore for SledStore {
    const NAME: &'static str = NAME;

    async fn open_in(folder: PathBuf) -> Result<Self, StoreError> {
        Self::open_with_cache(folder, CACHE).await
    }
}
