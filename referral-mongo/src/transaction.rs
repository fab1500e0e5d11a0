//! The beginning and the end of a transaction.

use std::time::Duration;

use mongodb::ClientSession;
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria, TransactionOptions};

use crate::connection::{Inner, durable};
use crate::error::{self, Failure, Reason};
use crate::retry::waits;

/// A session in a transaction: what it reads is one moment, and what it writes is durable when it is committed.
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

/// Ends a transaction in what is left of its time: commits what went well, and aborts the rest.
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

/// Ends a transaction without a trace. The server does so by itself after an error, or when nobody asks after it
/// any more; this releases what it holds before the next attempt. A silent server is not waited for.
///
/// Never leave this to the driver: it asks for the end of a transaction that is dropped in a task without a deadline,
/// and a connection that is silent stays taken for as long.
pub(crate) async fn abort(mut session: ClientSession, silent: bool, timeout: Duration) {
    let ended = async move { drop(tokio::time::timeout(timeout, session.abort_transaction()).await) };
    if silent {
        drop(tokio::spawn(ended));
    } else {
        ended.await;
    }
}

/// Commits, and asks again while the answer is not known: committing twice is committing once.
async fn commit(session: &mut ClientSession, left: Duration) -> Result<(), Failure> {
    let done = async {
        // The driver itself asks twice.
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
