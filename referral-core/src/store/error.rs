//! What can go wrong in a store. Lost races are not in here: they are values.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What kind of error of a store it is, and so what the caller can do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The database cannot be reached, or takes no work now. Nothing was written; try again later.
    Unavailable,
    /// Others kept getting in the way, as often as the store may try again by itself. Nothing was written; try again.
    Contended,
    /// The answer to a commit was lost, so it is applied or not. Commit the same changeset again: its witness tells
    /// whether it was.
    UnknownOutcome,
    /// The call breaks a rule of the contract; it will never work.
    Invalid,
    /// The disk or the quota of the database is full. Nothing was written.
    Full,
    /// What is stored is not what this library wrote, or the schema is not the one it needs.
    Corrupt,
    /// Something else went wrong.
    Other,
}

/// An error of a store. It is cheap to clone, because one failure may fail a whole batch.
///
/// `Display` does not print the source. Follow [`Error::source`] for the chain of causes.
#[derive(Clone, Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    backend: &'static str,
    operation: &'static str,
    message: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// Makes an error of the store `backend` during `operation`.
    #[must_use]
    pub fn new(
        kind: StoreErrorKind,
        backend: &'static str,
        operation: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, backend, operation, message: message.into(), source: None }
    }

    /// Makes the error for a call that breaks a rule of the contract.
    #[must_use]
    pub fn invalid(operation: &'static str, message: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Invalid, "referral", operation, message)
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What kind of error it is.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The store it comes from.
    #[must_use]
    pub const fn backend(&self) -> &'static str {
        self.backend
    }

    /// What the store was doing.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether the same call may work when made again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Unavailable | StoreErrorKind::Contended | StoreErrorKind::UnknownOutcome
        )
    }

    /// Whether the cause is the database, and not the call.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Unavailable | StoreErrorKind::Full)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.backend, self.operation, self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_kept_and_not_printed_twice() {
        let io = std::io::Error::other("disk on fire");
        let error =
            StoreError::new(StoreErrorKind::Other, "sqlite", "commit", "the database failed").with_source(io);
        assert_eq!(error.to_string(), "sqlite: commit: the database failed");
        assert_eq!(error.clone().source().map(ToString::to_string), Some("disk on fire".into()));
    }
}
