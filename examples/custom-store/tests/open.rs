//! What the suite cannot ask, because it is not the same for every store: how opening goes wrong.

use std::error::Error;

use custom_store::RedbStore;
use referral_core::store::StoreErrorKind;
use tempfile::TempDir;

#[tokio::test]
async fn a_file_that_is_open_is_unavailable() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("referral.redb");
    let first = RedbStore::open(&path).await.unwrap();
    let second = RedbStore::open(&path).await.unwrap_err();
    assert_eq!(second.kind(), StoreErrorKind::Unavailable);
    assert!(second.source().is_some(), "the chain is kept");
    drop(first);
    RedbStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_file_of_something_else_is_corrupt_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    let notes = "remember the milk\n".repeat(1000);
    std::fs::write(&path, &notes).unwrap();
    let refused = RedbStore::open(&path).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Corrupt, "{refused:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_unavailable() {
    let folder = TempDir::new().unwrap();
    let refused = RedbStore::open(folder.path().join("nowhere").join("referral.redb")).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
}
