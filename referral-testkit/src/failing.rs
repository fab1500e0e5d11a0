//! A store that fails when it is told to, in the ways that databases fail. It is for the tests of applications,
//! too.
//!
//! ```
//! use std::sync::Arc;
//!
//! use referral_core::memory::MemoryStore;
//! use referral_core::{KeyRing, LinkDraft, Referrals};
//! use referral_testkit::failing::{FailingStore, Failure};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = Arc::new(FailingStore::new(MemoryStore::new()));
//! let referrals = Referrals::builder(store.clone(), KeyRing::generate()?, "https://shop.example").build()?;
//!
//! // The next commit is done, and its answer never arrives.
//! store.fail(1, Failure::AnswerLost);
//! let link = referrals.links().create(LinkDraft::to("/")?).await?;
//! assert!(store.failed());
//! assert_eq!(referrals.links().get(link.id).await?, Some(link), "the facade found out");
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::Mutex;

use async_trait::async_trait;
use referral_core::store::{Changeset, Outcome, Read, Store, StoreError, StoreErrorKind, StoreFacts};

/// A way in which a database fails a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// A commit is refused with an error of this kind, such as `Unavailable`, `Contended` or `Full`. Nothing is
    /// written.
    Refused(StoreErrorKind),
    /// A commit is written and its answer is lost: `UnknownOutcome`.
    AnswerLost,
    /// A commit is lost before it is written, and its answer is `UnknownOutcome`. The caller cannot tell this from
    /// a commit that was written.
    CommitLost,
    /// A commit is written and its answer is lost, and the calls after it are refused, reads too. This is what a
    /// server does that restarts.
    Restart {
        /// How many calls are refused with `Unavailable` afterwards.
        calls: usize,
    },
    /// A read fails with `Unavailable`.
    ReadFailed,
}

impl Failure {
    const fn is_of_reads(self) -> bool {
        matches!(self, Self::ReadFailed)
    }
}

/// Wraps a store and fails the calls that it is told to fail. Until then it changes nothing.
///
/// Commits and reads are counted apart, each call as one, however large its batch.
#[derive(Debug)]
pub struct FailingStore<S> {
    store: S,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    /// What is still to fail: after so many more calls of its sort, and every so many from then on, or never again.
    armed: Vec<Armed>,
    /// How many calls find nobody there.
    down: usize,
    failures: usize,
}

#[derive(Debug)]
struct Armed {
    failure: Failure,
    left: usize,
    every: usize,
}

impl<S: Store> FailingStore<S> {
    /// A store that fails nothing yet.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self { store, plan: Mutex::default() }
    }

    /// Fails the `nth` call from now on. It counts reads for a failure of reads, and commits for all others. The
    /// first call is 1. Several failures may be waiting at once.
    pub fn fail(&self, nth: usize, failure: Failure) {
        self.arm(failure, nth, 0);
    }

    /// Fails every `nth` call from now on, until [`FailingStore::heal`] is called.
    pub fn fail_every(&self, nth: usize, failure: Failure) {
        self.arm(failure, nth, nth);
    }

    /// Fails nothing any more.
    pub fn heal(&self) {
        let mut plan = self.plan.lock().unwrap();
        plan.armed.clear();
        plan.down = 0;
    }

    /// Whether any call was failed since this was asked last.
    pub fn failed(&self) -> bool {
        std::mem::take(&mut self.plan.lock().unwrap().failures) > 0
    }

    /// The wrapped store, which does not fail.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.store
    }

    fn arm(&self, failure: Failure, nth: usize, every: usize) {
        self.plan.lock().unwrap().armed.push(Armed { failure, left: nth.max(1), every });
    }

    /// How the call that begins now is to fail.
    fn next(&self, read: bool) -> Option<Failure> {
        let mut plan = self.plan.lock().unwrap();
        let mut found = None;
        for armed in plan.armed.iter_mut().filter(|armed| armed.failure.is_of_reads() == read) {
            if armed.left > 1 {
                armed.left -= 1;
            } else {
                armed.left = armed.every;
                found = Some(armed.failure);
            }
        }
        plan.armed.retain(|armed| armed.left > 0);
        if plan.down > 0 {
            plan.down -= 1;
            found =
                Some(if read { Failure::ReadFailed } else { Failure::Refused(StoreErrorKind::Unavailable) });
        } else if let Some(Failure::Restart { calls }) = found {
            plan.down = calls;
        }
        plan.failures += usize::from(found.is_some());
        found
    }

    fn read(&self) -> Result<(), StoreError> {
        match self.next(true) {
            Some(_) => Err(failure(StoreErrorKind::Unavailable, "read", "nobody answers")),
            None => Ok(()),
        }
    }
}

