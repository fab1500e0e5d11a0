//! The one write: a batch is one transaction, in a task of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mongodb::ClientSession;
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria, TransactionOptions};
use referral_core::store::{Changeset, Outcome, StoreError, StoreErrorKind};

use crate::draft::Draft;
use crate::error::{self, Fault, NAME, Trouble};
use crate::retry::{in_time, retried, waits};
use crate::store::{Inner, durable};
use crate::write::Writes;

type Answer = Result<Outcome, StoreError>;

/// The most changesets, changes and bytes of one transaction, so that it stays far below the minute that a server
/// gives one. A single changeset is never divided.
const CHANGESETS: usize = 256;
const CHANGES: usize = 4096;
const WEIGHT: usize = 8 * 1024 * 1024;

/// Applies a batch. Goes on when the caller goes away: each changeset is whole or absent then, and the connections
/// are as good as before.
pub(crate) async fn commit(inner: &Arc<Inner>, batch: &[Changeset]) -> Vec<Answer> {
    let checks: Vec<_> = batch.iter().map(Changeset::check).collect();
    let valid = batch.iter().zip(&checks).filter(|(_, check)| check.is_ok());
    let valid: Vec<_> = valid.map(|(changeset, _)| changeset.clone()).collect();
    let count = valid.len();
    let mut answers = match tokio::spawn(all(inner.clone(), valid)).await {
        Ok(answers) => answers.into_iter(),
        Err(lost) => vec![Err(error::lost("commit", lost)); count].into_iter(),
    };
    let missing = || StoreError::new(StoreErrorKind::Other, NAME, "commit", "a changeset got no answer");
    let answer = |check: Result<(), _>| check.and_then(|()| answers.next().unwrap_or_else(|| Err(missing())));
    checks.into_iter().map(answer).collect()
}

async fn all(inner: Arc<Inner>, batch: Vec<Changeset>) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(batch.len());
    let mut rest = batch.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(portion(rest));
        rest = later;
        answers.append(&mut some(&inner, now).await);
    }
    answers
}

/// How many of these changesets make a transaction of a good size; at least one.
fn portion(batch: &[Changeset]) -> usize {
    let (mut changes, mut weight) = (0_usize, 0_usize);
    let fits = |changeset: &&Changeset| {
        changes = changes.saturating_add(changeset.changes.len());
        weight = weight.saturating_add(changeset.weight());
        changes <= CHANGES && weight <= WEIGHT
    };
    batch.iter().take(CHANGESETS).take_while(fits).count().max(1)
}

async fn some(inner: &Inner, batch: &[Changeset]) -> Vec<Answer> {
    let entered = match inner.gate.enter(batch, inner.timeout).await {
        Ok(entered) => entered,
        Err(fault) => return vec![Err(fault.into_error("commit")); batch.len()],
    };
    let timeout = entered.left;
    let error = match transact(inner, batch, timeout).await {
        Ok(outcomes) => return outcomes.into_iter().map(Ok).collect(),
        Err(fault) => fault.into_error("commit"),
    };
    if batch.len() == 1 || !is_of_one(&error) {
        return vec![Err(error); batch.len()];
    }
    // One of them is what the database cannot take; its neighbours shall not pay for it.
    let mut answers = Vec::with_capacity(batch.len());
    for changeset in batch {
        let one = std::slice::from_ref(changeset);
        answers.extend(match transact(inner, one, timeout).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(fault) => vec![Err(fault.into_error("commit"))],
        });
    }
    answers
}

/// Whether an error may come from one changeset, and not from the database as a whole.
const fn is_of_one(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Invalid | StoreErrorKind::Corrupt | StoreErrorKind::Other)
}

