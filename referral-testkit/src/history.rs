//! Remembers what was offered to a store, for the audit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use referral_core::Tenant;
use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range,
    Read, Record, RecordId, Store, StoreError, StoreErrorKind, StoreFacts, UniqueKey, bytes,
};

use crate::notes::Notes;
use crate::words;

/// Everything that was ever offered to a store, and what the store answered.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Past>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    pub(crate) records: BTreeMap<RecordId, Life>,
    pub(crate) keys: BTreeSet<UniqueKey>,
    /// Every prefix in which a record could ever have stood, under its bytes.
    pub(crate) places: BTreeMap<Vec<u8>, (Index, Prefix)>,
    pub(crate) numbers: BTreeMap<CounterKey, Sum>,
    /// The records that conflicts said to be there.
    pub(crate) named: BTreeSet<RecordId>,
}

/// What is known about a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    /// How many acknowledged changes wrote it.
    pub(crate) writes: i64,
    pub(crate) deleted: bool,
    /// An answer about the record never arrived.
    pub(crate) uncertain: bool,
    /// The record as it was last offered. A patch is understood through it.
    pub(crate) last: Option<Record>,
}

/// What was acknowledged to have been added to a number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) sum: i128,
    pub(crate) uncertain: bool,
}

impl History {
    pub(crate) fn past(&self) -> Past {
        self.0.lock().unwrap().clone()
    }

    /// The store has forgotten everything, as it said it would.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap() = Past::default();
    }

    fn offered(&self, changeset: &Changeset) {
        let mut past = self.0.lock().unwrap();
        for change in changeset.changes() {
            match change {
                Change::Insert(record) | Change::Update { record, .. } => past.saw(record.clone()),
                Change::Patch { kind, of, set } => {
                    for (uuid, _) in of {
                        let life = past.records.entry(RecordId { kind: *kind, uuid: *uuid }).or_default();
                        if let Some(patched) = life.last.as_ref().and_then(|last| last.patched(set).ok()) {
                            past.saw(patched);
                        }
                    }
                }
                Change::Count { counter, .. } | Change::Tally { counter, .. } => {
                    past.numbers.entry(counter.clone()).or_default();
                }
                Change::Delete { .. } | Change::Expect { .. } => {}
            }
        }
    }

    fn answered(&self, changeset: &Changeset, answer: Option<&Result<Outcome, StoreError>>) {
        let applied = match answer {
            Some(Ok(Outcome::Applied)) => true,
            Some(Ok(Outcome::Conflict { conflict, .. })) => {
                let named = match conflict {
                    Conflict::Taken { holder, .. } => Some(*holder),
                    Conflict::Stale { id, now } => now.map(|_| *id),
                    Conflict::OutOfBounds { .. } => None,
                };
                // A changeset may also meet what it would have written itself.
                let own = |id: &RecordId| {
                    changeset
                        .changes()
                        .iter()
                        .any(|change| matches!(change, Change::Insert(record) if record.id() == *id))
                };
                let stale = matches!(conflict, Conflict::Stale { .. });
                self.0.lock().unwrap().named.extend(named.filter(|id| stale || !own(id)));
                return;
            }
            // Nothing is written by what breaks the rules; of every other error the suite thinks the worst.
            Some(Err(error)) if error.kind() == StoreErrorKind::Invalid => return,
            Some(Err(_)) | None => false,
        };
        let mut past = self.0.lock().unwrap();
        for change in changeset.changes() {
            match change {
                Change::Insert(record) | Change::Update { record, .. } => past.wrote(record.id(), applied),
                Change::Patch { kind, of, .. } => {
                    for (uuid, _) in of {
                        past.wrote(RecordId { kind: *kind, uuid: *uuid }, applied);
                    }
                }
                Change::Delete { id, .. } => {
                    let life = past.records.entry(*id).or_default();
                    life.deleted = true;
                    life.uncertain |= !applied;
                }
                Change::Count { counter, add, .. } | Change::Tally { counter, add } => {
                    let number = past.numbers.entry(counter.clone()).or_default();
                    number.uncertain |= !applied;
                    number.sum += i128::from(*add);
                    // A statistic stays at the end of its range; what it is from then on depends on the order.
                    number.uncertain |= i64::try_from(number.sum).is_err();
                }
                Change::Expect { .. } => {}
            }
        }
    }
}

