//! Turns errors of sqlx into the errors of the contract.

use std::error::Error;
use std::fmt;

use referral_core::store::{ColumnError, StoreError, StoreErrorKind};
use sqlx::migrate::MigrateError;
use tokio::task::JoinError;

use crate::backend::{Backend, ErrorClass};

/// Why an attempt failed. It may still be tried again.
#[derive(Debug)]
pub(crate) enum DbError {
    /// A statement failed. Nothing of the transaction is stored.
    Statement(sqlx::Error),
    /// COMMIT failed. It is only certain that nothing is stored if [`rolled_back`] says so.
    Commit(sqlx::Error),
    /// The database did not answer in time, before COMMIT was sent. Nothing is stored.
    TimedOut,
    /// The answer to COMMIT did not come in time.
    CommitTimedOut,
    /// A statement met another record, which was gone when it was looked up. The transaction is run again.
    Vanished,
    /// A stored row is not a valid record.
    Column(ColumnError),
    /// Already an error of the contract.
    Store(StoreError),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(error)
    }
}

impl From<ColumnError> for DbError {
    fn from(error: ColumnError) -> Self {
        Self::Column(error)
    }
}

impl From<StoreError> for DbError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What kind of error the database reports. It is `None` if the error does not come from the database.
pub(crate) fn class<B: Backend>(error: &sqlx::Error) -> Option<ErrorClass> {
    error.as_database_error().map(B::classify)
}

impl DbError {
    /// Whether the same transaction may work when it is run again.
    pub(crate) fn is_transient<B: Backend>(&self) -> bool {
        match self {
            Self::Statement(error) | Self::Commit(error) => class::<B>(error) == Some(ErrorClass::Transient),
            Self::Vanished => true,
            Self::TimedOut | Self::CommitTimedOut | Self::Column(_) | Self::Store(_) => false,
        }
    }

    /// Whether the error is about one row of the answer. Then the statement itself succeeded, and the transaction
    /// can go on.
    pub(crate) fn is_of_one_row(&self) -> bool {
        matches!(
            self,
            Self::Column(_) | Self::Statement(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
        )
    }

    /// Whether the statement was answered to its end, so that no unread answer is left on the connection.
    pub(crate) fn is_answered(&self) -> bool {
        match self {
            Self::Statement(error) | Self::Commit(error) => {
                error.as_database_error().is_some() || self.is_of_one_row()
            }
            Self::TimedOut | Self::CommitTimedOut => false,
            Self::Vanished | Self::Column(_) | Self::Store(_) => true,
        }
    }

    /// The error of the contract for this failure.
    pub(crate) fn into_error<B: Backend>(self, operation: &'static str) -> StoreError {
        let (kind, message) = match &self {
            Self::Statement(error) => explain::<B>(error),
            Self::Commit(error) if rolled_back::<B>(error) => explain::<B>(error),
            // The answer was lost, or the disk failed in the middle of COMMIT, or we do not know the error.
            Self::Commit(_) => {
                (StoreErrorKind::UnknownOutcome, "COMMIT failed half-way; it is applied or not")
            }
            Self::TimedOut => (StoreErrorKind::Unavailable, "the database did not answer in time"),
            Self::CommitTimedOut => (
                StoreErrorKind::UnknownOutcome,
                "the answer to COMMIT did not come in time; it is applied or not",
            ),
            Self::Vanished => (StoreErrorKind::Contended, "what was in the way changed with every attempt"),
            Self::Column(_) => (StoreErrorKind::Corrupt, "a row is not what this library wrote"),
            Self::Store(_) => (StoreErrorKind::Other, ""),
        };
        let error = StoreError::new(kind, B::STORE, operation, message);
        match self {
            Self::Statement(source) | Self::Commit(source) => error.with_source(cause(source)),
            Self::TimedOut | Self::CommitTimedOut | Self::Vanished => error,
            Self::Column(source) => error.with_source(source),
            Self::Store(error) => error,
        }
    }
}

/// Whether this failure of COMMIT means that nothing is stored: a conflict, a deferred constraint of the host's, or
/// no room on a database that then rolls back.
fn rolled_back<B: Backend>(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| match B::classify(error) {
        ErrorClass::Transient | ErrorClass::Unique => true,
        ErrorClass::Full => B::FULL_ROLLS_BACK,
        _ => !matches!(error.kind(), sqlx::error::ErrorKind::Other),
    })
}

