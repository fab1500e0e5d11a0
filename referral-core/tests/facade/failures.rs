//! Promises for the days on which the store fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use referral_core::KeyRing;
use referral_core::memory::MemoryStore;
use referral_core::source::ManualClock;
use referral_core::store::Change;
use referral_core::store::{Changeset, Outcome, Read, Store, StoreError, StoreErrorKind, StoreFacts};
use referral_core::visit::{TokenChange, TouchOutcome};
use referral_core::{ErrorKind, PageRequest};
use referral_core::{Referrals, async_trait};
use referral_core::{Status, Timestamp};

use crate::world::{draft, get, issued, user};

/// A store whose next commits lose their answers: after applying, or before.
#[derive(Clone, Debug, Default)]
struct Flaky {
    store: MemoryStore,
    lost_after: Arc<AtomicUsize>,
    lost_before: Arc<AtomicUsize>,
    down: Arc<AtomicUsize>,
    reads_down: Arc<AtomicUsize>,
    /// Whether it is down from the next lost answer on: as a whole, or for reads.
    down_once_lost: Arc<AtomicUsize>,
    reads_down_once_lost: Arc<AtomicUsize>,
}

impl Flaky {
    fn next(counter: &AtomicUsize) -> bool {
        counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::SeqCst) > 0 || self.reads_down.load(Ordering::SeqCst) > 0 {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "flaky", "read", "down"));
        }
        Ok(())
    }
}

impl Read for Flaky {
    referral_core::forward_reads!(store after check);
}

#[async_trait]
impl Store for Flaky {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let lost =
            StoreError::new(StoreErrorKind::UnknownOutcome, "flaky", "commit", "the connection closed");
        if self.down.load(Ordering::SeqCst) > 0 {
            let down = StoreError::new(StoreErrorKind::Unavailable, "flaky", "commit", "down");
            return batch.iter().map(|_| Err(down.clone())).collect();
        }
        if Self::next(&self.lost_before) {
            return batch.iter().map(|_| Err(lost.clone())).collect();
        }
        let answers = self.store.commit(batch).await;
        if Self::next(&self.lost_after) {
            self.down.store(self.down_once_lost.load(Ordering::SeqCst), Ordering::SeqCst);
            self.reads_down.store(self.reads_down_once_lost.load(Ordering::SeqCst), Ordering::SeqCst);
            return batch.iter().map(|_| Err(lost.clone())).collect();
        }
        answers
    }
}

fn shop(store: &Flaky) -> Referrals {
    let keys = KeyRing::generate().unwrap();
    Referrals::builder(store.clone(), keys, "https://shop.example").with_cache(None).build().unwrap()
}

