//! What redb's errors mean to the caller.

use std::io;

use referral_core::store::{StoreError, StoreErrorKind};

pub(crate) const NAME: &str = "redb";

/// An error before anything was committed.
pub(crate) fn from_redb(operation: &'static str, error: impl Into<redb::Error>) -> StoreError {
    let error = error.into();
    let (kind, message) = match &error {
        // What redb says of a file that never was its own.
        redb::Error::Io(io) if io.kind() == io::ErrorKind::InvalidData => {
            (StoreErrorKind::Corrupt, "this is no file of redb's")
        }
        redb::Error::Io(io) if io.kind() == io::ErrorKind::StorageFull => {
            (StoreErrorKind::Full, "the disk is full")
        }
        redb::Error::Io(_) => (StoreErrorKind::Unavailable, "the disk failed"),
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
            (StoreErrorKind::Unavailable, "the disk failed before")
        }
        redb::Error::DatabaseAlreadyOpen => {
            (StoreErrorKind::Unavailable, "another process has this file open; redb serves one at a time")
        }
        redb::Error::Corrupted(_)
        | redb::Error::UpgradeRequired(_)
        | redb::Error::RepairAborted
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TableDoesNotExist(_) => {
            (StoreErrorKind::Corrupt, "the file is not what this store wrote; restore a backup")
        }
        // redb may add to its errors.
        _ => (StoreErrorKind::Other, "redb failed"),
    };
    StoreError::new(kind, NAME, operation, message).with_source(error)
}

/// COMMIT itself failed, so nobody knows: the file may or may not hold the batch.
pub(crate) fn unknown(error: impl Into<redb::Error>) -> StoreError {
    StoreError::new(
        StoreErrorKind::UnknownOutcome,
        NAME,
        "commit",
        "the transaction may or may not be written",
    )
    .with_source(error.into())
}

/// The disk failed, and the file could not be opened again yet.
pub(crate) fn closed(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, NAME, operation, "the disk failed before")
}

/// The runtime ended, or the work panicked.
pub(crate) fn cut_short(
    kind: StoreErrorKind,
    operation: &'static str,
    error: tokio::task::JoinError,
) -> StoreError {
    StoreError::new(kind, NAME, operation, "the work was cut short").with_source(error)
}

/// Bytes that no version of this store wrote.
pub(crate) fn corrupt(what: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, NAME, "read", what)
}
