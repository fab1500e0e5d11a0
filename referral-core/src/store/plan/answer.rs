//! Answers in the order of a batch, whatever becomes of its members.

use crate::store::change::{Changeset, Outcome};
use crate::store::error::{StoreError, StoreErrorKind};

/// What a store answers to one changeset.
pub type Answer = Result<Outcome, StoreError>;

/// The changesets of a batch that break a rule, each with the error that answers it.
#[derive(Debug)]
pub struct Refusals(Vec<Result<(), StoreError>>);

/// Splits a batch into the changesets that keep the rules, and the answers to those that do not.
///
/// The changesets are handles on the same changes, so a task may own them.
#[must_use]
pub fn sort_out(batch: &[Changeset]) -> (Vec<Changeset>, Refusals) {
    let checks: Vec<_> = batch.iter().map(Changeset::check).collect();
    let valid = batch.iter().zip(&checks).filter(|(_, check)| check.is_ok());
    (valid.map(|(changeset, _)| changeset.clone()).collect(), Refusals(checks))
}

impl Refusals {
    /// Gives one answer for each changeset of the batch, in its order. `answers` are those to the changesets that keep the
    /// rules.
    #[must_use]
    pub fn merge(self, answers: impl IntoIterator<Item = Answer>) -> Vec<Answer> {
        let mut answers = answers.into_iter();
        let missing =
            || StoreError::new(StoreErrorKind::Other, "referral", "commit", "a changeset got no answer");
        let answer =
            |check: Result<(), _>| check.and_then(|()| answers.next().unwrap_or_else(|| Err(missing())));
        self.0.into_iter().map(answer).collect()
    }
}

/// Answers a batch by one transaction over those changesets that keep the rules.
///
/// If the transaction fails, its error is the answer to each of them. That includes a changeset that would have been a
/// conflict, because the conflict may rest on a neighbour that was not written.
pub fn answer(
    batch: &[Changeset],
    transact: impl FnOnce(&[Changeset]) -> Result<Vec<Answer>, StoreError>,
) -> Vec<Answer> {
    let (valid, refusals) = sort_out(batch);
    refusals.merge(or_error(valid.len(), transact(&valid)))
}

/// Answers changesets by one transaction. If that fails with an error that [may be of one](may_be_of_one) of them, each
/// changeset gets a transaction of its own, so that its neighbours do not fail with it.
///
/// Before `transact` fails, the store has tried again by itself. Nothing of a transaction that failed is stored, except
/// perhaps after [`StoreErrorKind::UnknownOutcome`].
pub async fn together_or_singly<F>(batch: &[Changeset], transact: impl Fn(Vec<Changeset>) -> F) -> Vec<Answer>
where
    F: Future<Output = Result<Vec<Answer>, StoreError>>,
{
    if batch.is_empty() {
        return Vec::new();
    }
    let together = transact(batch.to_vec()).await;
    if batch.len() == 1 || !together.as_ref().is_err_and(may_be_of_one) {
        return or_error(batch.len(), together);
    }
    let mut answers = Vec::with_capacity(batch.len());
    for changeset in batch {
        answers.extend(or_error(1, transact(vec![changeset.clone()]).await));
    }
    answers
}

/// Whether an error may come from one changeset, and not from the database as a whole.
#[must_use]
pub const fn may_be_of_one(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Invalid | StoreErrorKind::Corrupt | StoreErrorKind::Other)
}

fn or_error(count: usize, answers: Result<Vec<Answer>, StoreError>) -> Vec<Answer> {
    answers.unwrap_or_else(|error| vec![Err(error); count])
}