/// The error to give as the source. Some errors of sqlx print their own source. Such an error is replaced by its
/// source, or the chain would print the same text twice.
fn cause(error: sqlx::Error) -> Box<dyn Error + Send + Sync> {
    match error {
        sqlx::Error::Database(error) => error.into_error(),
        sqlx::Error::Io(error) => error.into(),
        sqlx::Error::Configuration(error) | sqlx::Error::Tls(error) | sqlx::Error::Decode(error) => error,
        other => other.into(),
    }
}

/// The error for a database that could not be opened. `place` says where it is. Never pass the address as the host
/// wrote it, because it may contain a password.
pub(crate) fn opening<B: Backend>(error: sqlx::Error, place: impl fmt::Display) -> StoreError {
    let (kind, message) = explain::<B>(&error);
    StoreError::new(kind, B::STORE, "open", format!("{message}: {place}")).with_source(cause(error))
}

/// The error for an in-memory SQLite database, which no store can use.
pub(crate) fn in_memory<B: Backend>() -> StoreError {
    let message =
        "each connection would see an in-memory database of its own; take a file, or core's MemoryStore";
    StoreError::new(StoreErrorKind::Invalid, B::STORE, "open", message)
}

/// The error for a task of a transaction that was lost: it panicked, or the runtime is shutting down.
pub(crate) fn lost_task<B: Backend>(operation: &'static str, error: JoinError) -> StoreError {
    let message = "the task of the transaction was lost";
    StoreError::new(StoreErrorKind::UnknownOutcome, B::STORE, operation, message).with_source(error)
}

/// The error for a lost task that wrote nothing.
pub(crate) fn lost_read<B: Backend>(operation: &'static str, error: JoinError) -> StoreError {
    let message = "the task was lost; it wrote nothing";
    StoreError::new(StoreErrorKind::Unavailable, B::STORE, operation, message).with_source(error)
}

fn explain<B: Backend>(error: &sqlx::Error) -> (StoreErrorKind, &'static str) {
    match error {
        sqlx::Error::Database(error) => match B::classify(error.as_ref()) {
            ErrorClass::Transient => (StoreErrorKind::Contended, "others were in the way with every attempt"),
            ErrorClass::Unavailable => (StoreErrorKind::Unavailable, "the database takes no work"),
            ErrorClass::Full => (StoreErrorKind::Full, "the database has no room"),
            ErrorClass::Corrupt => (StoreErrorKind::Corrupt, "the database is damaged"),
            ErrorClass::Unmigrated => (StoreErrorKind::Corrupt, UNMIGRATED),
            ErrorClass::Unique | ErrorClass::Other => {
                (StoreErrorKind::Other, "the database refused a statement")
            }
        },
        sqlx::Error::PoolTimedOut => (StoreErrorKind::Unavailable, "no connection became free in time"),
        sqlx::Error::PoolClosed => (StoreErrorKind::Unavailable, "the store is closed"),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => (StoreErrorKind::Unavailable, "the database cannot be reached"),
        sqlx::Error::Configuration(_) | sqlx::Error::InvalidArgument(_) => {
            (StoreErrorKind::Invalid, "the address of the database is not understood")
        }
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
            (StoreErrorKind::Corrupt, "a row is not what this library wrote")
        }
        _ => (StoreErrorKind::Other, "the driver failed"),
    }
}

pub(crate) const UNMIGRATED: &str = "the tables are not there, or not all of them: call migrate()";

pub(crate) const NEWER: &str = "the schema is newer than this library: update the library";

