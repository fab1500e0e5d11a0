//! From what the driver reports to what the contract says.

use mongodb::bson::{Bson, Document};
use mongodb::error::{
    Error, ErrorKind as Driver, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};
use referral_core::store::{StoreError, StoreErrorKind};

/// What reports call this store.
pub(crate) const NAME: &str = "mongodb";
/// What a database is told that [`migrate`](crate::MongoStore::migrate) has not seen.
pub(crate) const UNMIGRATED: &str = "the indexes are not there, or not all of them: call migrate()";
const NO_SUCH_TRANSACTION: i32 = 251;
/// What a server is told that has no transactions.
pub(crate) const STANDALONE: &str = "this mongod runs alone, and so has no transactions: start it with \
    --replSet rs0 and run `mongosh --eval 'rs.initiate()'` once; one node is enough";

/// Why an attempt failed, before it is known whether another one is made.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something before the commit failed; nothing of the transaction is stored.
    Driver(Error),
    /// A statement of a transaction was refused; nothing of the transaction is stored.
    Refused(i32, String),
    /// The commit failed, and whether it took hold is not known.
    UnknownOutcome(Option<Error>),
    /// What a transaction had read was changed when it wrote; run again.
    Moved,
    /// The server did not answer in time; nothing of the transaction is stored.
    Late,
    /// In the words of the contract already.
    Store(StoreError),
}

/// What the database complains about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// An `_id` is there already.
    Duplicate,
    /// Another transaction was in the way; the same one may work when run again.
    Transient,
    /// No server takes work now.
    Unavailable,
    /// There is no room.
    Full,
    /// The server runs alone.
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
    /// What the database complained about, if it was the database.
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
            // Whoever holds it is read next time.
            Reason::Duplicate | Reason::Transient => true,
            // A new primary may be there when the driver has looked again.
            Reason::Unavailable => !matches!(self, Self::Late),
            Reason::Full | Reason::Standalone | Reason::Other => false,
        }
    }

    /// In the words of the contract.
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

/// What the answer to a statement says that its status does not: statements fail one by one, and the command that
/// carries them succeeds.
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

/// Servers, and those who stand in for them, do not agree on the type of small numbers.
fn int(document: &Document, field: &str) -> Option<i32> {
    match document.get(field)? {
        Bson::Int32(number) => Some(*number),
        Bson::Int64(number) => i32::try_from(*number).ok(),
        Bson::Double(number) => Some(*number as i32),
        _ => None,
    }
}

/// Whether a failed commit may have taken hold all the same. Then it is asked for again.
pub(crate) fn is_unknown(error: &Error) -> bool {
    // A write concern that is not met says nothing about the write.
    let unmet = matches!(error.kind.as_ref(), Driver::Write(WriteFailure::WriteConcernError(_)));
    unmet || error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
}

/// Whether the server does not know the transaction that it was to commit. An answer that was lost before may have
/// been that it is committed: the driver asks again by itself and does not tell. A server remembers what it has
/// committed, also when it was killed; but only so long, and what stands in for MongoDB only until it ends.
pub(crate) fn is_forgotten(error: &Error) -> bool {
    matches!(error.kind.as_ref(), Driver::Command(error) if error.code == NO_SUCH_TRANSACTION)
}

pub(crate) fn reason(error: &Error) -> Reason {
    let of_kind = of_kind(error);
    // The label says that nothing is stored. It also stands on what the network did, of which we know more.
    if of_kind == Reason::Other && error.contains_label(TRANSIENT_TRANSACTION_ERROR) {
        return Reason::Transient;
    }
    of_kind
}

fn of_kind(error: &Error) -> Reason {
    match error.kind.as_ref() {
        // The three shapes in which a duplicate arrives: a command, a write, an `insert_many`.
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
        // Told by the driver before it asks a server.
        Driver::SessionsNotSupported => Reason::Standalone,
        Driver::Transaction { message, .. } if message.contains("not supported") => Reason::Standalone,
        _ => Reason::Other,
    }
}

const fn of_code(code: i32) -> Reason {
    match code {
        11000 | 11001 | 12582 => Reason::Duplicate,
        // WriteConflict, LockTimeout, NoSuchTransaction, TransactionTooOld, snapshots and catalogues that moved on,
        // and what migrations of shards do to transactions that meet them.
        112 | 24 | 251 | 225 | 239 | 246 | 262 | 46 | 63 | 117 | 133 | 150 | 156 | 267 | 285 => {
            Reason::Transient
        }
        // Not the primary, or not any more, or going down; the network between servers.
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

/// The task of a transaction was lost: it panicked, or the runtime is going down.
pub(crate) fn lost(operation: &'static str, lost: tokio::task::JoinError) -> StoreError {
    StoreError::new(StoreErrorKind::UnknownOutcome, NAME, operation, "the task of the transaction was lost")
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
