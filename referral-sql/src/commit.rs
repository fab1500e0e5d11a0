//! The one write. A batch is one transaction, in its own task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use referral_core::store::plan::{Answer, sort_out, together_or_singly};
use referral_core::store::{Changeset, Outcome};
use sqlx::Connection;

use crate::apply::apply;
use crate::backend::Backend;
use crate::error::{DbError, lost_task};
use crate::pools::Pools;
use crate::retry::retried;

/// Applies a batch. If the caller is dropped, the work goes on: each changeset is stored whole or not at all, and
/// the connection stays usable.
pub(crate) async fn commit<B: Backend>(pools: &Arc<Pools<B>>, batch: &[Changeset]) -> Vec<Answer> {
    let (valid, refusals) = sort_out(batch);
    let count = valid.len();
    let answers = match tokio::spawn(transact(pools.clone(), valid)).await {
        Ok(answers) => answers,
        Err(lost) => vec![Err(lost_task::<B>("commit", lost)); count],
    };
    refusals.merge(answers)
}

async fn transact<B: Backend>(pools: Arc<Pools<B>>, batch: Vec<Changeset>) -> Vec<Answer> {
    let pools = &pools;
    together_or_singly(&batch, |batch| async move {
        let outcomes = retried::<B, _, _>(|| attempt(pools, &batch)).await;
        let outcomes = outcomes.map_err(|error| error.into_error::<B>("commit"))?;
        Ok(outcomes.into_iter().map(Ok).collect())
    })
    .await
}

async fn attempt<B: Backend>(pools: &Pools<B>, batch: &[Changeset]) -> Result<Vec<Outcome>, DbError> {
    let committing = &AtomicBool::new(false);
    let outcomes = pools.in_time(|deadline| async move {
        let mut connection = pools.connection(&pools.write, deadline).await?;
        let outcomes = transaction::<B>(&mut connection, batch, committing).await;
        if outcomes.as_ref().is_err_and(|error| !error.is_transient::<B>()) {
            // SQLite may have rolled back by itself, which the driver does not notice. A broken connection cannot
            // be used again either.
            connection.discard();
        }
        connection.done(outcomes)
    });
    match outcomes.await {
        Err(DbError::TimedOut) if committing.load(Ordering::Relaxed) => Err(DbError::CommitTimedOut),
        other => other,
    }
}

async fn transaction<B: Backend>(
    connection: &mut B::Connection,
    batch: &[Changeset],
    committing: &AtomicBool,
) -> Result<Vec<Outcome>, DbError> {
    let mut transaction = connection.begin_with(B::BEGIN).await?;
    let outcomes = apply::<B>(&mut transaction, batch).await?;
    if outcomes.contains(&Outcome::Applied) {
        committing.store(true, Ordering::Relaxed);
        transaction.commit().await.map_err(DbError::Commit)?;
    } else {
        transaction.rollback().await?;
    }
    Ok(outcomes)
}
