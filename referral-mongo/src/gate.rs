//! Who may write what at a time, within this process.
//!
//! Two transactions that write one document cannot both succeed: the server refuses the second one at once, and it
//! has to be run again. Between processes there is no other way. Within one, those that want the same counter or
//! record wait for each other here, which is fairer and far cheaper than forty attempts at a popular link's numbers.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use referral_core::RecordId;
use referral_core::store::{Change, Changeset};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

use crate::error::Fault;

const DOORS: u64 = 256;

/// Doors that belong to documents, by hash.
pub(crate) struct Gate {
    doors: Vec<Mutex<()>>,
    /// How many transactions the server has answered, well or badly.
    answers: AtomicU64,
}

impl Default for Gate {
    fn default() -> Self {
        Self { doors: (0..DOORS).map(|_| Mutex::new(())).collect(), answers: AtomicU64::new(0) }
    }
}

impl Gate {
    /// Waits until nobody else of this process writes what these changesets write. What they insert is not waited
    /// for, but for keys that two want at once, and those are rare.
    ///
    /// A queue may be long, so this waits as long as the server answers anybody. When it has not for `timeout`, those
    /// in the queue do not wait for their own turn to find out. With the way free comes how much of `timeout` is left: all of it
    /// but for what was waited in silence.
    pub(crate) async fn enter(
        &self,
        batch: &[Changeset],
        timeout: Duration,
    ) -> Result<(Vec<MutexGuard<'_, ()>>, Duration), Fault> {
        let wanted: BTreeSet<usize> =
            batch.iter().flat_map(|changeset| &changeset.changes).flat_map(doors).collect();
        let mut held = Vec::with_capacity(wanted.len());
        let (mut since, mut answers) = (Instant::now(), self.answers.load(Ordering::Acquire));
        // In order, so that no two wait for each other.
        for door in wanted.into_iter().filter_map(|door| self.doors.get(door)) {
            held.push(loop {
                let end = since.checked_add(timeout).ok_or(Fault::Late)?;
                if let Ok(entered) = timeout_at(end, door.lock()).await {
                    break entered;
                }
                let now = self.answers.load(Ordering::Acquire);
                if now == answers {
                    return Err(Fault::Late);
                }
                (since, answers) = (Instant::now(), now);
            });
        }
        let silent = self.answers.load(Ordering::Acquire) == answers;
        let left = if silent { timeout.saturating_sub(since.elapsed()) } else { timeout };
        Ok((held, left))
    }

    /// The server answered a transaction.
    pub(crate) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Release);
    }
}

fn doors(change: &Change) -> Vec<usize> {
    match change {
        Change::Insert(_) => Vec::new(),
        Change::Update { record, .. } => vec![door(&record.id())],
        Change::Delete { id, .. } | Change::Expect { id, .. } => vec![door(id)],
        Change::Claim { responses, .. } => responses.iter().map(|id| door(&RecordId::from(*id))).collect(),
        Change::Count { counter, .. } | Change::Tally { counter, .. } => vec![door(counter)],
    }
}

fn door<T: std::hash::Hash>(what: &T) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(what);
    usize::try_from(hash % DOORS).unwrap_or_default()
}
