//! A store that fails the calls that it is told to fail.

use std::sync::Mutex;

use referral_core::async_trait;
use referral_core::memory::MemoryStore;
use referral_core::store::{Changeset, Outcome, Read, Store, StoreError, StoreErrorKind, StoreFacts};

/// A way in which a database fails a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// A commit is refused with an error of this kind.
    Refused(StoreErrorKind),
    /// A commit is written and its answer is lost.
    AnswerLost,
    /// A commit is lost before it is written, which the caller cannot tell from the above.
    CommitLost,
    /// A commit is written and its answer is lost, and two calls after it find nobody there.
    Restart,
    /// A read fails.
    Read,
}

/// The reference store, over a line that fails.
#[derive(Debug, Default)]
pub struct Failing {
    store: MemoryStore,
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    /// What fails after so many more calls of its sort, and every so many from then on, or never again.
    armed: Vec<(Failure, usize, usize)>,
    /// How many calls find nobody there.
    down: usize,
    fired: bool,
}

impl Failing {
    /// Fails the `nth` call of its sort from now on; the first is 1.
    pub fn fail(&self, nth: usize, failure: Failure) {
        self.plan.lock().unwrap().armed.push((failure, nth, 0));
    }

    /// Fails every `nth` call of its sort.
    pub fn fail_every(&self, nth: usize, failure: Failure) {
        self.plan.lock().unwrap().armed.push((failure, nth, nth));
    }

    pub fn heal(&self) {
        let mut plan = self.plan.lock().unwrap();
        plan.armed.clear();
        plan.down = 0;
    }

    /// Whether any call failed since this was asked last.
    pub fn failed(&self) -> bool {
        std::mem::take(&mut self.plan.lock().unwrap().fired)
    }

    fn next(&self, read: bool) -> Option<Failure> {
        let mut plan = self.plan.lock().unwrap();
        let mut found = None;
        for (failure, left, every) in &mut plan.armed {
            if (*failure == Failure::Read) == read {
                *left -= 1;
                if *left == 0 {
                    (found, *left) = (Some(*failure), *every);
                }
            }
        }
        plan.armed.retain(|(_, left, _)| *left > 0);
        if plan.down > 0 {
            plan.down -= 1;
            found = Some(if read { Failure::Read } else { Failure::Refused(StoreErrorKind::Unavailable) });
        } else if found == Some(Failure::Restart) {
            plan.down = 2;
        }
        plan.fired |= found.is_some();
        found
    }

    fn read(&self) -> Result<(), StoreError> {
        let down = || StoreError::new(StoreErrorKind::Unavailable, "failing", "read", "nobody answers");
        if self.next(true).is_some() { Err(down()) } else { Ok(()) }
    }
}

impl Read for Failing {
    referral_core::forward_reads!(store after read);
}

#[async_trait]
impl Store for Failing {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let failure = self.next(false);
        let kind = match failure {
            None | Some(Failure::Read) => return self.store.commit(batch).await,
            Some(Failure::Refused(kind)) => kind,
            Some(Failure::AnswerLost | Failure::CommitLost | Failure::Restart) => {
                StoreErrorKind::UnknownOutcome
            }
        };
        if matches!(failure, Some(Failure::AnswerLost | Failure::Restart)) {
            drop(self.store.commit(batch).await);
        }
        vec![Err(StoreError::new(kind, "failing", "commit", "the line failed")); batch.len()]
    }
}
