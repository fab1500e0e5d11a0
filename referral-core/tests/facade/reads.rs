//! Promises about what a verb costs, counted in reads of the store; and about the values that hosts may use.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use referral_core::KeyRing;
use referral_core::Visit;
use referral_core::memory::MemoryStore;
use referral_core::source::ManualClock;
use referral_core::store::{
    Change, Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Store,
    StoreError, StoreErrorKind, StoreFacts, UniqueKey,
};
use referral_core::store::{Record, RecordId};
use referral_core::visit::Method;
use referral_core::visit::TouchOutcome;
use referral_core::{Action, Referrals, ResponseId, Target, Timestamp, UserId, async_trait};

use crate::world::{DAY, World, detail, draft, get, issued, user};

/// Counts calls and the records they gave.
#[derive(Clone, Debug, Default)]
struct Counting {
    store: MemoryStore,
    calls: Arc<AtomicUsize>,
    records: Arc<AtomicUsize>,
}

impl Counting {
    fn note(&self, records: usize) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.records.fetch_add(records, Ordering::SeqCst);
    }

    fn take(&self) -> (usize, usize) {
        (self.calls.swap(0, Ordering::SeqCst), self.records.swap(0, Ordering::SeqCst))
    }
}

#[async_trait]
impl Read for Counting {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.note(ids.len());
        self.store.get(ids).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.note(keys.len());
        self.store.find(keys).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let page = self.store.page(index, prefix, range, limit).await?;
        self.note(page.len());
        Ok(page)
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        self.note(1);
        self.store.counters(prefix, range).await
    }
}

#[async_trait]
impl Store for Counting {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        self.store.commit(batch).await
    }
}

fn shop() -> (Referrals, Counting, Arc<ManualClock>) {
    let store = Counting::default();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
    let builder = Referrals::builder(store.clone(), KeyRing::generate().unwrap(), "https://shop.example");
    (builder.with_clock(Arc::clone(&clock)).build().unwrap(), store, clock)
}

#[tokio::test]
async fn a_click_on_a_cached_link_reads_nothing_not_even_a_repeated_one() {
    let (referrals, store, _) = shop();
    let link = referrals.links().create(draft("/", "ada")).await.unwrap();
    let first = referrals.land(link.code.as_str(), &get("/r/x")).await;
    store.take();
    referrals.land(link.code.as_str(), &get("/r/x")).await;
    let again = get("/r/x").with_token(issued(&first.touch).unwrap());
    assert!(!referrals.land(link.code.as_str(), &again).await.touch.response().unwrap().counted);
    assert_eq!(store.take(), (0, 0));
}

/// PB23: the action of somebody with ten thousand responses fetched them all to use the first.
#[tokio::test]
async fn pb23_an_action_of_a_busy_user_reads_one_page_however_many_responses_there_are() {
    let (referrals, store, clock) = shop();
    let link = referrals.links().create(draft("/", "ada")).await.unwrap();
    let bob = get("/").with_user(user("bob"));
    let touch = referrals.land(link.code.as_str(), &bob).await.touch;
    let template = touch.response().unwrap().clone();
    for part in 0..10_u128 {
        let copies = (0..1000).map(|n| {
            let mut copy = template.clone();
            copy.id = ResponseId::from_uuid(uuid::Uuid::from_u128(part * 1000 + n + 1));
            copy.created_at = Timestamp::from_millis(template.created_at.as_millis() - 1);
            Change::Insert(copy.into())
        });
        store.commit(&[Changeset::new(copies)]).await;
    }
    clock.advance(Duration::from_secs(1));
    store.take();
    let order = Action::new("ORDERED").unwrap();
    assert!(referrals.record(&bob, order, None).await.unwrap().is_some());
    let (calls, records) = store.take();
    assert!(calls <= 2 && records <= 251, "{calls} reads, {records} records");
}