/// The error of the contract for a failed migration.
pub(crate) fn migration<B: Backend>(error: MigrateError) -> StoreError {
    let kind = match &error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => explain::<B>(error),
        MigrateError::VersionMissing(_) => (StoreErrorKind::Corrupt, NEWER),
        MigrateError::VersionMismatch(_) => {
            (StoreErrorKind::Corrupt, "a migration of another text was applied to this database")
        }
        _ => (StoreErrorKind::Other, "the migration failed"),
    };
    let source = match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => cause(error),
        other => other.into(),
    };
    StoreError::new(kind.0, B::STORE, "migrate", kind.1).with_source(source)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sqlx::error::{DatabaseError, ErrorKind as Violation};

    use super::*;

    /// An error of a database with this code.
    #[derive(Debug)]
    struct Answer(&'static str);

    impl fmt::Display for Answer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "code {}", self.0)
        }
    }

    impl Error for Answer {}

    impl DatabaseError for Answer {
        fn message(&self) -> &str {
            "no"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> Violation {
            match self.0 {
                "23503" | "787" => Violation::ForeignKeyViolation,
                "23514" => Violation::CheckViolation,
                _ => Violation::Other,
            }
        }
    }

    fn answer(code: &'static str) -> sqlx::Error {
        sqlx::Error::Database(Box::new(Answer(code)))
    }

    fn at_commit<B: Backend>(error: sqlx::Error) -> (StoreErrorKind, bool) {
        let error = DbError::Commit(error);
        let again = error.is_transient::<B>();
        (error.into_error::<B>("commit").kind(), again)
    }

    #[cfg(feature = "sqlite")]
    fn lines(error: &dyn Error) -> Vec<String> {
        let mut lines = vec![error.to_string()];
        let mut next = error.source();
        while let Some(error) = next {
            lines.push(error.to_string());
            next = error.source();
        }
        lines
    }

    fn lost<B: Backend>() {
        let io = || std::io::Error::other("reset").into();
        for error in [io(), sqlx::Error::Protocol("what?".into()), sqlx::Error::WorkerCrashed] {
            assert_eq!(at_commit::<B>(error), (StoreErrorKind::UnknownOutcome, false));
        }
        let odd = [sqlx::Error::RowNotFound, sqlx::Error::Decode("odd".into()), answer("no such code")];
        for error in odd {
            assert_eq!(at_commit::<B>(error), (StoreErrorKind::UnknownOutcome, false));
        }
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn a_commit_on_sqlite_is_unknown_unless_it_is_known_to_be_undone() {
        type B = sqlx::Sqlite;
        lost::<B>();
        // BUSY, BUSY_SNAPSHOT, LOCKED
        for code in ["5", "517", "6"] {
            assert_eq!(at_commit::<B>(answer(code)), (StoreErrorKind::Contended, true), "{code}");
        }
        assert_eq!(at_commit::<B>(answer("13")), (StoreErrorKind::Full, false));
        // A deferred foreign key of the host's
        assert_eq!(at_commit::<B>(answer("787")), (StoreErrorKind::Other, false));
        // ERROR, NOMEM, READONLY, INTERRUPT, IOERR_FSYNC, CORRUPT, NOTADB
        for code in ["1", "7", "8", "9", "1034", "11", "26"] {
            assert_eq!(at_commit::<B>(answer(code)), (StoreErrorKind::UnknownOutcome, false), "{code}");
        }
        // A failed statement has stored nothing, whatever the error is.
        let kind = |code| DbError::Statement(answer(code)).into_error::<B>("commit").kind();
        assert_eq!(
            [kind("11"), kind("1034"), kind("1")],
            [StoreErrorKind::Corrupt, StoreErrorKind::Unavailable, StoreErrorKind::Other]
        );
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_commit_on_postgres_is_unknown_unless_it_is_known_to_be_undone() {
        type B = sqlx::Postgres;
        lost::<B>();
        for code in ["40001", "40P01", "55P03"] {
            assert_eq!(at_commit::<B>(answer(code)), (StoreErrorKind::Contended, true), "{code}");
        }
        for code in ["23505", "23503", "23514"] {
            assert_eq!(at_commit::<B>(answer(code)), (StoreErrorKind::Other, false), "{code}");
        }
        // statement_completion_unknown, disk_full, data_corrupted, admin_shutdown, query_canceled, internal_error
        for code in ["40003", "53100", "XX001", "57P01", "57014", "XX000"] {
            assert_eq!(at_commit::<B>(answer(code)), (StoreErrorKind::UnknownOutcome, false), "{code}");
        }
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn a_commit_on_mysql_is_unknown_unless_it_is_known_to_be_undone() {
        lost::<sqlx::MySql>();
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn the_chain_says_nothing_twice() {
        let error = DbError::Statement(answer("1")).into_error::<sqlx::Sqlite>("commit");
        assert_eq!(lines(&error), ["sqlite: commit: the database refused a statement", "code 1"]);
        let io = std::io::Error::other("disk on fire");
        let error = opening::<sqlx::Sqlite>(io.into(), "/srv/x.db");
        assert_eq!(
            lines(&error),
            ["sqlite: open: the database cannot be reached: /srv/x.db", "disk on fire"]
        );
        let error = migration::<sqlx::Sqlite>(MigrateError::ExecuteMigration(answer("1"), 1));
        assert_eq!(lines(&error), ["sqlite: migrate: the database refused a statement", "code 1"]);
    }
}
