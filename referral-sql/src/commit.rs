//! The one write: a batch is one transaction, in a task of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use referral_core::store::{Changeset, Outcome, StoreError, StoreErrorKind};
use sqlx::Connection;

use crate::apply::apply;
use crate::backend::Backend;
use crate::error::Fault;
use crate::retry::retried;
use crate::store::{Inner, lost_task};

type Answer = Result<Outcome, StoreError>;

/// Applies a batch. Goes on when the caller goes away: each changeset is whole or absent then, and the connection
/// is as good as before.
pub(crate) async fn commit<B: Backend>(inner: &Arc<Inner<B>>, batch: &[Changeset]) -> Vec<Answer> {
    let (checks, valid) = sort_out(batch);
    let count = valid.len();
    let answers = match tokio::spawn(transact(inner.clone(), valid)).await {
        Ok(answers) => answers,
        Err(lost) => vec![Err(lost_task::<B>("commit", lost)); count],
    };
    put_together::<B>(checks, answers)
}

/// Which changesets keep the rules, and those that do.
pub(crate) fn sort_out(batch: &[Changeset]) -> (Vec<Result<(), StoreError>>, Vec<Changeset>) {
    let checks: Vec<_> = batch.iter().map(Changeset::check).collect();
    let valid = batch.iter().zip(&checks).filter(|(_, check)| check.is_ok());
    let valid = valid.map(|(changeset, _)| changeset.clone()).collect();
    (checks, valid)
}

/// The answers to those that keep the rules, between the refusals of the others.
pub(crate) fn put_together<B: Backend>(
    checks: Vec<Result<(), StoreError>>,
    answers: Vec<Answer>,
) -> Vec<Answer> {
    let mut answers = answers.into_iter();
    let missing = || StoreError::new(StoreErrorKind::Other, B::STORE, "commit", "a changeset got no answer");
    let answer = |check: Result<(), _>| check.and_then(|()| answers.next().unwrap_or_else(|| Err(missing())));
    checks.into_iter().map(answer).collect()
}

async fn transact<B: Backend>(inner: Arc<Inner<B>>, batch: Vec<Changeset>) -> Vec<Answer> {
    if batch.is_empty() {
        return Vec::new();
    }
    let error = match retried::<B, _, _>(|| attempt(&inner, &batch)).await {
        Ok(outcomes) => return outcomes.into_iter().map(Ok).collect(),
        Err(fault) => fault.into_error::<B>("commit"),
    };
    if batch.len() == 1 || !is_of_one(&error) {
        return vec![Err(error); batch.len()];
    }
    // One of them is what the database cannot take; its neighbours shall not pay for it.
    let mut answers = Vec::with_capacity(batch.len());
    for changeset in &batch {
        let one = std::slice::from_ref(changeset);
        let outcomes = retried::<B, _, _>(|| attempt(&inner, one)).await;
        answers.extend(match outcomes {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(fault) => vec![Err(fault.into_error::<B>("commit"))],
        });
    }
    answers
}

/// Whether an error may come from one changeset, and not from the database as a whole.
fn is_of_one(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Invalid | StoreErrorKind::Corrupt | StoreErrorKind::Other)
}

async fn attempt<B: Backend>(inner: &Inner<B>, batch: &[Changeset]) -> Result<Vec<Outcome>, Fault> {
    let committing = &AtomicBool::new(false);
    let outcomes = inner.in_time(|deadline| async move {
        let mut connection = inner.connection(&inner.write, deadline).await?;
        let outcomes = transaction::<B>(&mut connection, batch, committing).await;
        if outcomes.as_ref().is_err_and(|fault| !fault.is_transient::<B>()) {
            // SQLite may have rolled back by itself, which the driver does not notice; and a broken line is no use.
            connection.spoil();
        }
        connection.done(outcomes)
    });
    match outcomes.await {
        Err(Fault::Late) if committing.load(Ordering::Relaxed) => Err(Fault::LateCommit),
        other => other,
    }
}

async fn transaction<B: Backend>(
    connection: &mut B::Connection,
    batch: &[Changeset],
    committing: &AtomicBool,
) -> Result<Vec<Outcome>, Fault> {
    let mut transaction = connection.begin_with(B::BEGIN).await?;
    let outcomes = apply::<B>(&mut transaction, batch).await?;
    if outcomes.contains(&Outcome::Applied) {
        committing.store(true, Ordering::Relaxed);
        transaction.commit().await.map_err(Fault::Commit)?;
    } else {
        transaction.rollback().await?;
    }
    Ok(outcomes)
}
