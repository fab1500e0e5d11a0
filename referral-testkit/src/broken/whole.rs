//! Stores of which one read call shows several moments: a statement for each kind without a common snapshot, a look-up
//! through the keys, a scan beside the writer, a cache that answers a part.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use referral_core::store::{
    Change, Changeset, CounterKey, CounterPrefix, CounterRange, Index, Kind, MAX_PAGE, Outcome, Prefix,
    Range, Read, Record, RecordId, Store, StoreError, StoreFacts, UniqueKey, check_points,
};
use tokio::task::yield_now;

use super::Data;
use super::defect::Defect;
use super::state::How;
use super::store::BrokenStore;
use crate::cx::number;

/// An honest store, and reads around it that are put together from several of its own.
#[derive(Debug)]
pub(super) struct TornReads {
    defect: Defect,
    honest: BrokenStore,
    data: Data,
    /// One writer at a time, where a changeset is written in several steps.
    writer: tokio::sync::Mutex<()>,
    /// What [`Defect::CacheMixed`] has written before.
    cache: Mutex<BTreeMap<RecordId, Record>>,
}

/// The store with this defect, if it is one of this family.
pub(super) fn over(defect: Option<Defect>, data: &Data) -> Option<TornReads> {
    let defect = defect.filter(|defect| {
        matches!(
            defect,
            Defect::GetKindByKind
                | Defect::GetInPieces
                | Defect::FindKindByKind
                | Defect::KeysThenRecords
                | Defect::EntriesThenRecords
                | Defect::PageInTwo
                | Defect::NumbersOneByOne
                | Defect::NumbersInTwo
                | Defect::WrittenBesideReaders
                | Defect::CacheMixed
        )
    })?;
    let honest = BrokenStore::over(None, data.clone());
    let (writer, cache) = (tokio::sync::Mutex::default(), Mutex::default());
    Some(TornReads { defect, honest, data: data.clone(), writer, cache })
}

/// What a statement takes on its way, in which others get their turn.
async fn way() {
    for _ in 0..3 {
        yield_now().await;
    }
}

/// How many points a statement holds that looks up many of them in pieces.
const PIECE: usize = 100;

/// The places of points that are read together.
type Groups = Vec<Vec<usize>>;

fn groups<P, G: Ord>(points: &[P], group: impl Fn(usize, &P) -> G) -> Groups {
    let mut groups: BTreeMap<G, Vec<usize>> = BTreeMap::new();
    for (place, point) in points.iter().enumerate() {
        groups.entry(group(place, point)).or_default().push(place);
    }
    groups.into_values().collect()
}

