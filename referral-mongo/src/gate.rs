//! Who may write what at a time, within this process.
//!
//! Two transactions that write one document cannot both succeed: the server refuses the second one at once, and it
//! has to be run again. Between processes there is no other way. Within one, those that want the same counter or
//! record wait for each other here, which is fairer and far cheaper than forty attempts at a popular link's numbers.
//! And however many callers there are, only so many transactions are open at a time.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use referral_core::RecordId;
use referral_core::store::{Change, Changeset};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

const DOORS: u64 = 256;
/// The most transactions that are open at once. More than a few for each connection of the driver (ten by default)
/// are no faster; and a thousand callers at once would open a thousand, each of which waits for a connection with
/// every statement, and holds what it wrote and a session of the server's storage meanwhile.
const TRANSACTIONS: usize = 64;

/// Doors that belong to documents, by hash.
pub(crate) struct Gate {
    doors: Vec<Mutex<()>>,
    room: Semaphore,
}

/// Leave to write, for as long as it is held.
pub(crate) struct Entered<'a> {
    _doors: Vec<MutexGuard<'a, ()>>,
    _room: Option<SemaphorePermit<'a>>,
}

impl Default for Gate {
    fn default() -> Self {
        let doors = (0..DOORS).map(|_| Mutex::new(())).collect();
        Self { doors, room: Semaphore::new(TRANSACTIONS) }
    }
}

impl Gate {
    /// Waits until nobody else of this process writes what these changesets write. What they insert is not waited
    /// for, but for keys that two want at once, and those are rare. Waits also while too many write at all.
    pub(crate) async fn enter(&self, batch: &[Changeset]) -> Entered<'_> {
        let wanted: BTreeSet<usize> =
            batch.iter().flat_map(|changeset| &changeset.changes).flat_map(doors).collect();
        let mut held = Vec::with_capacity(wanted.len());
        // In order, so that no two wait for each other.
        for door in wanted {
            if let Some(door) = self.doors.get(door) {
                held.push(door.lock().await);
            }
        }
        // Last, so that whoever has room waits for nobody. It is never closed.
        Entered { _doors: held, _room: self.room.acquire().await.ok() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_so_many_are_let_in_at_once() {
        let gate = Gate::default();
        let mut inside = Vec::new();
        for _ in 0..TRANSACTIONS {
            inside.push(gate.enter(&[]).await);
        }
        let is_let_in = async || {
            tokio::select! { biased; _ = gate.enter(&[]) => true, () = std::future::ready(()) => false }
        };
        assert!(!is_let_in().await);
        inside.pop();
        assert!(is_let_in().await);
    }
}
