//! Group commit: what many callers write at once becomes one commit.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::store::{Changeset, Outcome, Read, Store, StoreError, StoreErrorKind, StoreFacts};

type Answer = Result<Outcome, StoreError>;

/// How much a [`GroupCommit`] merges and how much it lets wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct GroupLimits {
    /// The most changesets that one commit merges.
    pub changesets: usize,
    /// The most bytes that one commit merges.
    pub bytes: usize,
    /// The most changesets that wait. Further callers are held back until there is room.
    pub waiting: usize,
}

impl Default for GroupLimits {
    /// 256 changesets and 16 MiB for each commit, and room for four commits to wait.
    fn default() -> Self {
        Self { changesets: 256, bytes: 16 * 1024 * 1024, waiting: 1024 }
    }
}

/// Merges concurrent commits into one, and acknowledges each caller only when its own changeset is durable.
///
/// It needs no timer and no runtime. A caller that finds no commit running starts one with everything that waits, and
/// every waiting caller may poll it. If a caller is dropped, the others go on. Its own changeset is then applied or not,
/// as without group commit.
pub struct GroupCommit<S> {
    store: Arc<S>,
    limits: GroupLimits,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    next: u64,
    waiting: VecDeque<(u64, Changeset)>,
    running: Option<Shared<BoxFuture<'static, ()>>>,
    answers: HashMap<u64, Answer>,
    /// Callers that left while their changesets were running: nobody will ask for these answers.
    abandoned: HashSet<u64>,
}

impl<S: Store> GroupCommit<S> {
    /// Wraps a store, with the default limits.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self::with_limits(store, GroupLimits::default())
    }

    /// Wraps a store, with these limits.
    #[must_use]
    pub fn with_limits(store: S, limits: GroupLimits) -> Self {
        // Without room for one changeset, every caller would wait for ever.
        let waiting = limits.waiting.max(1);
        let limits = GroupLimits { waiting, ..limits };
        Self { store: Arc::new(store), limits, queue: Arc::default() }
    }

    /// The commit to wait for: the running one, or a new one of all that waits.
    fn drive(&self) -> Shared<BoxFuture<'static, ()>> {
        let mut queue = lock(&self.queue);
        if let Some(running) = &queue.running {
            return running.clone();
        }
        let (tickets, batch) = queue.take(self.limits);
        let (store, shared) = (Arc::clone(&self.store), Arc::clone(&self.queue));
        let run = async move {
            let commit = AssertUnwindSafe(async {
                if batch.is_empty() { Vec::new() } else { store.commit(&batch).await }
            });
            // A store that panics or answers too little broke the contract; its callers still get an answer, and
            // the next batch its turn.
            let mut answers = commit.catch_unwind().await.unwrap_or_default();
            answers.resize(tickets.len(), Err(unanswered()));
            let mut queue = lock(&shared);
            queue.running = None;
            for (ticket, answer) in tickets.into_iter().zip(answers) {
                if !queue.abandoned.remove(&ticket) {
                    queue.answers.insert(ticket, answer);
                }
            }
        };
        let run = run.boxed().shared();
        queue.running = Some(run.clone());
        run
    }
}

