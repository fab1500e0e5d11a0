//! Decides which transactions of this process may run at the same time.
//!
//! Two transactions that write the same document cannot both succeed: the server refuses the second one at once,
//! and it must be run again. Between processes there is no other way. Inside one process, transactions that write
//! the same counter or record wait for each other here. That is fairer and far cheaper than up to forty attempts at
//! the numbers of a popular link. The gate also limits how many transactions are open at once, however many callers
//! there are.

use std::collections::BTreeSet;
use std::future::Future;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use referral_core::store::{Change, Changeset, RecordId};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::error::Failure;

/// How many locks there are. Documents share them by hash.
const LOCKS: u64 = 256;
/// The most transactions that are open at once. The driver has ten connections by default, and more than a few
/// transactions for each connection are no faster. Each open transaction keeps its locks and a session of the
/// server's storage while it waits for a connection.
const TRANSACTIONS: usize = 64;

/// Decides which transactions may begin.
pub(crate) struct Gate {
    locks: Vec<Mutex<()>>,
    transactions: Semaphore,
    /// When the server last answered a transaction, with success or an error, in microseconds since `beginning`.
    heard: AtomicU64,
    beginning: Instant,
}

/// Permission to write, until it is dropped.
pub(crate) struct Permit<'a> {
    _locks: Vec<MutexGuard<'a, ()>>,
    _transaction: Option<SemaphorePermit<'a>>,
    /// How long the transaction may take.
    pub(crate) left: Duration,
}

impl Default for Gate {
    fn default() -> Self {
        let locks = (0..LOCKS).map(|_| Mutex::new(())).collect();
        Self {
            locks,
            transactions: Semaphore::new(TRANSACTIONS),
            heard: AtomicU64::new(0),
            beginning: Instant::now(),
        }
    }
}

impl Gate {
    /// Waits until no other call of this process writes what these changesets change, and until a place for one
    /// more open transaction is free. Inserted records are not waited for, because two calls seldom insert the same
    /// record.
    ///
    /// A queue may be long, so this waits as long as the server answers any transaction. If it answers none for `timeout`,
    /// everyone in the queue gives up. The time without an answer is taken from the time of the transaction itself.
    pub(crate) async fn enter(&self, batch: &[Changeset], timeout: Duration) -> Result<Permit<'_>, Failure> {
        let wanted: BTreeSet<usize> = batch.iter().flat_map(Changeset::changes).flat_map(locks).collect();
        let mut held = Vec::with_capacity(wanted.len());
        let begun = Instant::now();
        // In a fixed order, so that no two calls wait for each other.
        for lock in wanted.into_iter().filter_map(|lock| self.locks.get(lock)) {
            held.push(self.turn(begun, timeout, lock.lock()).await?);
        }
        // This comes last, so that a call with an open transaction waits for no lock. The semaphore is never
        // closed.
        let transaction = self.turn(begun, timeout, self.transactions.acquire()).await?.ok();
        let left = timeout.saturating_sub(self.silent_since(begun).elapsed());
        Ok(Permit { _locks: held, _transaction: transaction, left })
    }

    /// Waits for a turn, until the server is silent for too long. The call keeps its place in the queue.
    async fn turn<T>(
        &self,
        begun: Instant,
        timeout: Duration,
        turn: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let mut turn = pin!(turn);
        loop {
            let since = self.silent_since(begun);
            let end = since.checked_add(timeout).ok_or(Failure::Late)?;
            if let Ok(turn) = timeout_at(end, turn.as_mut()).await {
                return Ok(turn);
            }
            if self.silent_since(begun) == since {
                return Err(Failure::Late);
            }
        }
    }

    /// Since when the server has been silent, as a call sees it that began to wait at `begun`.
    fn silent_since(&self, begun: Instant) -> Instant {
        let heard = Duration::from_micros(self.heard.load(Ordering::Acquire));
        self.beginning.checked_add(heard).map_or(begun, |heard| heard.max(begun))
    }

    /// Notes that the server answered a transaction.
    pub(crate) fn answered(&self) {
        let now = u64::try_from(self.beginning.elapsed().as_micros()).unwrap_or_default();
        self.heard.fetch_max(now, Ordering::Release);
    }
}

fn locks(change: &Change) -> Vec<usize> {
    match change {
        Change::Insert(_) => Vec::new(),
        Change::Update { record, .. } => vec![lock(&record.id())],
        Change::Delete { id, .. } | Change::Expect { id, .. } => vec![lock(id)],
        Change::Patch { kind, of, .. } => {
            of.iter().map(|(uuid, _)| lock(&RecordId { kind: *kind, uuid: *uuid })).collect()
        }
        Change::Count { counter, .. } | Change::Tally { counter, .. } => vec![lock(counter)],
    }
}

fn lock<T: std::hash::Hash>(what: &T) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(what);
    usize::try_from(hash % LOCKS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use referral_core::Tenant;
    use referral_core::store::{CounterKey, Family, KeyPart};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn who_waits_gives_up_when_the_server_answers_nobody() {
        let gate = Gate::default();
        let key = CounterKey::new(Tenant::default(), Family::LinkUses, [KeyPart::NONE, KeyPart::NONE]);
        let batch = [Changeset::new([Change::Tally { counter: key, add: 1 }])];
        let short = Duration::from_secs(4);
        let first = gate.enter(&batch, short).await.unwrap();
        assert!(matches!(gate.enter(&batch, short).await, Err(Failure::Late)));
        // As long as the server answers, a call waits in the queue, however long the queue is.
        let answers = async {
            for _ in 0..8 {
                tokio::time::sleep(short / 4).await;
                gate.answered();
            }
            drop(first);
        };
        let (second, ()) = tokio::join!(gate.enter(&batch, short), answers);
        assert!(second.is_ok());
    }

    #[tokio::test]
    async fn only_so_many_are_let_in_at_once() {
        let gate = Gate::default();
        let mut inside = Vec::new();
        for _ in 0..TRANSACTIONS {
            inside.push(gate.enter(&[], LONG).await.unwrap());
        }
        let is_let_in = async || {
            tokio::select! { biased; _ = gate.enter(&[], LONG) => true, () = std::future::ready(()) => false }
        };
        assert!(!is_let_in().await);
        inside.pop();
        assert!(is_let_in().await);
    }
}
