//! What a case gets: a store of its own, samples to put into it, and short ways to ask it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use referral_core::source::{IdSource, SequentialIds};
use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, CounterPrefix, CounterRange, Index, Kind, MAX_PAGE, Outcome,
    Prefix, Range, Read, Record, RecordId, Store, StoreError, StoreErrorKind, StoreFacts, UniqueKey, Version,
};
use referral_core::{Alias, Link, Response};
use uuid::Uuid;

use crate::breakage::Breakage;
use crate::fill::{self, Filling};
use crate::harness::{Guard, Harness, Opened};
use crate::history::{History, Watched};
use crate::make::{text, with_natural};
use crate::notes::Notes;
use crate::samples::{self, NOW};
use crate::settings::Settings;
use crate::words;

/// The store of a case and what belongs to it. Clones share it, so that concurrent callers can take one each.
#[derive(Clone)]
pub struct Cx(Arc<Shared>);

struct Shared {
    harness: Arc<dyn Harness>,
    settings: Settings,
    ids: SequentialIds,
    history: Arc<History>,
    // Before the slot, whose guard may take the data away.
    attached: Mutex<Vec<(Arc<dyn Store>, Guard)>>,
    slot: Mutex<Slot>,
    skipped: Mutex<Option<String>>,
    notes: Arc<Notes>,
    counts_responses: AtomicBool,
    /// How many handles were opened beside the first.
    handles: AtomicUsize,
}

// The store stands first, because it has to go before what guards its data.
#[derive(Default)]
struct Slot {
    store: Option<Arc<Watched>>,
    guard: Option<Guard>,
}

/// A handle that belongs to who opened it. The store stands first, because it has to go before what guards its data.
pub(crate) struct Handle {
    pub(crate) store: Arc<dyn Store>,
    guard: Guard,
}

impl Cx {
    pub(crate) fn new(
        harness: Arc<dyn Harness>,
        settings: Settings,
        opened: Opened,
        notes: Arc<Notes>,
    ) -> Self {
        notes.says(opened.store.facts());
        let cx = Self(Arc::new(Shared {
            harness,
            settings,
            ids: SequentialIds::default(),
            history: Arc::default(),
            attached: Mutex::default(),
            slot: Mutex::default(),
            skipped: Mutex::default(),
            notes,
            counts_responses: AtomicBool::new(false),
            handles: AtomicUsize::new(0),
        }));
        cx.put(opened);
        cx
    }

    fn put(&self, opened: Opened) {
        let store = Arc::new(Watched::new(opened.store, self.0.history.clone(), self.0.notes.clone(), 1));
        *self.0.slot.lock().unwrap() = Slot { store: Some(store), guard: Some(opened.guard) };
    }

