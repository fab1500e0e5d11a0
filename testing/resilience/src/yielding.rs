//! A layer that lets others go first.

use std::sync::Arc;

use referral_core::async_trait;
use referral_core::store::{Changeset, Outcome, Read, Store, StoreError, StoreFacts};
use tokio::task::yield_now;

/// How many turns. One is not enough: a worker with nothing else to do gives it back at once, while another one has
/// still to wake the racers.
const TURNS: usize = 100;

/// A store before each commit of which everybody else has many turns, so that what racers have read is old when they
/// write. A store that answers at once would else never let two of them meet.
#[derive(Clone, Debug)]
pub struct Yielding {
    /// What it lets others go first to.
    pub store: Arc<dyn Store>,
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
        for _ in 0..TURNS {
            yield_now().await;
        }
        self.store.commit(batch).await
    }
}
