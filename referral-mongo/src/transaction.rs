//! Begins and ends transactions.

use std::time::Duration;

use mongodb::ClientSession;
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria, TransactionOptions};

use crate::connection::{Inner, durable};
use crate::error::{self, Failure, Reason};
use crate::retry::waits;

/// Begins a transaction. It reads the state of one moment, and its writes are durable when it is committed.
pub(crate) async fn begin(inner: &Inner) -> Result<ClientSession, Failure> {
    let options = TransactionOptions::builder()
        .read_concern(ReadConcern::snapshot())
        .write_concern(durable())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .build();
    let mut session = inner.client.start_session().await?;
    session.start_transaction().with_options(options).await?;
    Ok(session)
}

/// Ends a transaction in the time that is left: commits it after success, and aborts it after a failure.
pub(crate) async fn end<T>(
    inner: &Inner,
    mut session: ClientSession,
    done: Result<T, Failure>,
    left: Duration,
) -> Result<T, Failure> {
    let ended = match done {
        Ok(done) => commit(&mut session, left).await.map(|()| done),
        Err(failure) => {
            abort(session, failure.reason() == Reason::Unavailable, inner.timeout).await;
            Err(failure)
        }
    };
    let silent = |failure: &Failure| {
        failure.reason() == Reason::Unavailable || matches!(failure, Failure::UnknownOutcome(_))
    };
    if !ended.as_ref().is_err_and(silent) {
        inner.gate.answered();
    }
    ended
}

/// Ends a transaction that only read. It is committed too, because only a commit confirms that a majority has what was
/// read.
pub(crate) async fn end_read<T>(
    inner: &Inner,
    session: ClientSession,
    done: Result<T, Failure>,
    left: Duration,
) -> Result<T, Failure> {
    end(inner, session, done, left).await.map_err(|failure| match failure {
        // It wrote nothing, so nothing is unknown.
        Failure::UnknownOutcome(Some(error)) => Failure::Driver(error),
        Failure::UnknownOutcome(None) => Failure::Late,
        other => other,
    })
}

/// Aborts a transaction. The server does that by itself after an error or a timeout, but this releases the locks
/// before the next attempt. It does not wait for a silent server.
///
/// Never leave this to the driver. For a dropped transaction it sends the abort in a task without a deadline, which
/// keeps a silent connection for ever.
pub(crate) async fn abort(mut session: ClientSession, silent: bool, timeout: Duration) {
    let ended = async move { drop(tokio::time::timeout(timeout, session.abort_transaction()).await) };
    if silent {
        drop(tokio::spawn(ended));
    } else {
        ended.await;
    }
}

/// Commits, and sends the commit again while its result is not known. To commit the same transaction twice has no
/// further effect.
async fn commit(session: &mut ClientSession, left: Duration) -> Result<(), Failure> {
    let done = async {
        // Each of these commits is sent up to twice by the driver itself.
        let mut waits = waits().take(9);
        loop {
            let error = match session.commit_transaction().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if error::is_forgotten(&error) {
                return Err(Failure::UnknownOutcome(Some(error)));
            }
            if !error::is_unknown(&error) {
                return Err(Failure::Driver(error));
            }
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(Failure::UnknownOutcome(Some(error))),
            }
        }
    };
    tokio::time::timeout(left, done).await.unwrap_or(Err(Failure::UnknownOutcome(None)))
}
