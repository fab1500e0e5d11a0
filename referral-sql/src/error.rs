//! From what sqlx reports to what the contract says.

use referral_core::ColumnError;
use referral_core::store::{ErrorKind, StoreError};
use sqlx::migrate::MigrateError;

use crate::backend::Backend;

/// What a database complains about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// A unique key is held.
    Unique,
    /// Another transaction was in the way; the same one may work when run again.
    Transient,
    /// The database takes no work.
    Unavailable,
    /// There is no room.
    Full,
    /// The database says that it is damaged.
    Corrupt,
    /// A table or column is not there.
    Unmigrated,
    /// Something else.
    Other,
}

/// Why an attempt failed, before it is known whether another one is made.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A statement failed; nothing of the transaction is stored.
    Statement(sqlx::Error),
    /// COMMIT failed; whether it took hold depends on how.
    Commit(sqlx::Error),
    /// What a statement ran into was gone when it was looked up; run again.
    Moved,
    /// What is stored is no record.
    Column(ColumnError),
    /// In the words of the contract already.
    Store(StoreError),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(error)
    }
}

impl From<ColumnError> for Fault {
    fn from(error: ColumnError) -> Self {
        Self::Column(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What the database complains about; `None` where it is not the database that complains.
pub(crate) fn trouble<B: Backend>(error: &sqlx::Error) -> Option<Trouble> {
    error.as_database_error().map(B::trouble)
}

impl Fault {
    /// Whether the same transaction may work when it is run again.
    pub(crate) fn is_transient<B: Backend>(&self) -> bool {
        match self {
            Self::Statement(error) | Self::Commit(error) => trouble::<B>(error) == Some(Trouble::Transient),
            Self::Moved => true,
            Self::Column(_) | Self::Store(_) => false,
        }
    }

    /// In the words of the contract.
    pub(crate) fn into_error<B: Backend>(self, operation: &'static str) -> StoreError {
        let (kind, message) = match &self {
            Self::Statement(error) => explain::<B>(error),
            Self::Commit(error) => match explain::<B>(error) {
                // The answer is lost, or came from a disk that failed half-way.
                (ErrorKind::Unavailable, _) => {
                    (ErrorKind::UnknownOutcome, "the answer to COMMIT was lost; it is applied or not")
                }
                known => known,
            },
            Self::Moved => (ErrorKind::Contended, "what was in the way changed with every attempt"),
            Self::Column(_) => (ErrorKind::Corrupt, "a row is not what this library wrote"),
            Self::Store(_) => (ErrorKind::Other, ""),
        };
        let error = StoreError::new(kind, B::STORE, operation, message);
        match self {
            Self::Statement(source) | Self::Commit(source) => error.with_source(source),
            Self::Moved => error,
            Self::Column(source) => error.with_source(source),
            Self::Store(error) => error,
        }
    }
}

fn explain<B: Backend>(error: &sqlx::Error) -> (ErrorKind, &'static str) {
    match error {
        sqlx::Error::Database(error) => match B::trouble(error.as_ref()) {
            Trouble::Transient => (ErrorKind::Contended, "others were in the way with every attempt"),
            Trouble::Unavailable => (ErrorKind::Unavailable, "the database takes no work"),
            Trouble::Full => (ErrorKind::Full, "the database has no room"),
            Trouble::Corrupt => (ErrorKind::Corrupt, "the database is damaged"),
            Trouble::Unmigrated => (ErrorKind::Corrupt, UNMIGRATED),
            Trouble::Unique | Trouble::Other => (ErrorKind::Other, "the database refused a statement"),
        },
        sqlx::Error::PoolTimedOut => (ErrorKind::Unavailable, "no connection became free in time"),
        sqlx::Error::PoolClosed => (ErrorKind::Unavailable, "the store is closed"),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => (ErrorKind::Unavailable, "the database cannot be reached"),
        sqlx::Error::Configuration(_) | sqlx::Error::InvalidArgument(_) => {
            (ErrorKind::Invalid, "the address of the database is not understood")
        }
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
            (ErrorKind::Corrupt, "a row is not what this library wrote")
        }
        _ => (ErrorKind::Other, "the driver failed"),
    }
}

pub(crate) const UNMIGRATED: &str = "the tables are not there, or not all of them: call migrate()";

/// What went wrong while migrating.
pub(crate) fn migration<B: Backend>(error: MigrateError) -> StoreError {
    let kind = match &error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => explain::<B>(error),
        MigrateError::VersionMissing(_) => {
            (ErrorKind::Corrupt, "the schema is newer than this library: update the library")
        }
        MigrateError::VersionMismatch(_) => {
            (ErrorKind::Corrupt, "a migration of another text was applied to this database")
        }
        _ => (ErrorKind::Other, "the migration failed"),
    };
    StoreError::new(kind.0, B::STORE, "migrate", kind.1).with_source(error)
}