impl TornReads {
    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn cache(&self) -> MutexGuard<'_, BTreeMap<RecordId, Record>> {
        self.cache.lock().unwrap()
    }

    /// Gets group after group, each by a read of its own.
    async fn get_grouped(&self, ids: &[RecordId], groups: Groups) -> Result<Vec<Option<Record>>, StoreError> {
        let mut found = vec![None; ids.len()];
        for places in groups {
            let wanted: Vec<_> = places.iter().map(|place| ids[*place]).collect();
            for (place, record) in places.into_iter().zip(self.honest.get(&wanted).await?) {
                found[place] = record;
            }
            way().await;
        }
        Ok(found)
    }

    /// Finds group after group, each by a read of its own.
    async fn find_grouped(
        &self,
        keys: &[UniqueKey],
        groups: Groups,
    ) -> Result<Vec<Option<Record>>, StoreError> {
        let mut found = vec![None; keys.len()];
        for places in groups {
            let wanted: Vec<_> = places.iter().map(|place| keys[*place].clone()).collect();
            for (place, record) in places.into_iter().zip(self.honest.find(&wanted).await?) {
                found[place] = record;
            }
            way().await;
        }
        Ok(found)
    }

    /// What the cache knows, and the rest from the store.
    async fn partly_cached(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        let known = self.cache().clone();
        let rest: Vec<_> = ids.iter().filter(|id| !known.contains_key(id)).copied().collect();
        way().await;
        let mut read = self.honest.get(&rest).await?.into_iter();
        let found = |id| known.get(id).cloned().or_else(|| read.next().flatten());
        Ok(ids.iter().map(found).collect())
    }

    /// Puts the records of one kind that were written into the cache, as is done for what is asked for often.
    fn cached(&self, batch: &[Changeset], answers: &[Result<Outcome, StoreError>]) {
        let applied = batch.iter().zip(answers).filter(|(_, answer)| matches!(answer, Ok(Outcome::Applied)));
        for change in applied.flat_map(|(changeset, _)| changeset.changes()) {
            match change {
                Change::Update { record, was } if record.id().kind == Kind::Link => {
                    self.cache().insert(record.id(), record.clone().at_version(was.next()));
                }
                Change::Delete { id, .. } => drop(self.cache().remove(id)),
                Change::Patch { .. } => self.cache().clear(),
                Change::Insert(_)
                | Change::Update { .. }
                | Change::Expect { .. }
                | Change::Count { .. }
                | Change::Tally { .. } => {}
            }
        }
    }

    /// The ids of a page, and then the records that still stand where the page found them.
    async fn entries_then_records(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let entries = self.honest.page(index, prefix, range, limit).await?;
        let mut records = Vec::new();
        for entry in entries {
            way().await;
            let found = self.honest.get(&[entry.id()]).await?.pop().flatten();
            let place = |record: &Record| index.entry(record, &record.values());
            records.extend(found.filter(|found| place(found) == place(&entry)));
        }
        Ok(records)
    }

    /// A page in two statements, each with half of the records.
    async fn page_in_two(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let most = self.honest.page(index, prefix, range, limit).await?.len().div_ceil(2);
        let mut records =
            self.honest.page(index, prefix, range, u32::try_from(most).unwrap_or(MAX_PAGE)).await?;
        let Some(last) = records.last() else { return Ok(records) };
        let Some(entry) = index.entry(last, &last.values()) else { return Ok(records) };
        way().await;
        let rest = Range { after: Some(entry.seek), ..*range };
        let left = limit.saturating_sub(u32::try_from(records.len()).unwrap_or(limit));
        records.extend(self.honest.page(index, prefix, &rest, left).await?);
        Ok(records)
    }

    /// Writes change after change, and others read in between.
    async fn beside_readers(&self, changeset: &Changeset) -> Result<Outcome, StoreError> {
        changeset.check()?;
        let _alone = self.writer.lock().await;
        let would = self.data.lock().unwrap().now.clone().apply(changeset, &How::default());
        if would == Outcome::Applied {
            for change in changeset.changes() {
                let _ = self.data.lock().unwrap().now.change(change, &How::default());
                yield_now().await;
            }
        }
        Ok(would)
    }
}

#[async_trait]
impl Read for TornReads {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        check_points("get", ids.len())?;
        match self.defect {
            Defect::GetKindByKind => self.get_grouped(ids, groups(ids, |_, id| id.kind)).await,
            Defect::GetInPieces => self.get_grouped(ids, groups(ids, |place, _| place / PIECE)).await,
            Defect::CacheMixed => self.partly_cached(ids).await,
            _ => self.honest.get(ids).await,
        }
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        match self.defect {
            Defect::FindKindByKind => self.find_grouped(keys, groups(keys, |_, key| key.unique.kind())).await,
            Defect::KeysThenRecords => {
                let holders = self.honest.find(keys).await?;
                way().await;
                let ids: Vec<_> = holders.iter().flatten().map(Record::id).collect();
                let mut records = self.honest.get(&ids).await?.into_iter();
                Ok(holders.into_iter().map(|holder| holder.and_then(|_| records.next().flatten())).collect())
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
        match self.defect {
            Defect::EntriesThenRecords => self.entries_then_records(index, prefix, range, limit).await,
            Defect::PageInTwo => self.page_in_two(index, prefix, range, limit).await,
            _ => self.honest.page(index, prefix, range, limit).await,
        }
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        let mut numbers = self.honest.counters(prefix, range).await?;
        if self.is(Defect::NumbersOneByOne) {
            for (key, value) in &mut numbers {
                way().await;
                *value = number(&self.honest, key).await;
            }
            numbers.retain(|(_, value)| *value != 0);
        }
        if self.is(Defect::NumbersInTwo) && numbers.len() > 2 {
            let rest = numbers.split_off(numbers.len() / 2);
            way().await;
            let after = numbers.last().map(|(key, _)| key.clone());
            let limit = u32::try_from(rest.len()).unwrap_or(range.limit);
            let rest = CounterRange { after, limit, ..range.clone() };
            numbers.extend(self.honest.counters(prefix, &rest).await?);
        }
        Ok(numbers)
    }
}

#[async_trait]
impl Store for TornReads {
    fn facts(&self) -> StoreFacts {
        self.honest.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        if self.is(Defect::WrittenBesideReaders) {
            let mut answers = Vec::new();
            for changeset in batch {
                answers.push(self.beside_readers(changeset).await);
            }
            return answers;
        }
        let answers = self.honest.commit(batch).await;
        self.cached(batch, &answers);
        answers
    }
}
