//! The one write. A batch is one transaction, in its own task.
//!
//! An error ends a MongoDB transaction. So we read first, decide in core, and then write. If another transaction
//! has written one of the documents since our read, the server refuses our write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use referral_core::store::plan::{self, Answer};
use referral_core::store::{Changeset, Outcome};

use crate::connection::Inner;
use crate::error::{self, Failure, Reason};
use crate::points;
use crate::retry::{in_time, retried};
use crate::transaction::{begin, end};
use crate::write::Writes;

/// The most changesets, changes and bytes of one transaction. With these it needs far less than the minute that a
/// server allows. A single changeset is never divided.
const CHANGESETS: usize = 256;
const CHANGES: usize = 4096;
const WEIGHT: usize = 8 * 1024 * 1024;

/// Applies a batch. If the caller is dropped, the work goes on: each changeset is stored whole or not at all, and
/// the connections stay usable.
pub(crate) async fn commit(inner: &Arc<Inner>, batch: &[Changeset]) -> Vec<Answer> {
    let (valid, refusals) = plan::sort_out(batch);
    let count = valid.len();
    let answers = match tokio::spawn(commit_portions(inner.clone(), valid)).await {
        Ok(answers) => answers,
        Err(lost) => vec![Err(error::lost("commit", lost)); count],
    };
    refusals.merge(answers)
}

async fn commit_portions(inner: Arc<Inner>, batch: Vec<Changeset>) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(batch.len());
    let mut rest = batch.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(portion(rest));
        rest = later;
        answers.append(&mut commit_portion(&inner, now).await);
    }
    answers
}

/// How many of these changesets fit into one transaction. It is at least one.
fn portion(batch: &[Changeset]) -> usize {
    let (mut changes, mut weight) = (0_usize, 0_usize);
    let fits = |changeset: &&Changeset| {
        changes = changes.saturating_add(changeset.changes().len());
        weight = weight.saturating_add(changeset.weight());
        changes <= CHANGES && weight <= WEIGHT
    };
    batch.iter().take(CHANGESETS).take_while(fits).count().max(1)
}

async fn commit_portion(inner: &Inner, batch: &[Changeset]) -> Vec<Answer> {
    let permit = match inner.gate.enter(batch, inner.timeout).await {
        Ok(permit) => permit,
        Err(failure) => return vec![Err(failure.into_error("commit")); batch.len()],
    };
    let timeout = permit.left;
    let transact = |batch: Vec<Changeset>| async move {
        transact(inner, &batch, timeout).await.map_err(|failure| failure.into_error("commit"))
    };
    plan::together_or_singly(batch, transact).await
}

/// Applies changesets in one transaction, and tries it again after transient failures.
async fn transact(inner: &Inner, batch: &[Changeset], timeout: Duration) -> Result<Vec<Answer>, Failure> {
    let begun = Instant::now();
    in_time(timeout, inner.check()).await?;
    let mut left = timeout.saturating_sub(begun.elapsed());
    if let Some(writes) = Writes::plain(batch, inner.writer) {
        match write(inner, writes, left).await {
            Ok(()) => return Ok(vec![Ok(Outcome::Applied); batch.len()]),
            Err(failure) if !starts_over(&failure) => return Err(failure),
            Err(failure) if failure.reason() == Reason::Unavailable => {
                left = timeout.saturating_sub(begun.elapsed());
            }
            // A document exists already, or another transaction was in the way. So read first, then write.
            Err(_) => {}
        }
    }
    retried(left, |left| look_and_write(inner, batch, left)).await
}

/// Whether nothing is stored and it may help to read first.
fn starts_over(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(..) => !matches!(failure.reason(), Reason::Full | Reason::Standalone),
        _ => failure.is_transient(),
    }
}

async fn write(inner: &Inner, writes: Writes, timeout: Duration) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut session = in_time(timeout, begin(inner)).await?;
    let left = || timeout.saturating_sub(begun.elapsed());
    let written = in_time(left(), writes.run(&inner.database, &mut session)).await;
    end(inner, session, written, left()).await
}

async fn look_and_write(
    inner: &Inner,
    batch: &[Changeset],
    timeout: Duration,
) -> Result<Vec<Answer>, Failure> {
    let begun = Instant::now();
    let mut session = in_time(timeout, begin(inner)).await?;
    let left = || timeout.saturating_sub(begun.elapsed());
    let decided = in_time(left(), async {
        let found = points::found(inner, batch, &mut session).await?;
        let plan = plan::decide(batch, &found);
        Writes::of(&plan, inner.writer).run(&inner.database, &mut session).await?;
        Ok(plan.answers)
    });
    let decided = decided.await;
    // We commit even if nothing is written, because only a commit confirms that a majority has what was read.
    end(inner, session, decided, left()).await
}
