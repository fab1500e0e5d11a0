//! A store that is right as long as nobody else is there: what it looked at is not locked, or not remembered rightly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, Outcome, Read, Record, RecordId, Store, StoreError, StoreFacts,
    UniqueKey, Version,
};
use tokio::task::yield_now;

use super::defect::Defect;
use super::state::{Data, How, State};
use super::store::BrokenStore;
use crate::serial::Mentioned;

/// A store of this family, where the defect is one of them.
pub(super) fn over(defect: Option<Defect>, data: &Arc<Mutex<Data>>) -> Option<ConcurrentStore> {
    let defect = defect.filter(|defect| FAMILY.contains(defect))?;
    let honest = BrokenStore::over(None, data.clone());
    Some(ConcurrentStore { defect, data: data.clone(), honest, handle: Arc::default() })
}

const FAMILY: [Defect; 25] = [
    Defect::UpdateKeyLooked,
    Defect::FoldedLooked,
    Defect::DeleteLooked,
    Defect::UpdateRevives,
    Defect::PatchRevives,
    Defect::PatchWritesBack,
    Defect::ExpectUnlocked,
    Defect::ExpectMissesDeletes,
    Defect::BatchBoundsLooked,
    Defect::BatchTallyWritesBack,
    Defect::BatchInTwo,
    Defect::ChangesTakenBack,
    Defect::KeyReleasedEarly,
    Defect::RecordsOfHandle,
    Defect::HoldersOfHandle,
    Defect::NumbersOfHandle,
    Defect::VersionsOfHandle,
    Defect::VersionCached,
    Defect::GetOneByOne,
    Defect::TallyBehind,
    Defect::AnswerShared,
    Defect::BatchDeletesFirst,
    Defect::ReleasedTooLate,
    Defect::LockOfHandle,
    Defect::LockOfRecords,
];

pub(super) type Answer = Result<Outcome, StoreError>;

/// It keeps the contract for one caller at a time.
#[derive(Debug)]
pub(super) struct ConcurrentStore {
    pub(super) defect: Defect,
    data: Arc<Mutex<Data>>,
    honest: BrokenStore,
    handle: Arc<Handle>,
}

/// What one handle has for itself.
#[derive(Debug, Default)]
struct Handle {
    writing: tokio::sync::Mutex<()>,
    locked: Mutex<BTreeSet<RecordId>>,
    cache: Mutex<Cache>,
    /// The calls that are under way, by the first record that they write, and their answer when it is there.
    flights: Mutex<BTreeMap<RecordId, (usize, Option<Answer>)>>,
}

#[derive(Debug, Default)]
struct Cache {
    records: BTreeMap<RecordId, Option<Record>>,
    versions: BTreeMap<(RecordId, Version), Record>,
    holders: BTreeMap<UniqueKey, Option<Record>>,
    numbers: BTreeMap<CounterKey, i64>,
}

/// Lets others in, as a store does that waits for its database.
pub(super) async fn wait() {
    for _ in 0..6 {
        yield_now().await;
    }
}

fn mentioned(batch: &[Changeset]) -> Mentioned {
    let mut mentioned = Mentioned::default();
    batch.iter().for_each(|changeset| mentioned.add(changeset.changes()));
    mentioned
}