    /// The store. What is committed through it is remembered, and compared with what it holds after the case.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        self.0.slot.lock().unwrap().store.clone().expect("the case closed its store")
    }

    /// What the store promises.
    #[must_use]
    pub fn facts(&self) -> StoreFacts {
        self.store().facts()
    }

    /// Drops the store. What guards its data stays. The case must have dropped its own handles.
    pub fn close(&self) {
        self.0.attached.lock().unwrap().clear();
        let store = self.0.slot.lock().unwrap().store.take();
        if store.is_some_and(|store| !store.facts().durable) {
            // It may forget everything, as it said it would.
            self.0.history.forget();
        }
    }

    /// Drops the store and opens the same data again. It is `false` if the harness cannot do that.
    pub async fn reopen(&self) -> bool {
        self.close();
        let guard = self.0.slot.lock().unwrap().guard.take().expect("the case lost its guard");
        let Some(opened) = self.0.harness.reopen(guard).await else { return false };
        self.put(opened);
        true
    }

    /// The address at which another process finds the data.
    pub(crate) fn address(&self) -> Option<String> {
        self.0.harness.address(self.0.slot.lock().unwrap().guard.as_ref()?)
    }

    /// Whether what another process wrote is there when that process has ended.
    pub(crate) fn outlives_process(&self) -> bool {
        self.0.harness.outlives_process()
    }

    /// Breaks the backend of the case's store. Where the harness cannot do that it is `false`, and the report says so.
    pub(crate) async fn break_backend(&self, breakage: Breakage) -> bool {
        if let Some(address) = self.address()
            && self.0.harness.break_backend(&address, Some(breakage)).await
        {
            return true;
        }
        self.not_exercised(breakage.says());
        false
    }

    /// Mends the backend that [`Cx::break_backend`] broke.
    pub(crate) async fn mend_backend(&self) {
        let address = self.address().expect("a backend that was broken has an address");
        assert!(self.0.harness.break_backend(&address, None).await, "the harness mends what it broke");
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn history(&self) -> &History {
        &self.0.history
    }

    /// From now on all responses come from the facade, so the statistics have to agree with them.
    pub(crate) fn counts_responses(&self) {
        self.0.counts_responses.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_counting_responses(&self) -> bool {
        self.0.counts_responses.load(Ordering::SeqCst)
    }

    /// A second handle on the same data, as another process has one. It is `None` where there can be none.
    pub async fn second_handle(&self) -> Option<Arc<dyn Store>> {
        let Handle { store, guard } = self.handle().await?;
        self.0.attached.lock().unwrap().push((store.clone(), guard));
        Some(store)
    }

    /// One more handle on the same data, which ends when the caller drops it. It is `None` where there can be none.
    pub(crate) async fn handle(&self) -> Option<Handle> {
        let opened = self.0.harness.attach(&self.address()?).await?;
        // The case's own handle is the first.
        let number = self.0.handles.fetch_add(1, Ordering::SeqCst) + 2;
        let store =
            Arc::new(Watched::new(opened.store, self.0.history.clone(), self.0.notes.clone(), number));
        Some(Handle { store, guard: opened.guard })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.slot.lock().unwrap().store.is_some()
    }

    /// Records that the case cannot run here, and why.
    pub fn skip(&self, reason: impl Into<String>) {
        *self.0.skipped.lock().unwrap() = Some(reason.into());
    }

    pub(crate) fn skipped(&self) -> Option<String> {
        self.0.skipped.lock().unwrap().clone()
    }

    /// Records that a part of the case cannot run on this store, and why: `a second handle: the store says that it is
    /// not shared`. The case goes on, and passes. The summary says what was not exercised.
    pub fn not_exercised(&self, reason: impl Into<String>) {
        self.0.notes.not_exercised(reason.into());
    }

    /// This number of rounds, times the soak factor. The summary says how many rounds were made.
    #[must_use]
    pub fn rounds(&self, rounds: usize) -> usize {
        let rounds = rounds.saturating_mul(self.0.settings.soak);
        self.0.notes.add_rounds(rounds);
        rounds
    }

    /// A UUID that this case has not used. Each is greater than the one before.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.0.ids.next(NOW)
    }

    /// A link with nothing optional, under a code of its own.
    #[must_use]
    pub fn link(&self) -> Link {
        samples::link(self.uuid())
    }

    /// A link with a natural key.
    #[must_use]
    pub fn natural_link(&self, key: &str) -> Link {
        with_natural(self.link(), Some(key))
    }

    /// A code that leads to a link. It is folded, as codes are by default.
    #[must_use]
    pub fn alias(&self, code: &str) -> Alias {
        samples::alias(self.uuid(), text(code))
    }

    /// A code that is found by its exact spelling only.
    #[must_use]
    pub fn exact_alias(&self, code: &str) -> Alias {
        Alias { case_exact: true, ..self.alias(code) }
    }

    /// A click of a visitor that nobody has claimed.
    #[must_use]
    pub fn response(&self) -> Response {
        samples::response(self.uuid())
    }

    /// A change that is always applied, for changesets that need a witness.
    #[must_use]
    pub fn witness(&self) -> Change {
        Change::Insert(self.link().into())
    }

    /// A record of a kind, filled as wanted. `None` where the kind cannot be filled like that.
    pub(crate) fn sample(&self, kind: Kind, filling: &Filling) -> Option<Record> {
        fill::record(self.uuid(), kind, filling)
    }

    /// Commits one changeset.
    pub async fn commit(&self, changes: impl IntoIterator<Item = Change>) -> Result<Outcome, StoreError> {
        self.commit_set(Changeset::new(changes)).await
    }

    /// Commits one changeset.
    pub async fn commit_set(&self, changeset: Changeset) -> Result<Outcome, StoreError> {
        let mut answers = self.batch(&[changeset]).await;
        answers.pop().expect("one answer")
    }

    /// Commits a batch, and checks that there is one answer for each changeset.
    pub async fn batch(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let answers = self.store().commit(batch).await;
        assert_eq!(answers.len(), batch.len(), "a batch has one answer for each changeset");
        answers
    }

    /// Commits one changeset, which must be applied.
    pub async fn apply(&self, changes: impl IntoIterator<Item = Change>) {
        let answer = self.commit(changes).await;
        assert_applied(&answer);
    }

    /// Commits one changeset for each change; all must be applied.
    pub async fn apply_each(&self, changes: impl IntoIterator<Item = Change>) {
        let batch: Vec<_> = changes.into_iter().map(|change| Changeset::new([change])).collect();
        for some in batch.chunks(200) {
            for (index, answer) in self.batch(some).await.into_iter().enumerate() {
                let came = words::answer(&answer);
                assert!(
                    matches!(answer, Ok(Outcome::Applied)),
                    "changeset {index} of a batch: expected Applied, came {came}"
                );
            }
        }
    }

    /// Inserts these records, which must be possible.
    pub async fn insert<R: Into<Record>>(&self, records: impl IntoIterator<Item = R>) {
        let changes: Vec<_> = records.into_iter().map(|record| Change::Insert(record.into())).collect();
        for some in changes.chunks(Changeset::MAX_CHANGES) {
            self.apply(some.iter().cloned()).await;
        }
    }

    /// Commits one changeset, which must conflict, and gives the place of the change and the conflict.
    pub async fn refused(&self, changes: impl IntoIterator<Item = Change>) -> (usize, Conflict) {
        match self.commit(changes).await {
            Ok(Outcome::Conflict { index, conflict }) => (index, conflict),
            other => panic!(
                "a changeset that cannot be applied: expected a conflict, came {}",
                words::answer(&other)
            ),
        }
    }

    /// Commits one changeset, which must be `Stale` at change `index` about record `id`, now at `now`.
    pub async fn stale(
        &self,
        changes: impl IntoIterator<Item = Change>,
        index: usize,
        id: impl Into<RecordId>,
        now: Option<i64>,
    ) {
        let now = now.map(Version::new);
        let expected = (index, Conflict::Stale { id: id.into(), now });
        assert_eq!(
            self.refused(changes).await,
            expected,
            "the place of the change that fails, and its conflict"
        );
    }

    /// Commits one changeset, which must be `Taken` at change `index` by this record; the named key must be one
    /// that the record holds.
    pub async fn taken(
        &self,
        changes: impl IntoIterator<Item = Change>,
        index: usize,
        by: impl Into<RecordId>,
    ) -> UniqueKey {
        let by = by.into();
        match self.refused(changes).await {
            (at, Conflict::Taken { key, holder }) => {
                assert_eq!((at, holder), (index, by), "the place of the change that fails, and the holder");
                let found = self.find(key.clone()).await;
                assert_eq!(found.map(|record| record.id()), Some(by), "the named holder holds the named key");
                key
            }
            (index, conflict) => {
                let came = words::answer(&Ok(Outcome::Conflict { index, conflict }));
                panic!("a change that needs a key of {by}: expected Taken, came {came}")
            }
        }
    }

    /// The record of an id.
    pub async fn get(&self, id: impl Into<RecordId>) -> Option<Record> {
        let mut found =
            self.store().get(&[id.into()]).await.unwrap_or_else(|error| unanswered("get", &error));
        assert_eq!(found.len(), 1, "get has one answer for each id");
        found.pop().flatten()
    }

    /// The record that holds a key.
    pub async fn find(&self, key: UniqueKey) -> Option<Record> {
        let mut found = self.store().find(&[key]).await.unwrap_or_else(|error| unanswered("find", &error));
        assert_eq!(found.len(), 1, "find has one answer for each key");
        found.pop().flatten()
    }

    /// Every record of a kind that was ever offered to the store and is there, whoever it belongs to.
    pub(crate) async fn stored(&self, kind: Kind) -> Vec<Record> {
        let past = self.0.history.past();
        let ids: Vec<_> = past.records.keys().copied().filter(|id| id.kind == kind).collect();
        let mut found = Vec::new();
        for ids in ids.chunks(MAX_PAGE as usize) {
            found.extend(
                self.store()
                    .get(ids)
                    .await
                    .unwrap_or_else(|error| unanswered("get", &error))
                    .into_iter()
                    .flatten(),
            );
        }
        found
    }

    /// The version a record is at.
    pub async fn version(&self, id: impl Into<RecordId>) -> Option<i64> {
        self.get(id).await.map(|record| record.version().get())
    }

    /// The UUIDs of a page.
    pub async fn page(&self, index: Index, prefix: &Prefix, range: Range, limit: u32) -> Vec<Uuid> {
        self.records(index, prefix, range, limit).await.into_iter().map(|record| record.id().uuid).collect()
    }

    /// The records of a page.
    pub async fn records(&self, index: Index, prefix: &Prefix, range: Range, limit: u32) -> Vec<Record> {
        self.store()
            .page(index, prefix, &range, limit)
            .await
            .unwrap_or_else(|error| unanswered("page", &error))
    }

    /// The numbers of a prefix and a range.
    pub async fn numbers(&self, prefix: &CounterPrefix, range: &CounterRange) -> Vec<(CounterKey, i64)> {
        self.store().counters(prefix, range).await.unwrap_or_else(|error| unanswered("counters", &error))
    }

    /// One number.
    pub async fn number(&self, key: &CounterKey) -> i64 {
        number(&*self.store(), key).await
    }
}

