//! Stores whose readers see what they should not while others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use referral_core::store::{
    Change, Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Record,
    RecordId, Store, StoreError, StoreErrorKind, StoreFacts, UniqueKey, check_points,
};
use tokio::sync::Mutex;
use tokio::task::yield_now;

use super::Data;
use super::defect::Defect;
use super::state::{How, State};
use super::store::BrokenStore;

/// The honest store, read and written in more steps than one.
#[derive(Debug)]
pub(super) struct Stepwise {
    defect: Defect,
    data: Data,
    honest: BrokenStore,
    /// One writer at a time, so that nothing but the readers meets a commit that is half done.
    turn: Mutex<()>,
    writers: AtomicUsize,
    commits: AtomicUsize,
    /// What a replica holds, which follows behind each commit.
    replica: Arc<std::sync::Mutex<State>>,
}

/// Lets others run, long enough for a commit.
async fn pause() {
    for _ in 0..4 {
        yield_now().await;
    }
}

/// How many records or numbers a chunk holds.
const CHUNK: usize = 4;

impl Stepwise {
    /// The store, if the defect is one of this file.
    pub(super) fn over(defect: Option<Defect>, data: &Data) -> Option<Self> {
        use Defect::{
            ChangesShown, EntryReplaced, FindInChunks, GetInChunks, KeyReplaced, KeyThenRecord, NumbersFirst,
            NumbersInChunks, PageByOffset, PageFromReplica, PageInChunks, PageOfDangling, PageThenRecords,
            PatchInChunks, QuietReads, ReadRefused, RecordReplaced, RefusedNumbersShown, RefusedShown,
        };
        let defect = defect?;
        let own = matches!(
            defect,
            ChangesShown
                | EntryReplaced
                | FindInChunks
                | GetInChunks
                | KeyReplaced
                | KeyThenRecord
                | NumbersFirst
                | NumbersInChunks
                | PageByOffset
                | PageFromReplica
                | PageInChunks
                | PageOfDangling
                | PageThenRecords
                | PatchInChunks
                | QuietReads
                | ReadRefused
                | RecordReplaced
                | RefusedNumbersShown
                | RefusedShown
        );
        own.then(|| Self {
            defect,
            data: data.clone(),
            honest: BrokenStore::over(None, data.clone()),
            turn: Mutex::default(),
            writers: AtomicUsize::new(0),
            commits: AtomicUsize::new(0),
            replica: Arc::new(std::sync::Mutex::new(data.lock().unwrap().now.clone())),
        })
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// Waits for a moment at which nobody has written, or refuses to read beside a writer.
    async fn ready(&self, operation: &'static str) -> Result<(), StoreError> {
        if self.is(Defect::ReadRefused) && self.writers.load(Ordering::SeqCst) > 0 {
            return Err(StoreError::new(
                StoreErrorKind::Contended,
                "broken",
                operation,
                "a writer is at work",
            ));
        }
        while self.is(Defect::QuietReads) {
            let before = self.commits.load(Ordering::SeqCst);
            let quiet = || self.commits.load(Ordering::SeqCst) == before;
            // Longer than a commit takes, as a long read does.
            for _ in 0..5000 {
                if !quiet() {
                    break;
                }
                yield_now().await;
            }
            if quiet() {
                break;
            }
        }
        Ok(())
    }

    /// Shows a state that is on its way to another one.
    async fn show(&self, between: impl FnOnce(&mut State)) {
        between(&mut self.data.lock().unwrap().now);
        pause().await;
    }

    /// Applies the changes one after another, and shows the store after each.
    async fn step_by_step(&self, changes: &[Change]) {
        for change in changes {
            self.show(|state| drop(state.change(change, &How::default()))).await;
        }
    }

    async fn one(&self, changeset: &Changeset) -> Result<Outcome, StoreError> {
        changeset.check()?;
        let before = self.data.lock().unwrap().now.clone();
        let answer = before.clone().apply(changeset, &How::default());
        let changes = changeset.changes();
        match (self.defect, &answer) {
            (Defect::ChangesShown, Outcome::Applied) => {
                self.step_by_step(changes).await;
                return Ok(answer);
            }
            (Defect::PatchInChunks, Outcome::Applied) => {
                for change in changes {
                    self.in_chunks(change).await;
                }
                return Ok(answer);
            }
            (Defect::NumbersFirst, Outcome::Applied) => {
                let is_number =
                    |change: &&Change| matches!(change, Change::Count { .. } | Change::Tally { .. });
                let (numbers, rest): (Vec<_>, Vec<_>) = changes.iter().partition(is_number);
                for change in numbers {
                    let _ = self.data.lock().unwrap().now.change(change, &How::default());
                }
                pause().await;
                for change in rest {
                    let _ = self.data.lock().unwrap().now.change(change, &How::default());
                }
                return Ok(answer);
            }
            (Defect::RefusedShown | Defect::RefusedNumbersShown, Outcome::Conflict { index, .. }) => {
                let made = changes.get(..*index).unwrap_or_default();
                let numbers = self.is(Defect::RefusedNumbersShown);
                self.show(|state| {
                    for change in made {
                        let _ = state.change(change, &How::default());
                    }
                    if numbers {
                        let seen = std::mem::take(&mut state.numbers);
                        *state = State { numbers: seen, ..before.clone() };
                    }
                })
                .await;
                self.data.lock().unwrap().now = before;
                return Ok(answer);
            }
            (Defect::EntryReplaced | Defect::KeyReplaced | Defect::RecordReplaced, Outcome::Applied) => {
                self.show(|state| changes.iter().for_each(|change| self.take_out(state, change))).await;
            }
            _ => {}
        }
        if answer == Outcome::Applied {
            // Whatever was taken out a moment ago is there again before it is replaced.
            let mut data = self.data.lock().unwrap();
            data.now = before;
            data.now.apply(changeset, &How::default());
        }
        Ok(answer)
    }

    async fn in_chunks(&self, change: &Change) {
        let Change::Patch { kind, of, set } = change else {
            let _ = self.data.lock().unwrap().now.change(change, &How::default());
            return;
        };
        for of in of.chunks(100) {
            let some = Change::Patch { kind: *kind, of: of.to_vec(), set: set.clone() };
            self.step_by_step(&[some]).await;
        }
    }

    /// Takes out what an update or a patch puts in again.
    fn take_out(&self, state: &mut State, change: &Change) {
        let ids = match change {
            Change::Update { record, .. } => vec![record.id()],
            Change::Patch { kind, of, .. } => {
                of.iter().map(|(uuid, _)| RecordId { kind: *kind, uuid: *uuid }).collect()
            }
            _ => return,
        };
        for id in ids {
            match self.defect {
                Defect::EntryReplaced => {
                    for places in state.entries.values_mut() {
                        places.retain(|seek| seek.id != id.uuid);
                    }
                }
                Defect::KeyReplaced => state.keys.retain(|_, holder| *holder != id),
                _ => drop(state.records.remove(&id)),
            }
        }
    }
}

#[async_trait]
impl Read for Stepwise {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        self.ready("get").await?;
        if !self.is(Defect::GetInChunks) {
            return self.honest.get(ids).await;
        }
        let mut found = Vec::new();
        // The half of them each time, so that small reads are cut as well.
        for ids in ids.chunks(ids.len().div_ceil(2).clamp(1, 100)) {
            found.extend(self.honest.get(ids).await?);
            pause().await;
        }
        Ok(found)
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("find", keys.len())?;
        self.ready("find").await?;
        match self.defect {
            Defect::FindInChunks => {
                let mut found = Vec::new();
                for keys in keys.chunks(keys.len().div_ceil(2).clamp(1, 100)) {
                    found.extend(self.honest.find(keys).await?);
                    pause().await;
                }
                Ok(found)
            }
            Defect::KeyThenRecord => {
                let holders = self.honest.find(keys).await?;
                pause().await;
                let mut found = Vec::new();
                for holder in holders {
                    let Some(holder) = holder else {
                        found.push(None);
                        continue;
                    };
                    found.extend(self.honest.get(&[holder.id()]).await?);
                }
                Ok(found)
            }
            _ => self.honest.find(keys).await,
        }
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        self.ready("page").await?;
        match self.defect {
            Defect::PageThenRecords | Defect::PageOfDangling => {
                let entries = self.honest.page(index, prefix, range, limit).await?;
                pause().await;
                let ids: Vec<_> = entries.iter().map(Record::id).collect();
                let found = self.honest.get(&ids).await?;
                if self.is(Defect::PageThenRecords) {
                    return Ok(found.into_iter().flatten().collect());
                }
                let lost =
                    || StoreError::new(StoreErrorKind::Corrupt, "broken", "page", "an entry of nothing");
                let fits = |record: &Record| {
                    index.entry(record, &record.values()).is_some_and(|entry| entry.prefix == *prefix)
                };
                let records: Result<Vec<Record>, _> =
                    found.into_iter().map(|record| record.ok_or_else(lost)).collect();
                Ok(records?.into_iter().filter(fits).collect())
            }
            Defect::PageInChunks => {
                let (mut range, mut found) = (*range, Vec::new());
                while found.len() < limit as usize {
                    let room = CHUNK.min(limit as usize - found.len());
                    let some = self.honest.page(index, prefix, &range, room as u32).await?;
                    let Some(last) = some.last() else { break };
                    range.after = index.entry(last, &last.values()).map(|entry| entry.seek);
                    found.extend(some);
                    pause().await;
                }
                Ok(found)
            }
            Defect::PageByOffset => {
                let mut found: Vec<Record> = Vec::new();
                while found.len() < limit as usize {
                    let all = self.honest.page(index, prefix, range, limit).await?;
                    let room = CHUNK.min(limit as usize - found.len());
                    let some: Vec<_> = all.into_iter().skip(found.len()).take(room).collect();
                    if some.is_empty() {
                        break;
                    }
                    found.extend(some);
                    pause().await;
                }
                Ok(found)
            }
            Defect::PageFromReplica => {
                let state = self.replica.lock().unwrap().clone();
                let replica = super::state::Data { now: state, ..Default::default() };
                let replica = Arc::new(std::sync::Mutex::new(replica));
                BrokenStore::over(None, replica).page(index, prefix, range, limit).await
            }
            _ => self.honest.page(index, prefix, range, limit).await,
        }
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        self.ready("counters").await?;
        if !self.is(Defect::NumbersInChunks) {
            return self.honest.counters(prefix, range).await;
        }
        let (mut range, mut found) = (range.clone(), Vec::new());
        let mut room = range.limit as usize;
        while room > 0 {
            range.limit = room.min(CHUNK) as u32;
            let some = self.honest.counters(prefix, &range).await?;
            let Some((last, _)) = some.last() else { break };
            range.after = Some(last.clone());
            room -= some.len();
            found.extend(some);
            pause().await;
        }
        Ok(found)
    }
}

#[async_trait]
impl Store for Stepwise {
    fn facts(&self) -> StoreFacts {
        self.honest.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let _turn = self.turn.lock().await;
        self.writers.fetch_add(1, Ordering::SeqCst);
        if self.is(Defect::ReadRefused) {
            pause().await;
        }
        let mut answers = Vec::with_capacity(batch.len());
        for changeset in batch {
            answers.push(self.one(changeset).await);
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        if self.is(Defect::PageFromReplica) {
            pause().await;
            *self.replica.lock().unwrap() = self.data.lock().unwrap().now.clone();
        }
        self.writers.fetch_sub(1, Ordering::SeqCst);
        answers
    }
}