impl ConcurrentStore {
    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    pub(super) fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.handle.cache.lock().unwrap()
    }

    fn apply(&self, changeset: &Changeset) -> Answer {
        changeset.check()?;
        Ok(self.data().now.apply(changeset, &How::default()))
    }

    fn each(&self, batch: &[Changeset]) -> Vec<Answer> {
        batch.iter().map(|changeset| self.apply(changeset)).collect()
    }

    /// What would be answered now, and the state that would come of it.
    pub(super) fn decided(&self, batch: &[Changeset]) -> (Vec<Answer>, State) {
        let mut state = self.data().now.clone();
        let decide = |changeset: &Changeset| {
            changeset.check()?;
            Ok(state.apply(changeset, &How::default()))
        };
        let answers = batch.iter().map(decide).collect();
        (answers, state)
    }

    /// Writes the rows of a batch as they were decided, whatever there is by now.
    fn install(&self, batch: &[Changeset], after: &State) {
        let mentioned = mentioned(batch);
        let state = &mut self.data().now;
        for id in mentioned.ids {
            state.put(id, after.records.get(&id).cloned(), &How::default());
        }
        for key in mentioned.numbers {
            let value = after.numbers.get(&key).copied().unwrap_or(0);
            state.set(key, value, &How::default());
        }
    }

    /// Writes change by change, and takes back what was written when one fails.
    async fn bit_by_bit(&self, changeset: &Changeset) -> Answer {
        changeset.check()?;
        let mut undo: Vec<(Mentioned, State)> = Vec::new();
        for (index, change) in changeset.changes().iter().enumerate() {
            let before = self.data().now.clone();
            let done = self.data().now.change(change, &How::default());
            if let Err(conflict) = done {
                while let Some((mentioned, before)) = undo.pop() {
                    let state = &mut self.data().now;
                    for id in mentioned.ids {
                        state.put(id, before.records.get(&id).cloned(), &How::default());
                    }
                    for key in mentioned.numbers {
                        let value = before.numbers.get(&key).copied().unwrap_or(0);
                        state.set(key, value, &How::default());
                    }
                }
                return Ok(Outcome::Conflict { index, conflict });
            }
            undo.push((mentioned(&[Changeset::new([change.clone()])]), before));
            wait().await;
        }
        Ok(Outcome::Applied)
    }

    /// Releases the keys of what is written in a transaction of its own, and takes them again where that fails.
    async fn released_first(&self, changeset: &Changeset) -> Answer {
        changeset.check()?;
        let mut released = BTreeMap::new();
        for change in changeset.changes() {
            if matches!(change, Change::Update { .. } | Change::Delete { .. }) {
                let ids = mentioned(&[Changeset::new([change.clone()])]).ids;
                let keys = &mut self.data().now.keys;
                let held = |(_, holder): &(&UniqueKey, &RecordId)| ids.contains(*holder);
                released.extend(keys.iter().filter(held).map(|(key, holder)| (key.clone(), *holder)));
                keys.retain(|_, holder| !ids.contains(holder));
            }
        }
        wait().await;
        let answer = self.apply(changeset);
        if !matches!(answer, Ok(Outcome::Applied)) {
            self.data().now.keys.append(&mut released);
        }
        answer
    }

    /// Refuses at once what this handle thinks it knows, and remembers what it is told.
    fn remembered(&self, batch: &[Changeset]) -> Vec<Answer> {
        let one = |changeset: &Changeset| {
            for (index, change) in changeset.changes().iter().enumerate() {
                if let Some(conflict) = self.refused(change) {
                    return Ok(Outcome::Conflict { index, conflict });
                }
            }
            let answer = self.apply(changeset);
            let seen = mentioned(std::slice::from_ref(changeset));
            let (data, mut cache) = (self.data(), self.cache());
            for id in seen.ids {
                cache.records.insert(id, data.now.records.get(&id).cloned());
            }
            for key in seen.numbers {
                let value = data.now.numbers.get(&key).copied().unwrap_or(0);
                cache.numbers.insert(key, value);
            }
            answer
        };
        batch.iter().map(one).collect()
    }

    fn refused(&self, change: &Change) -> Option<Conflict> {
        let cache = self.cache();
        match change {
            Change::Count { counter, add, within } if self.is(Defect::NumbersOfHandle) => {
                let value = *cache.numbers.get(counter)?;
                let inside =
                    value.checked_add(*add).is_some_and(|sum| within.min <= sum && sum <= within.max);
                (!inside).then(|| Conflict::OutOfBounds { counter: counter.clone(), value })
            }
            Change::Update { record, was } if self.is(Defect::VersionsOfHandle) => {
                let now = cache.records.get(&record.id())?.as_ref().map(Record::version);
                (now != Some(*was)).then(|| Conflict::Stale { id: record.id(), now })
            }
            _ => None,
        }
    }

    /// Forgets what this handle itself has written.
    fn forget(&self, batch: &[Changeset]) {
        let (seen, mut cache) = (mentioned(batch), self.cache());
        for id in &seen.ids {
            cache.records.remove(id);
        }
        let own =
            |record: &Option<Record>| record.as_ref().is_some_and(|record| seen.ids.contains(&record.id()));
        cache.holders.retain(|key, holder| !seen.keys.contains(key) && !own(holder));
    }

    /// Whoever writes the same record as a call that is under way gets the answer of that call.
    async fn shared(&self, changeset: &Changeset) -> Answer {
        changeset.check()?;
        let Some(id) = mentioned(std::slice::from_ref(changeset)).ids.first().copied() else {
            return self.apply(changeset);
        };
        let flights = || self.handle.flights.lock().unwrap();
        let first = {
            let mut flights = flights();
            let flight = flights.entry(id).or_default();
            flight.0 += 1;
            flight.0 == 1
        };
        if first {
            wait().await;
            let answer = self.apply(changeset);
            flights().entry(id).or_default().1 = Some(answer);
        }
        let answer = loop {
            if let Some(answer) = flights().get(&id).and_then(|flight| flight.1.clone()) {
                break answer;
            }
            yield_now().await;
        };
        let mut flights = flights();
        let flight = flights.entry(id).or_default();
        flight.0 -= 1;
        if flight.0 == 0 {
            flights.remove(&id);
        }
        answer
    }

    /// Refuses a key that is released in the same changeset.
    fn too_late(&self, changeset: &Changeset) -> Answer {
        changeset.check()?;
        for (index, change) in changeset.changes().iter().enumerate() {
            let (Change::Insert(record) | Change::Update { record, .. }) = change else { continue };
            for key in UniqueKey::all_of(record) {
                let holder = self.data().now.keys.get(&key).copied();
                let released = |id: RecordId| mentioned(std::slice::from_ref(changeset)).ids.contains(&id);
                if let Some(holder) = holder.filter(|holder| *holder != record.id() && released(*holder)) {
                    return Ok(Outcome::Conflict { index, conflict: Conflict::Taken { key, holder } });
                }
            }
        }
        self.apply(changeset)
    }

    /// A batch whose deletes are done first.
    fn deletes_first(&self, batch: &[Changeset]) -> Vec<Answer> {
        let deletes = |changeset: &Changeset| matches!(changeset.changes(), [Change::Delete { .. }]);
        let mut order: Vec<usize> = (0..batch.len()).collect();
        order.sort_by_key(|at| !batch.get(*at).is_some_and(deletes));
        let mut answers: BTreeMap<usize, Answer> = BTreeMap::new();
        for at in order {
            answers.extend(batch.get(at).map(|changeset| (at, self.apply(changeset))));
        }
        answers.into_values().collect()
    }

    /// Writes what was decided under a lock that does not cover everything.
    async fn under(&self, batch: &[Changeset]) -> Vec<Answer> {
        let (answers, after) = self.decided(batch);
        wait().await;
        self.install(batch, &after);
        answers
    }

    async fn records_locked(&self, batch: &[Changeset]) -> Vec<Answer> {
        let ids = mentioned(batch).ids;
        let locked = || self.handle.locked.lock().unwrap();
        let lock = || {
            let mut locked = locked();
            let free = ids.is_disjoint(&locked);
            if free {
                locked.extend(ids.iter().copied());
            }
            free
        };
        while !lock() {
            yield_now().await;
        }
        let answers = self.under(batch).await;
        locked().retain(|id| !ids.contains(id));
        answers
    }

    /// Applies the batch, and brings the statistics to what they would have come to when it began.
    async fn tallies_written_back(&self, batch: &[Changeset]) -> Vec<Answer> {
        let after = self.decided(batch).1;
        wait().await;
        let answers = self.each(batch);
        let tallied = mentioned(batch).numbers.into_iter().filter(|key| !key.family.is_counted());
        for key in tallied {
            let value = after.numbers.get(&key).copied().unwrap_or(0);
            self.data().now.set(key, value, &How::default());
        }
        answers
    }

    /// Decides the whole batch, and writes it in two transactions.
    async fn in_two(&self, batch: &[Changeset]) -> Vec<Answer> {
        let answers = self.decided(batch).0;
        let (first, second) = batch.split_at(batch.len() / 2);
        self.each(first);
        wait().await;
        self.each(second);
        answers
    }

    /// Answers before the statistics are written.
    fn tallies_behind(&self, changeset: &Changeset) -> Answer {
        changeset.check()?;
        let is_tally = |change: &&Change| matches!(change, Change::Tally { .. });
        let now = Changeset::new(changeset.changes().iter().filter(|change| !is_tally(change)).cloned());
        let answer = self.apply(&now);
        if matches!(answer, Ok(Outcome::Applied)) {
            let later: Vec<Change> = changeset.changes().iter().filter(is_tally).cloned().collect();
            let data = self.data.clone();
            tokio::spawn(async move {
                wait().await;
                for change in later {
                    let _ = data.lock().unwrap().now.change(&change, &How::default());
                }
            });
        }
        answer
    }
}

