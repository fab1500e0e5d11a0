//! A store in memory that can be switched off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use referral_core::async_trait;
use referral_core::memory::MemoryStore;
use referral_core::store::{Changeset, Outcome, Read, Store, StoreError, StoreErrorKind, StoreFacts};

#[derive(Clone, Debug, Default)]
pub struct Flaky {
    inner: MemoryStore,
    reads_fail: Arc<AtomicBool>,
    writes_fail: Arc<AtomicBool>,
}

impl Flaky {
    pub fn fail(&self, reads: bool, writes: bool) {
        self.reads_fail.store(reads, Ordering::SeqCst);
        self.writes_fail.store(writes, Ordering::SeqCst);
    }

    fn away() -> StoreError {
        StoreError::new(StoreErrorKind::Unavailable, "flaky", "test", "switched off")
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.reads_fail.load(Ordering::SeqCst) { Err(Self::away()) } else { Ok(()) }
    }
}

impl Read for Flaky {
    referral_core::forward_reads!(inner after check);
}

#[async_trait]
impl Store for Flaky {
    fn facts(&self) -> StoreFacts {
        self.inner.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        if self.writes_fail.load(Ordering::SeqCst) {
            return batch.iter().map(|_| Err(Self::away())).collect();
        }
        self.inner.commit(batch).await
    }
}