fn failure(kind: StoreErrorKind, operation: &'static str, message: &str) -> StoreError {
    StoreError::new(kind, "failing", operation, message)
}

impl<S: Store> Read for FailingStore<S> {
    referral_core::forward_reads!(store after read);
}

#[async_trait]
impl<S: Store> Store for FailingStore<S> {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let error = match self.next(false) {
            None | Some(Failure::ReadFailed) => return self.store.commit(batch).await,
            Some(Failure::Refused(kind)) => failure(kind, "commit", "refused"),
            Some(Failure::CommitLost) => failure(StoreErrorKind::UnknownOutcome, "commit", "lost"),
            Some(Failure::AnswerLost | Failure::Restart { .. }) => {
                let answers = self.store.commit(batch).await;
                let lost = failure(StoreErrorKind::UnknownOutcome, "commit", "the connection closed");
                // What breaks a rule is refused before anything is sent.
                let lose = |answer| match answer {
                    Err(error) if StoreError::kind(&error) == StoreErrorKind::Invalid => Err(error),
                    _ => Err(lost.clone()),
                };
                return answers.into_iter().map(lose).collect();
            }
        };
        vec![Err(error); batch.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use referral_core::memory::MemoryStore;

    async fn kinds(store: &FailingStore<MemoryStore>, calls: usize) -> Vec<Option<StoreErrorKind>> {
        let mut kinds = Vec::new();
        for _ in 0..calls {
            let answer = store.commit(&[Changeset::default()]).await.remove(0);
            kinds.push(answer.err().map(|error| error.kind()));
        }
        kinds
    }

    #[tokio::test]
    async fn exactly_the_nth_call_of_its_sort_fails() {
        let store = FailingStore::new(MemoryStore::new());
        store.fail(2, Failure::Refused(StoreErrorKind::Full));
        store.fail(1, Failure::ReadFailed);
        assert_eq!(kinds(&store, 3).await, [None, Some(StoreErrorKind::Full), None]);
        assert!(store.get(&[]).await.is_err() && store.get(&[]).await.is_ok());
        assert!(store.failed() && !store.failed());
    }

    #[tokio::test]
    async fn every_nth_call_fails_until_it_is_healed() {
        let store = FailingStore::new(MemoryStore::new());
        store.fail_every(2, Failure::CommitLost);
        let lost = Some(StoreErrorKind::UnknownOutcome);
        assert_eq!(kinds(&store, 4).await, [None, lost, None, lost]);
        store.heal();
        assert_eq!(kinds(&store, 2).await, [None, None]);
    }

    #[tokio::test]
    async fn a_restart_loses_one_answer_and_refuses_the_calls_after_it() {
        let store = FailingStore::new(MemoryStore::new());
        store.fail(1, Failure::Restart { calls: 2 });
        let (lost, down) = (Some(StoreErrorKind::UnknownOutcome), Some(StoreErrorKind::Unavailable));
        assert_eq!(kinds(&store, 2).await, [lost, down]);
        assert!(store.get(&[]).await.is_err() && store.get(&[]).await.is_ok());
        assert_eq!(kinds(&store, 1).await, [None]);
    }
}