#[async_trait]
impl Read for ConcurrentStore {
    referral_core::forward_reads!(honest: page, counters);

    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        if self.is(Defect::GetOneByOne) {
            let mut found = Vec::new();
            for id in ids {
                found.extend(self.honest.get(&[*id]).await?);
                wait().await;
            }
            return Ok(found);
        }
        let found = self.honest.get(ids).await?;
        let mut cache = self.cache();
        let known = ids.iter().zip(found).map(|(id, found)| match self.defect {
            Defect::RecordsOfHandle => cache.records.entry(*id).or_insert(found).clone(),
            Defect::VersionCached => {
                found.map(|found| cache.versions.entry((*id, found.version())).or_insert(found).clone())
            }
            _ => found,
        });
        Ok(known.collect())
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let found = self.honest.find(keys).await?;
        if !self.is(Defect::HoldersOfHandle) {
            return Ok(found);
        }
        let mut cache = self.cache();
        let known = keys
            .iter()
            .zip(found)
            .map(|(key, found)| cache.holders.entry(key.clone()).or_insert(found).clone());
        Ok(known.collect())
    }
}

#[async_trait]
impl Store for ConcurrentStore {
    fn facts(&self) -> StoreFacts {
        self.honest.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Answer> {
        yield_now().await;
        let several = batch.len() > 1;
        match self.defect {
            Defect::BatchInTwo if several => return self.in_two(batch).await,
            Defect::BatchTallyWritesBack if several => return self.tallies_written_back(batch).await,
            Defect::BatchDeletesFirst => return self.deletes_first(batch),
            Defect::NumbersOfHandle | Defect::VersionsOfHandle => return self.remembered(batch),
            Defect::RecordsOfHandle | Defect::HoldersOfHandle => {
                let answers = self.each(batch);
                self.forget(batch);
                return answers;
            }
            Defect::LockOfHandle => {
                let _writing = self.handle.writing.lock().await;
                return self.under(batch).await;
            }
            Defect::LockOfRecords => return self.records_locked(batch).await,
            Defect::ChangesTakenBack
            | Defect::KeyReleasedEarly
            | Defect::AnswerShared
            | Defect::ReleasedTooLate
            | Defect::TallyBehind => {}
            Defect::BatchInTwo
            | Defect::BatchTallyWritesBack
            | Defect::VersionCached
            | Defect::GetOneByOne => return self.each(batch),
            _ => return self.looked(batch).await,
        }
        let mut answers = Vec::new();
        for changeset in batch {
            answers.push(match self.defect {
                Defect::ChangesTakenBack => self.bit_by_bit(changeset).await,
                Defect::KeyReleasedEarly => self.released_first(changeset).await,
                Defect::AnswerShared => self.shared(changeset).await,
                Defect::ReleasedTooLate => self.too_late(changeset),
                _ => self.tallies_behind(changeset),
            });
        }
        answers
    }
}