impl Queue {
    fn take(&mut self, limits: GroupLimits) -> (Vec<u64>, Vec<Changeset>) {
        let (mut tickets, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
        while let Some((_, changeset)) = self.waiting.front() {
            bytes = bytes.saturating_add(changeset.weight());
            if !batch.is_empty() && (batch.len() >= limits.changesets || bytes > limits.bytes) {
                break;
            }
            if let Some((ticket, changeset)) = self.waiting.pop_front() {
                tickets.push(ticket);
                batch.push(changeset);
            }
        }
        (tickets, batch)
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unanswered() -> StoreError {
    StoreError::new(StoreErrorKind::UnknownOutcome, "group commit", "commit", "the store gave no answer")
}

/// The places of one caller in the queue; dropping it gives up what has not begun and forgets the answers.
struct Tickets<'a> {
    queue: &'a Mutex<Queue>,
    numbers: Vec<u64>,
}

impl Drop for Tickets<'_> {
    fn drop(&mut self) {
        let mut queue = lock(self.queue);
        for ticket in self.numbers.drain(..) {
            let waiting = queue.waiting.binary_search_by_key(&ticket, |(ticket, _)| *ticket);
            match waiting {
                Ok(place) => drop(queue.waiting.remove(place)),
                Err(_) if queue.answers.remove(&ticket).is_some() => {}
                Err(_) => drop(queue.abandoned.insert(ticket)),
            }
        }
    }
}

impl<S: Store> GroupCommit<S> {
    async fn submit(&self, batch: &[Changeset]) -> Vec<Answer> {
        let mut tickets = Tickets { queue: &self.queue, numbers: Vec::with_capacity(batch.len()) };
        let mut left = batch.iter();
        let mut next = left.next();
        loop {
            // Fill what room there is, then help along whatever runs.
            {
                let mut queue = lock(&self.queue);
                while let Some(changeset) = next.take_if(|_| queue.waiting.len() < self.limits.waiting) {
                    let ticket = queue.next;
                    queue.next = ticket.saturating_add(1);
                    queue.waiting.push_back((ticket, changeset.clone()));
                    tickets.numbers.push(ticket);
                    next = left.next();
                }
                let answered = |ticket| queue.answers.contains_key(ticket);
                if next.is_none() && tickets.numbers.iter().all(answered) {
                    let answers = tickets.numbers.drain(..).map(|ticket| queue.answers.remove(&ticket));
                    return answers.map(|answer| answer.unwrap_or_else(|| Err(unanswered()))).collect();
                }
            }
            self.drive().await;
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for GroupCommit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupCommit").field("store", &self.store).field("limits", &self.limits).finish()
    }
}

impl<S: Store> Read for GroupCommit<S> {
    crate::forward_reads!(store);
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for GroupCommit<S> {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Answer> {
        self.submit(batch).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Family;
    use crate::memory::MemoryStore;
    use crate::source::{IdSource, RandomIds};
    use crate::store::{Change, CounterKey, CounterPrefix, CounterRange};
    use crate::value::{Tenant, Timestamp};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    /// Lets a commit through only when told, and counts them.
    #[derive(Debug)]
    struct Gate {
        store: MemoryStore,
        open: Semaphore,
        commits: AtomicUsize,
    }

    impl Read for Gate {
        crate::forward_reads!(store);
    }

    #[async_trait]
    impl Store for Gate {
        fn facts(&self) -> StoreFacts {
            self.store.facts()
        }
        async fn commit(&self, batch: &[Changeset]) -> Vec<Answer> {
            self.open.acquire().await.unwrap().forget();
            self.commits.fetch_add(1, Ordering::SeqCst);
            self.store.commit(batch).await
        }
    }

    fn alias(ids: &RandomIds) -> Changeset {
        let now = Timestamp::from_millis(0);
        let record = crate::Alias {
            id: crate::AliasId::from_uuid(ids.next(now)),
            tenant: Tenant::default(),
            version: crate::store::Version::FIRST,
            created_at: now,
            code: crate::Code::new(format!("c{}", ids.next(now).as_simple())).unwrap(),
            link: crate::LinkId::from_uuid(ids.next(now)),
            case_exact: true,
        };
        let counter = CounterKey::new(
            Tenant::default(),
            Family::Responses,
            [crate::store::KeyPart::NONE, crate::store::KeyPart::NONE],
        );
        Changeset::new([Change::Insert(record.into()), Change::Tally { counter, add: 1 }])
    }

    fn gate(permits: usize) -> Arc<GroupCommit<Gate>> {
        let gate =
            Gate { store: MemoryStore::new(), open: Semaphore::new(permits), commits: AtomicUsize::new(0) };
        Arc::new(GroupCommit::new(gate))
    }

    async fn tally(store: &impl Read) -> i64 {
        let prefix =
            CounterPrefix { tenant: Tenant::default(), family: Family::Responses, parts: Vec::new() };
        store.counters(&prefix, &CounterRange::first(1)).await.unwrap().first().map_or(0, |(_, n)| *n)
    }

    #[tokio::test]
    async fn what_waits_while_a_commit_runs_becomes_one_commit() {
        let (group, ids) = (gate(0), RandomIds::default());
        let mut callers: Vec<_> = (0..200)
            .map(|_| {
                let (group, changeset) = (Arc::clone(&group), alias(&ids));
                Box::pin(async move { group.commit(&[changeset]).await })
            })
            .collect();
        for caller in &mut callers {
            assert!(caller.now_or_never_once().is_none());
        }
        group.store.open.add_permits(2);
        for caller in callers {
            assert!(matches!(caller.await.as_slice(), [Ok(Outcome::Applied)]));
        }
        assert_eq!(group.store.commits.load(Ordering::SeqCst), 2);
        assert_eq!(tally(&*group).await, 200);
    }

    #[tokio::test]
    async fn a_dropped_caller_strands_nobody_and_leaves_no_answer_behind() {
        let (group, ids) = (gate(0), RandomIds::default());
        let (first, second) = (alias(&ids), alias(&ids));
        let mut driver = Box::pin(group.submit(std::slice::from_ref(&first)));
        let mut waiter = Box::pin(group.submit(std::slice::from_ref(&second)));
        assert!(driver.now_or_never_once().is_none());
        assert!(waiter.now_or_never_once().is_none());
        drop(driver);
        group.store.open.add_permits(2);
        assert!(matches!(waiter.await.as_slice(), [Ok(Outcome::Applied)]));
        let queue = lock(&group.queue);
        assert_eq!((queue.waiting.len(), queue.running.is_none()), (0, true));
        // The dropped caller's answer came after it left; nobody will ever ask for it.
        assert!(queue.answers.is_empty());
    }

    #[tokio::test]
    async fn a_batch_larger_than_the_queue_is_held_back_and_answered_in_order() {
        let limits = GroupLimits { changesets: 2, waiting: 3, ..GroupLimits::default() };
        let (group, ids) = (GroupCommit::with_limits(MemoryStore::new(), limits), RandomIds::default());
        let mut batch: Vec<_> = (0..20).map(|_| alias(&ids)).collect();
        batch.push(batch[7].clone());
        let answers = group.commit(&batch).await;
        assert_eq!(answers.len(), 21);
        assert!(answers[..20].iter().all(|answer| matches!(answer, Ok(Outcome::Applied))));
        assert!(matches!(answers[20], Ok(Outcome::Conflict { index: 0, .. })));
    }

    /// Polls a future once.
    trait Once: Future + Unpin {
        fn now_or_never_once(&mut self) -> Option<Self::Output> {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            match std::pin::Pin::new(self).poll(&mut context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            }
        }
    }
    impl<F: Future + Unpin> Once for F {}
}