/// Applies changesets in one transaction, as often as it takes.
async fn transact(inner: &Inner, batch: &[Changeset], timeout: Duration) -> Result<Vec<Outcome>, Fault> {
    let begun = Instant::now();
    in_time(timeout, inner.check()).await?;
    let mut left = timeout.saturating_sub(begun.elapsed());
    if let Some(writes) = Writes::plain(batch, inner.writer) {
        match plain(inner, writes, left).await {
            Ok(()) => return Ok(vec![Outcome::Applied; batch.len()]),
            Err(fault) if !starts_over(&fault) => return Err(fault),
            Err(fault) if fault.trouble() == Trouble::Unavailable => {
                left = timeout.saturating_sub(begun.elapsed());
            }
            // Something is there already, or was in the way: look first, then write.
            Err(_) => {}
        }
    }
    retried(left, |left| attempt(inner, batch, left)).await
}

/// Whether nothing is stored, and looking first may help.
fn starts_over(fault: &Fault) -> bool {
    match fault {
        Fault::Refused(..) => !matches!(fault.trouble(), Trouble::Full | Trouble::Standalone),
        _ => fault.is_transient(),
    }
}

async fn plain(inner: &Inner, writes: Writes, timeout: Duration) -> Result<(), Fault> {
    let begun = Instant::now();
    let mut session = in_time(timeout, begin(inner)).await?;
    let left = || timeout.saturating_sub(begun.elapsed());
    let written = in_time(left(), writes.run(&inner.database, &mut session)).await;
    end(inner, session, written, left()).await
}

async fn attempt(inner: &Inner, batch: &[Changeset], timeout: Duration) -> Result<Vec<Outcome>, Fault> {
    let begun = Instant::now();
    let mut session = in_time(timeout, begin(inner)).await?;
    let left = || timeout.saturating_sub(begun.elapsed());
    let decided = in_time(left(), async {
        let mut draft = Draft::new(inner, &mut session);
        let outcomes = draft.decide(batch).await?;
        let writes = Writes::of(&draft, inner.writer);
        writes.run(&inner.database, &mut session).await?;
        Ok(outcomes)
    });
    let decided = decided.await;
    // Also where nothing is written: only a commit says that what was read is kept by a majority.
    end(inner, session, decided, left()).await
}

/// Ends a transaction in what is left of its time: commits what went well, and lets go of the rest.
async fn end<T>(
    inner: &Inner,
    mut session: ClientSession,
    done: Result<T, Fault>,
    left: Duration,
) -> Result<T, Fault> {
    let ended = match done {
        Ok(done) => finish(&mut session, left).await.map(|()| done),
        Err(fault) => {
            abort(session, fault.trouble() == Trouble::Unavailable, inner.timeout).await;
            Err(fault)
        }
    };
    let silent =
        |fault: &Fault| fault.trouble() == Trouble::Unavailable || matches!(fault, Fault::Unknown(_));
    if !ended.as_ref().is_err_and(silent) {
        inner.gate.answered();
    }
    ended
}

/// A session in a transaction: what it reads is one moment, and what it writes is durable when it is committed.
pub(crate) async fn begin(inner: &Inner) -> Result<ClientSession, Fault> {
    let options = TransactionOptions::builder()
        .read_concern(ReadConcern::snapshot())
        .write_concern(durable())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .build();
    let mut session = inner.client.start_session().await?;
    session.start_transaction().with_options(options).await?;
    Ok(session)
}

/// Ends a transaction without a trace. The server does so by itself after an error, or when nobody asks after it
/// any more; this is to let go of what it holds before the next attempt. A silent server is not waited for.
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
async fn finish(session: &mut ClientSession, left: Duration) -> Result<(), Fault> {
    let done = async {
        // The driver itself asks twice.
        let mut waits = waits().take(9);
        loop {
            let error = match session.commit_transaction().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if error::is_forgotten(&error) {
                return Err(Fault::Unknown(Some(error)));
            }
            if !error::is_unknown(&error) {
                return Err(Fault::Driver(error));
            }
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(Fault::Unknown(Some(error))),
            }
        }
    };
    tokio::time::timeout(left, done).await.unwrap_or(Err(Fault::Unknown(None)))
}
