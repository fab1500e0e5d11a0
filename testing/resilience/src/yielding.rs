//! A layer that lets others go first.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use referral_core::async_trait;
use referral_core::store::{
    Change, Changeset, MAX_PAGE, Outcome, Read, Record, RecordId, Store, StoreError, StoreFacts,
};
use tokio::task::yield_now;

/// How many turns. One is not enough: a worker with nothing else to do gives it back at once, while another one has
/// still to wake the racers.
const TURNS: usize = 100;

/// A store before each commit of which everybody else has many turns, so that what racers have read is old when they
/// write. A store that answers at once would else never let two of them meet.
#[derive(Clone, Debug)]
pub struct Yielding {
    store: Arc<dyn Store>,
    offered: Arc<Mutex<BTreeSet<RecordId>>>,
}

impl Yielding {
    /// Lets others go first to this store.
    #[must_use]
    pub fn over(store: Arc<dyn Store>) -> Self {
        Self { store, offered: Arc::default() }
    }

    /// How many codes are stored of all that were ever offered to the store through this.
    ///
    /// # Panics
    /// If a read fails.
    pub async fn codes(&self) -> usize {
        let offered: Vec<RecordId> = self.offered.lock().unwrap().iter().copied().collect();
        let mut there = 0;
        for ids in offered.chunks(MAX_PAGE as usize) {
            there += self.store.get(ids).await.expect("records").into_iter().flatten().count();
        }
        there
    }
}

impl Read for Yielding {
    referral_core::forward_reads!(store);
}

#[async_trait]
impl Store for Yielding {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        for change in batch.iter().flat_map(Changeset::changes) {
            if let Change::Insert(Record::Alias(alias)) = change {
                self.offered.lock().unwrap().insert(alias.id.into());
            }
        }
        for _ in 0..TURNS {
            yield_now().await;
        }
        self.store.commit(batch).await
    }
}