/// One number of a store; 0 where it is not listed.
pub(crate) async fn number<S: Read + ?Sized>(store: &S, key: &CounterKey) -> i64 {
    let prefix = CounterPrefix { tenant: key.tenant.clone(), family: key.family, parts: key.parts.to_vec() };
    let range =
        CounterRange { from: Some(key.bucket), until: key.bucket.checked_add(1), ..CounterRange::first(2) };
    let found = store.counters(&prefix, &range).await.unwrap_or_else(|error| unanswered("counters", &error));
    match found.as_slice() {
        [] => 0,
        [(found, value)] => {
            assert_eq!(found, key, "the number that was asked for");
            *value
        }
        more => panic!("one number was asked for: {more:?}"),
    }
}

/// A read that should have been answered.
#[cold]
#[track_caller]
fn unanswered(read: &str, error: &StoreError) -> ! {
    panic!("{read}: expected an answer, came {}", words::error(error))
}

/// That a call was refused because it breaks a rule.
#[track_caller]
pub(crate) fn assert_invalid<T: fmt::Debug>(answer: Result<T, StoreError>, what: &str) {
    match answer {
        Err(error) if error.kind() == StoreErrorKind::Invalid => {}
        other => panic!("{what}: expected the error Invalid, came {}", words::short(&other)),
    }
}

/// That an answer is what a store says to a changeset that it stored.
#[track_caller]
pub(crate) fn assert_applied(answer: &Result<Outcome, StoreError>) {
    let came = words::answer(answer);
    assert!(matches!(answer, Ok(Outcome::Applied)), "a changeset that fits: expected Applied, came {came}");
}

impl fmt::Debug for Cx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("harness", &self.0.harness.name()).finish_non_exhaustive()
    }
}