impl Past {
    /// Every tenant that a record was offered for, and the one without a name.
    pub(crate) fn tenants(&self) -> BTreeSet<Tenant> {
        let offered = self.places.values().map(|(_, prefix)| prefix.tenant.clone());
        offered.chain([Tenant::default()]).collect()
    }

    fn saw(&mut self, record: Record) {
        self.keys.extend(UniqueKey::all_of(&record));
        let values = record.values();
        for index in Index::of(record.id().kind) {
            if let Some(entry) = index.entry(&record, &values) {
                self.places.insert(bytes::prefix(index, &entry.prefix), (index, entry.prefix));
            }
        }
        let id = record.id();
        self.records.entry(id).or_default().last = Some(record);
    }

    fn wrote(&mut self, id: RecordId, applied: bool) {
        let life = self.records.entry(id).or_default();
        life.writes += i64::from(applied);
        life.uncertain |= !applied;
    }
}

/// A store that remembers what was committed through it, and notes each call and its answer.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: Arc<dyn Store>,
    history: Arc<History>,
    notes: Arc<Notes>,
    /// Which handle on the data it is, where there are several.
    handle: usize,
}

impl Watched {
    pub(crate) fn new(
        inner: Arc<dyn Store>,
        history: Arc<History>,
        notes: Arc<Notes>,
        handle: usize,
    ) -> Self {
        Self { inner, history, notes, handle }
    }

    fn called(&self, call: String) -> usize {
        self.notes.called(if self.handle == 1 { call } else { format!("on handle {}: {call}", self.handle) })
    }

    fn came<T>(&self, number: usize, answer: &Result<T, StoreError>, say: impl FnOnce(&T) -> String) {
        self.notes.came(number, answer.as_ref().map_or_else(words::error, say));
    }
}

/// Turns a call that is dropped into answers that never arrived.
struct Call<'a> {
    history: &'a History,
    batch: &'a [Changeset],
    answers: Vec<Result<Outcome, StoreError>>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        for (index, changeset) in self.batch.iter().enumerate() {
            self.history.answered(changeset, self.answers.get(index));
        }
    }
}

fn records(found: &[Record]) -> String {
    words::some(found, |record| words::record(Some(record)))
}

fn points(found: &[Option<Record>]) -> String {
    words::some(found, |record| words::record(record.as_ref()))
}

#[async_trait]
impl Read for Watched {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        let call = self.called(format!("get {}", words::some(ids, RecordId::to_string)));
        let answer = self.inner.get(ids).await;
        self.came(call, &answer, |found| points(found));
        answer
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let call = self.called(format!("find {}", words::some(keys, words::key)));
        let answer = self.inner.find(keys).await;
        self.came(call, &answer, |found| points(found));
        answer
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let parts = words::some(&prefix.parts, words::value);
        let call = self.called(format!("page {index:?} {parts}, {}, at most {limit}", words::short(range)));
        let answer = self.inner.page(index, prefix, range, limit).await;
        self.came(call, &answer, |found| records(found));
        answer
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        let parts = words::some(&prefix.parts, |part| words::short(part));
        let call = self.called(format!("counters {:?} {parts}, {}", prefix.family, words::short(range)));
        let answer = self.inner.counters(prefix, range).await;
        let say = |(key, value): &(CounterKey, i64)| format!("{} is {value}", words::number(key));
        self.came(call, &answer, |found| words::some(found, say));
        answer
    }
}

#[async_trait]
impl Store for Watched {
    fn facts(&self) -> StoreFacts {
        self.inner.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        for changeset in batch {
            self.history.offered(changeset);
        }
        let step = self.called(match batch {
            [one] => format!("commit {}", words::changeset(one)),
            many => format!("commit the batch {}", words::some(many, words::changeset)),
        });
        let mut call = Call { history: &self.history, batch, answers: Vec::new() };
        let answers = self.inner.commit(batch).await;
        self.notes.came(
            step,
            match answers.as_slice() {
                [one] => words::answer(one),
                many => words::some(many, words::answer),
            },
        );
        call.answers.clone_from(&answers);
        answers
    }
}