#[tokio::test]
async fn a_lost_answer_counts_nothing_twice_and_loses_nothing() {
    for (after, before) in [(1, 0), (2, 0), (0, 1), (0, 2), (1, 1)] {
        let store = Flaky::default();
        let referrals = shop(&store);
        let arm = || {
            store.lost_after.store(after, Ordering::SeqCst);
            store.lost_before.store(before, Ordering::SeqCst);
        };
        arm();
        let link = referrals.links().create(draft("/", "ada").with_click_limit(5)).await.unwrap();
        arm();
        let landing = referrals.land(link.code.as_str(), &get("/r/x")).await;
        let token = issued(&landing.touch).unwrap();
        assert_eq!(referrals.responses().count(link.id).await.unwrap(), 1);
        arm();
        let claimed = referrals.identify(token.visitor, &user("bob")).await.unwrap().claimed;
        assert_eq!(claimed.len(), 1, "after {after}, before {before}");
        arm();
        assert_eq!(referrals.links().disable(link.id).await.unwrap().version.get(), 2);
    }
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_said_so() {
    let store = Flaky::default();
    let referrals = shop(&store);
    store.lost_before.store(100, Ordering::SeqCst);
    let error = referrals.links().create(draft("/", "ada")).await.unwrap_err();
    assert!(error.kind() == ErrorKind::UnknownOutcome);
    assert!(error.is_retryable());
}

/// A server that dies in mid-commit is not reached afterwards either. "Nothing was written" would be said of the second
/// try, and be wrong about the first.
#[tokio::test]
async fn an_outcome_stays_unknown_when_the_store_is_down_afterwards() {
    let store = Flaky::default();
    let referrals = shop(&store);
    store.down_once_lost.store(1, Ordering::SeqCst);
    store.lost_after.store(1, Ordering::SeqCst);
    let error = referrals.links().create(draft("/", "ada")).await.unwrap_err();
    assert!(error.kind() == ErrorKind::UnknownOutcome, "{error:?}");
    store.down.store(0, Ordering::SeqCst);
    let page = referrals.links().list(&PageRequest::default()).await.unwrap();
    assert_eq!(page.items.len(), 1, "it was applied, and only the answer lost");
}

/// Nor where it is the witness that cannot be read.
#[tokio::test]
async fn an_outcome_stays_unknown_when_its_witness_cannot_be_read() {
    let store = Flaky::default();
    let referrals = shop(&store);
    let link = referrals.links().create(draft("/", "ada")).await.unwrap();
    store.reads_down_once_lost.store(1, Ordering::SeqCst);
    store.lost_after.store(1, Ordering::SeqCst);
    let error = referrals.links().disable(link.id).await.unwrap_err();
    assert!(error.kind() == ErrorKind::UnknownOutcome, "{error:?}");
    store.reads_down.store(0, Ordering::SeqCst);
    let link = referrals.links().get(link.id).await.unwrap().unwrap();
    assert_eq!(link.status, Status::Disabled, "it was applied, and only the answer lost");
}

/// R18 of the reliability anchors: with the store down, a click still gets its redirect.
#[tokio::test]
async fn a_store_that_is_down_costs_the_attribution_and_not_the_visit() {
    let store = Flaky::default();
    let referrals = shop(&store);
    let link = referrals.links().create(draft("/sale", "ada")).await.unwrap();
    store.down.store(1, Ordering::SeqCst);
    let landing = referrals.land(link.code.as_str(), &get("/r/x?redirect_to=/basket")).await;
    assert!(matches!(landing.touch.outcome, TouchOutcome::Failed(_)));
    assert_eq!((landing.redirect.location(), landing.touch.token), ("/basket", TokenChange::Keep));
    assert!(referrals.links().create(draft("/", "ada")).await.unwrap_err().is_unavailable());
    assert!(referrals.enter_code(&get("/signup"), link.code.as_str()).await.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn a_link_that_is_still_cached_leads_where_it_led_when_the_store_is_down() {
    let store = Flaky::default();
    let keys = KeyRing::generate().unwrap();
    let referrals = Referrals::builder(store.clone(), keys, "https://shop.example").build().unwrap();
    let link = referrals.links().create(draft("/sale", "ada")).await.unwrap();
    referrals.land(link.code.as_str(), &get("/r/x")).await;
    store.down.store(1, Ordering::SeqCst);
    let landing = referrals.land(link.code.as_str(), &get("/r/x")).await;
    assert!(matches!(landing.touch.outcome, TouchOutcome::Failed(_)));
    assert_eq!((landing.redirect.location(), landing.fallback), ("/sale", false));
    assert!(referrals.enter_code(&get("/signup"), link.code.as_str()).await.unwrap_err().is_unavailable());
}

/// Two calls meet at their first patch, and both lose the answer to it.
#[derive(Debug)]
struct Twins {
    store: MemoryStore,
    meet: tokio::sync::Barrier,
    lost: AtomicUsize,
}

impl Read for Twins {
    referral_core::forward_reads!(store);
}

#[async_trait]
impl Store for Twins {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let patches = |changeset: &Changeset| {
            changeset.changes().iter().any(|change| matches!(change, Change::Patch { .. }))
        };
        if !batch.iter().any(patches) || self.lost.fetch_add(1, Ordering::SeqCst) >= 2 {
            return self.store.commit(batch).await;
        }
        self.meet.wait().await;
        self.store.commit(batch).await;
        let lost =
            StoreError::new(StoreErrorKind::UnknownOutcome, "twins", "commit", "the connection closed");
        batch.iter().map(|_| Err(lost.clone())).collect()
    }
}

#[tokio::test]
async fn of_two_equal_claims_whose_answers_are_lost_one_is_told_that_it_claimed() {
    let store =
        Twins { store: MemoryStore::new(), meet: tokio::sync::Barrier::new(2), lost: AtomicUsize::new(0) };
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let builder = Referrals::builder(store, KeyRing::generate().unwrap(), "https://shop.example");
    let referrals = builder.with_clock(clock).with_group_commit(None).build().unwrap();
    let link = referrals.links().create(draft("/", "ada")).await.unwrap();
    let token = issued(&referrals.land(link.code.as_str(), &get("/r/x")).await.touch).unwrap();
    let bob = user("bob");
    let (one, two) =
        tokio::join!(referrals.identify(token.visitor, &bob), referrals.identify(token.visitor, &bob));
    let claimed = [one, two].map(|answer| answer.unwrap().claimed.len());
    assert_eq!(claimed.iter().sum::<usize>(), 1, "{claimed:?}");
}
