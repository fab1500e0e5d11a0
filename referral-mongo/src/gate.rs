//! Who may write what at a time, within this process.
//!
//! Two transactions that write one document cannot both succeed: the server refuses the second one at once, and it
//! has to be run again. Between processes there is no other way. Within one, those that want the same counter or
//! record wait for each other here, which is fairer and far cheaper than forty attempts at a popular link's numbers.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use referral_core::RecordId;
use referral_core::store::{Change, Changeset};
use tokio::sync::{Mutex, MutexGuard};

const DOORS: u64 = 256;

/// Doors that belong to documents, by hash.
pub(crate) struct Gate {
    doors: Vec<Mutex<()>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { doors: (0..DOORS).map(|_| Mutex::new(())).collect() }
    }
}

impl Gate {
    /// Waits until nobody else of this process writes what these changesets write. What they insert is not waited
    /// for, but for keys that two want at once, and those are rare.
    pub(crate) async fn enter(&self, batch: &[Changeset]) -> Vec<MutexGuard<'_, ()>> {
        let wanted: BTreeSet<usize> =
            batch.iter().flat_map(|changeset| &changeset.changes).flat_map(doors).collect();
        let mut held = Vec::with_capacity(wanted.len());
        // In order, so that no two wait for each other.
        for door in wanted {
            if let Some(door) = self.doors.get(door) {
                held.push(door.lock().await);
            }
        }
        held
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
