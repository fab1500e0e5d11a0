//! Turns errors of the driver into the errors of the contract.

use mongodb::bson::{Bson, Document};
use mongodb::error::{
    Error, ErrorKind as Driver, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};
use referral_core::store::{StoreError, StoreErrorKind};

/// The name of this store in errors and reports.
pub(crate) const NAME: &str = "mongodb";
/// The message for a database on which [`migrate`](crate::MongoStore::migrate) has not run.
pub(crate) const UNMIGRATED: &str = "the indexes are not there, or not all of them: call migrate()";
const NO_SUCH_TRANSACTION: i32 = 251;
/// The message for a server without transactions.
pub(crate) const STANDALONE: &str = "this mongod runs alone, and so has no transactions: start it with \
    --replSet rs0 and run `mongosh --eval 'rs.initiate()'` once; one node is enough";

/// Why an attempt failed. It may still be tried again.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something before the commit failed. Nothing of the transaction is stored.
    Driver(Error),
    /// The server refused a statement of a transaction. Nothing of the transaction is stored.
    Refused(i32, String),
    /// The commit failed, and it is not known whether it was applied.
    UnknownOutcome(Option<Error>),
    /// A document was changed between the read and the write of a transaction. The transaction is run again.
    Moved,
    /// The server did not answer in time. Nothing of the transaction is stored.
    Late,
    /// Already an error of the contract.
    Store(StoreError),
}

/// Why the database refused something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// A document with this `_id` exists already.
    Duplicate,
    /// Another transaction was in the way. The same transaction may work when it is run again.
    Transient,
    /// No server accepts work now.
    Unavailable,
    /// There is no room.
    Full,
    /// The server runs alone, without a replica set.
    Standalone,
    /// Something else.
    Other,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// Why the database refused, if it was the database that failed.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Driver(error) => reason(error),
            Self::Refused(code, _) => of_code(*code),
            Self::Moved => Reason::Transient,
            Self::Late => Reason::Unavailable,
            Self::UnknownOutcome(_) | Self::Store(_) => Reason::Other,
        }
    }

    /// Whether the same transaction may work when it is run again at once.
    pub(crate) fn is_transient(&self) -> bool {
        match self.reason() {
            // The next attempt reads the document that is there.
            Reason::Duplicate | Reason::Transient => true,
            // There may be a new primary when the driver looks again.
            Reason::Unavailable => !matches!(self, Self::Late),
            Reason::Full | Reason::Standalone | Reason::Other => false,
        }
    }

    /// The error of the contract for this failure.
    pub(crate) fn into_error(self, operation: &'static str) -> StoreError {
        let unknown = "the answer to the commit was lost; it is applied or not";
        let (kind, message) = match (&self, self.reason()) {
            (Self::UnknownOutcome(_), _) => (StoreErrorKind::UnknownOutcome, unknown),
            (Self::Late, _) => (StoreErrorKind::Unavailable, "the server did not answer in time"),
            (_, Reason::Duplicate | Reason::Transient) => {
                (StoreErrorKind::Contended, "others were in the way with every attempt")
            }
            (_, Reason::Unavailable) => (StoreErrorKind::Unavailable, "no server takes work"),
            (_, Reason::Full) => (StoreErrorKind::Full, "the server has no room"),
            (_, Reason::Standalone) => (StoreErrorKind::Invalid, STANDALONE),
            (_, Reason::Other) => (StoreErrorKind::Other, "the server refused"),
        };
        let error = StoreError::new(kind, NAME, operation, message);
        match self {
            Self::Driver(source) | Self::UnknownOutcome(Some(source)) => error.with_source(source),
            Self::Refused(code, message) => error.with_source(format!("{message} (code {code})")),
            Self::UnknownOutcome(None) | Self::Moved | Self::Late => error,
            Self::Store(error) => error,
        }
    }
}

/// Checks the answer to a command. A command can succeed although some of its statements failed, so the errors are
/// in the answer.
pub(crate) fn check(answer: &Document, statements: usize) -> Result<(), Failure> {
    if let Ok(errors) = answer.get_array("writeErrors")
        && let Some(Bson::Document(error)) = errors.first()
    {
        let message = error.get_str("errmsg").unwrap_or_default();
        return Err(Failure::Refused(int(error, "code").unwrap_or_default(), message.to_owned()));
    }
    let matched = int(answer, "n").and_then(|n| usize::try_from(n).ok());
    if matched == Some(statements) { Ok(()) } else { Err(Failure::Moved) }
}

/// Servers and stand-ins differ in the type that they use for small numbers.
fn int(document: &Document, field: &str) -> Option<i32> {
    match document.get(field)? {
        Bson::Int32(number) => Some(*number),
        Bson::Int64(number) => i32::try_from(*number).ok(),
        Bson::Double(number) => Some(*number as i32),
        _ => None,
    }
}

/// Whether a failed commit may have been applied nevertheless. If so, the commit is sent again.
pub(crate) fn is_unknown(error: &Error) -> bool {
    // If the write concern is not met, the write itself may still have been applied.
    let unmet = matches!(error.kind.as_ref(), Driver::Write(WriteFailure::WriteConcernError(_)));
    unmet || error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
}