/// PB25: the cookie lived as long as the browser's session. Two settings, with days in them.
#[tokio::test]
async fn pb25_a_token_outlives_the_browsers_session_and_its_life_is_not_the_window() {
    let world = World::new();
    let (_, token) = world.arrive(&world.link().await).await;
    assert_eq!(token.expires_at.since(token.issued_at), DAY * 90);
    let world = World::with(|builder| builder.with_token_life(DAY * 5000));
    let (_, token) = world.arrive(&world.link().await).await;
    assert_eq!(token.expires_at.since(token.issued_at), DAY * 400);
}

/// PB11, PB21: targets were looked up, and had to have positive integers for ids.
#[tokio::test]
async fn pb11_pb21_targets_and_users_are_opaque_text_of_any_form() {
    let world = World::new();
    for id in ["7", "-1", "3f2b7c1e-9f57-4bfa-8f06-0a33d2b0b3aa", "käse/€ 🧀", "' OR 1=1 --"] {
        let target = Target::new("no such type", id).unwrap();
        let owner = UserId::new(id).unwrap();
        let link = world
            .referrals
            .links()
            .create(draft("/", "ada").with_owner(owner.clone()).with_target(target.clone()))
            .await
            .unwrap();
        let page = world.referrals.links().of_target(&owner, &target, &Default::default()).await.unwrap();
        assert_eq!(page.items, [link], "{id}");
    }
    assert!(Target::new("product", "x".repeat(129)).is_err());
    assert!(Target::new("product", "").is_err());
}

#[tokio::test]
async fn a_speculative_load_records_no_action() {
    let world = World::new();
    let (_, token) = world.arrive(&world.link().await).await;
    let viewed = || Action::new("VIEWED_PRODUCT").unwrap();
    let head = Visit::new(Method::Head, "/products/7").with_token(token);
    assert_eq!(world.referrals.record(&head, viewed(), None).await.unwrap(), None);
    let page = get("/products/7").with_token(token);
    assert!(world.referrals.record(&page, viewed(), None).await.unwrap().is_some());
}

/// RB7, PB20: a code that the table took and the route did not.
#[tokio::test]
async fn rb7_pb20_every_code_that_can_be_made_can_be_followed() {
    let world = World::new();
    for code in ["a-b", "A_b", "---", "x".repeat(64).as_str(), "0O1lI"] {
        let chosen = referral_core::Code::new(code).unwrap();
        let link = world.referrals.links().create(draft("/", "ada").with_code(chosen)).await.unwrap();
        let path = world.referrals.links().url(&link).replace("https://shop.example", "");
        let landing = world.referrals.land(path.trim_start_matches("/r/"), &get(&path)).await;
        assert!(matches!(landing.touch.outcome, TouchOutcome::Recorded(_)), "{code}");
    }
}

/// Gives the first page of numbers, whatever it is asked to go on behind.
#[derive(Debug)]
struct Stuck {
    store: MemoryStore,
}

#[async_trait]
impl Read for Stuck {
    referral_core::forward_reads!(store: get, find, page);

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        self.store.counters(prefix, &CounterRange { after: None, ..range.clone() }).await
    }
}

#[async_trait]
impl Store for Stuck {
    fn facts(&self) -> StoreFacts {
        self.store.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        self.store.commit(batch).await
    }
}

#[tokio::test]
async fn a_store_that_gives_a_page_of_numbers_again_is_told_and_not_asked_for_ever() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
    let builder = Referrals::builder(
        Stuck { store: MemoryStore::new() },
        KeyRing::generate().unwrap(),
        "https://shop.example",
    );
    let referrals = builder.with_clock(clock.clone()).build().unwrap();
    let link = referrals.links().create(draft("/", "ada")).await.unwrap();
    // A thousand hours are a full page.
    for _ in 0..1000 {
        referrals.land(link.code.as_str(), &get("/r/x")).await;
        clock.advance(Duration::from_hours(1));
    }
    let (from, until) = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
    let told = referrals.responses().by_hour(link.id, &Action::RESPONDED, from, until).await;
    assert_eq!(detail::<StoreError, _>(&told).map(StoreError::kind), Some(StoreErrorKind::Corrupt));
}
