//! The store keeps every promise of the contract, also on a disk that fails.

mod disk;

use std::path::{Path, PathBuf};

use custom_store::RedbStore;
use disk::{Disk, break_disk};
use referral_testkit::{FolderHarness, conformance};

fn file(folder: &Path) -> PathBuf {
    folder.join("referral.redb")
}

fn harness() -> FolderHarness<RedbStore> {
    FolderHarness::of("redb", |folder| RedbStore::open(file(&folder))).breakable(
        |folder| {
            let path = file(&folder);
            // Without a cache every read comes from the disk.
            RedbStore::open_over(path.clone(), 0, move |file| Disk { file, path: path.clone() })
        },
        |folder, breakage| async move { break_disk(file(&folder), breakage) },
    )
}

conformance!(harness());