/// Whether the server does not know the transaction that it was asked to commit. It may be committed nevertheless:
/// the driver repeats a commit by itself, and the lost first answer may have been a success. A server remembers
/// commits for a limited time, also across a restart. The stand-in forgets them when it ends.
pub(crate) fn is_forgotten(error: &Error) -> bool {
    matches!(error.kind.as_ref(), Driver::Command(error) if error.code == NO_SUCH_TRANSACTION)
}

pub(crate) fn reason(error: &Error) -> Reason {
    let of_kind = of_kind(error);
    // The label `TransientTransactionError` says that nothing is stored and the transaction may be run again. The
    // driver also puts it on network errors, where it is too general: those are `Unavailable`. So the label only
    // counts if the error itself has no known reason.
    if of_kind == Reason::Other && error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
        return Reason::Transient;
    }
    of_kind
}

fn of_kind(error: &Error) -> Reason {
    match error.kind.as_ref() {
        // A duplicate comes in three forms: as the error of a command, of a write, and of an `insert_many`.
        Driver::Command(error) => match of_code(error.code) {
            Reason::Other if error.message.starts_with("Transaction numbers are only allowed") => {
                Reason::Standalone
            }
            reason => reason,
        },
        Driver::Write(WriteFailure::WriteError(error)) => of_code(error.code),
        Driver::Write(WriteFailure::WriteConcernError(error)) => of_code(error.code),
        Driver::InsertMany(errors) => {
            let first = errors.write_errors.as_ref().and_then(|errors| errors.first());
            first.map_or(Reason::Other, |error| of_code(error.code))
        }
        Driver::Io(_)
        | Driver::ServerSelection { .. }
        | Driver::ConnectionPoolCleared { .. }
        | Driver::DnsResolve { .. }
        | Driver::Authentication { .. }
        | Driver::Shutdown => Reason::Unavailable,
        // The driver reports these two before it asks a server.
        Driver::SessionsNotSupported => Reason::Standalone,
        Driver::Transaction { message, .. } if message.contains("not supported") => Reason::Standalone,
        _ => Reason::Other,
    }
}

const fn of_code(code: i32) -> Reason {
    match code {
        11000 | 11001 | 12582 => Reason::Duplicate,
        // WriteConflict, LockTimeout, NoSuchTransaction, TransactionTooOld, snapshots and catalogues that are too
        // old, and transactions that meet the migration of a shard.
        112 | 24 | 251 | 225 | 239 | 246 | 262 | 46 | 63 | 117 | 133 | 150 | 156 | 267 | 285 => {
            Reason::Transient
        }
        // The server is not the primary, or no longer, or it is shutting down, or the network between servers
        // failed.
        10107 | 13435 | 13436 | 10058 | 11600 | 11602 | 189 | 91 | 6 | 7 | 89 | 9001 | 134 | 64 | 50 => {
            Reason::Unavailable
        }
        14031 => Reason::Full,
        _ => Reason::Other,
    }
}

pub(crate) fn corrupt(message: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, NAME, "read", message)
}

/// The error for a task of a transaction that was lost: it panicked, or the runtime is shutting down.
pub(crate) fn lost(operation: &'static str, lost: tokio::task::JoinError) -> StoreError {
    StoreError::new(StoreErrorKind::UnknownOutcome, NAME, operation, "the task of the transaction was lost")
        .with_source(lost)
}

/// The error for a lost task that wrote nothing.
pub(crate) fn lost_read(operation: &'static str, lost: tokio::task::JoinError) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, NAME, operation, "the task was lost; it wrote nothing")
        .with_source(lost)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn a_statement_that_fails_inside_a_command_that_succeeds_is_seen() {
        let refused =
            doc! { "ok": 1.0, "n": 0, "writeErrors": [{ "index": 0, "code": 11000, "errmsg": "E11000" }] };
        let failure = check(&refused, 1).unwrap_err();
        assert_eq!(failure.reason(), Reason::Duplicate);
        assert!(failure.is_transient());
        assert!(check(&doc! { "ok": 1.0, "n": 2 }, 2).is_ok());
        assert!(check(&doc! { "ok": 1.0, "n": 2_i64 }, 2).is_ok());
        assert!(matches!(check(&doc! { "ok": 1.0, "n": 1 }, 2), Err(Failure::Moved)));
    }

    #[test]
    fn only_a_lost_commit_is_of_unknown_outcome() {
        let kind = |failure: Failure| failure.into_error("commit").kind();
        assert_eq!(kind(Failure::UnknownOutcome(None)), StoreErrorKind::UnknownOutcome);
        assert_eq!(kind(Failure::Moved), StoreErrorKind::Contended);
        assert_eq!(kind(Failure::Late), StoreErrorKind::Unavailable);
        assert_eq!(kind(Failure::Refused(112, String::new())), StoreErrorKind::Contended);
        assert_eq!(kind(Failure::Refused(10107, String::new())), StoreErrorKind::Unavailable);
        assert_eq!(kind(Failure::Refused(14031, String::new())), StoreErrorKind::Full);
        assert_eq!(kind(Failure::Refused(121, String::new())), StoreErrorKind::Other);
    }
}
