//! How the facade commits: once, also when the answer is lost.

use crate::catalogue::RecordId;
use crate::referrals::error::Error;
use crate::referrals::handle::Referrals;
use crate::store::{Change, Changeset, Conflict, Outcome, StoreError, StoreErrorKind};
use crate::value::Timestamp;

/// How often a changeset is committed again whose outcome is unknown.
const ATTEMPTS: usize = 3;

impl Referrals {
    pub(crate) fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    pub(crate) fn id(&self, now: Timestamp) -> uuid::Uuid {
        self.config.ids.next(now)
    }

    /// Commits a changeset. Where the answer is lost, it is committed again: its witness then conflicts if the
    /// first try was applied, and reading the witness tells that it was this one.
    ///
    /// Once an answer was lost, no later failure can say that nothing was written. The outcome then stays unknown.
    pub(crate) async fn commit(&self, changeset: &Changeset) -> Result<Outcome, Error> {
        let batch = std::slice::from_ref(changeset);
        let mut doubt: Option<StoreError> = None;
        for _ in 0..ATTEMPTS {
            match self.store.commit(batch).await.pop() {
                Some(Ok(Outcome::Conflict { index: 0, conflict })) if doubt.is_some() => {
                    match self.is_ours(changeset, &conflict).await {
                        Ok(true) => return Ok(Outcome::Applied),
                        Ok(false) => return Ok(Outcome::Conflict { index: 0, conflict }),
                        Err(error) => doubt = Some(error),
                    }
                }
                Some(Ok(outcome)) => return Ok(outcome),
                Some(Err(error)) if doubt.is_some() || error.kind() == StoreErrorKind::UnknownOutcome => {
                    doubt = Some(error);
                }
                Some(Err(error)) => return Err(error.into()),
                None => return Err(unanswered().into()),
            }
        }
        Err(match doubt {
            Some(error) => unanswered().with_source(error),
            None => unanswered(),
        }
        .into())
    }

    /// Whether what stands in the way of a repeated changeset is its own first application.
    async fn is_ours(&self, changeset: &Changeset, conflict: &Conflict) -> Result<bool, StoreError> {
        let Conflict::Stale { id, now } = conflict else { return Ok(false) };
        Ok(match changeset.changes().first() {
            // The id is new and random: nobody else has it.
            Some(Change::Insert(record)) => record.id() == *id && now.is_some(),
            Some(Change::Update { record, was }) => {
                let mine = record.clone().at_version(was.next());
                self.uncached.get(&[*id]).await?.into_iter().next().flatten() == Some(mine)
            }
            Some(Change::Delete { .. }) => now.is_none(),
            Some(Change::Patch { kind, of, set }) => {
                let ids: Vec<_> = of.iter().map(|(uuid, _)| RecordId { kind: *kind, uuid: *uuid }).collect();
                let found = self.uncached.get(&ids).await?;
                found.into_iter().zip(of).all(|(record, (_, was))| {
                    record.is_some_and(|record| record.version() == was.next() && record.holds(set))
                })
            }
            _ => false,
        })
    }
}

fn unanswered() -> StoreError {
    StoreError::new(StoreErrorKind::UnknownOutcome, "referral", "commit", "the outcome stays unknown")
}
