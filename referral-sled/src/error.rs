//! What sled's errors mean.

use std::io;

use referral_core::store::{StoreError, StoreErrorKind};

pub(crate) const NAME: &str = "sled";

pub(crate) fn from_sled(operation: &'static str, error: sled::Error) -> StoreError {
    let (kind, message) = match &error {
        sled::Error::Io(io) if io.kind() == io::ErrorKind::StorageFull => {
            (StoreErrorKind::Full, "the disk is full")
        }
        sled::Error::Io(io) if io.kind() == io::ErrorKind::WouldBlock => {
            (StoreErrorKind::Unavailable, "another process has this folder open; sled serves one at a time")
        }
        sled::Error::Io(_) => (StoreErrorKind::Unavailable, "the disk failed"),
        sled::Error::Corruption { .. } | sled::Error::Unsupported(_) => {
            (StoreErrorKind::Corrupt, "the files are not what sled wrote; restore a backup")
        }
        sled::Error::CollectionNotFound(_) | sled::Error::ReportableBug(_) => {
            (StoreErrorKind::Other, "sled failed")
        }
    };
    StoreError::new(kind, NAME, operation, message).with_source(error)
}

pub(crate) fn corrupt(what: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, NAME, "read", what)
}

pub(crate) fn gone(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::UnknownOutcome, NAME, operation, "the writer did not answer")
}
