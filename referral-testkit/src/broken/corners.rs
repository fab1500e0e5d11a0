//! Stores that go wrong in the less travelled corners of a read or a patch.

use std::collections::BTreeMap;

use async_trait::async_trait;
use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range,
    Read, Record, RecordId, Store, StoreError, StoreFacts, UniqueKey, Version,
};

use super::Data;
use super::defect::Defect;
use super::store::BrokenStore;

/// The honest store, asked in another way than it should be.
#[derive(Debug)]
pub(super) struct Corner {
    defect: Defect,
    honest: BrokenStore,
}

impl Corner {
    /// The store, if the defect is one of this file.
    pub(super) fn over(defect: Option<Defect>, data: &Data) -> Option<Self> {
        use Defect::{
            InvertedBucketsAll, InvertedRangeAll, NumbersAfterReplacesFrom, PageAfterReplacesRange,
            PatchUnseen, PatchesOfFirstKind, TalliedAfterInside, TalliedLimitIgnored, TalliedPrefixBegins,
            TalliedScanThousand, TalliedUntilInside,
        };
        let defect = defect?;
        let own = matches!(
            defect,
            InvertedBucketsAll
                | InvertedRangeAll
                | NumbersAfterReplacesFrom
                | PageAfterReplacesRange
                | PatchUnseen
                | PatchesOfFirstKind
                | TalliedAfterInside
                | TalliedLimitIgnored
                | TalliedPrefixBegins
                | TalliedScanThousand
                | TalliedUntilInside
        );
        own.then(|| Self { defect, honest: BrokenStore::over(None, data.clone()) })
    }

    /// The members of a batch, each with what a patch before it had found.
    async fn blind_to_patches(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let mut before: BTreeMap<RecordId, Version> = BTreeMap::new();
        let mut answers = Vec::with_capacity(batch.len());
        for changeset in batch {
            let stale = changeset.changes().iter().enumerate().find_map(|(index, change)| {
                let id = touched(change).into_iter().map(|(id, _)| id).find(|id| before.contains_key(id))?;
                let conflict = Conflict::Stale { id, now: before.get(&id).copied() };
                Some(Outcome::Conflict { index, conflict })
            });
            if let Some(stale) = stale {
                answers.push(Ok(stale));
                continue;
            }
            let answer = self.honest.commit(std::slice::from_ref(changeset)).await;
            if matches!(answer.as_slice(), [Ok(Outcome::Applied)]) {
                let patches =
                    changeset.changes().iter().filter(|change| matches!(change, Change::Patch { .. }));
                before.extend(patches.flat_map(touched));
            }
            answers.extend(answer);
        }
        answers
    }
}

/// The records that a change needs at a version.
fn touched(change: &Change) -> Vec<(RecordId, Version)> {
    match change {
        Change::Update { record, was } => vec![(record.id(), *was)],
        Change::Delete { id, was } | Change::Expect { id, was } => vec![(*id, *was)],
        Change::Patch { kind, of, .. } => {
            of.iter().map(|(uuid, was)| (RecordId { kind: *kind, uuid: *uuid }, *was)).collect()
        }
        Change::Insert(_) | Change::Count { .. } | Change::Tally { .. } => Vec::new(),
    }
}

/// The changeset without the patches of other kinds than that of its first patch.
fn of_first_kind(changeset: &Changeset) -> Changeset {
    let mut first = None;
    Changeset::new(
        changeset
            .changes()
            .iter()
            .filter(|change| match change {
                Change::Patch { kind, .. } => *kind == *first.get_or_insert(*kind),
                _ => true,
            })
            .cloned(),
    )
}

#[async_trait]
impl Read for Corner {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        self.honest.get(ids).await
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.honest.find(keys).await
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let mut range = *range;
        let inverted = range.from.zip(range.until).is_some_and(|(from, until)| from >= until);
        match self.defect {
            Defect::InvertedRangeAll if inverted => (range.from, range.until) = (None, None),
            Defect::PageAfterReplacesRange if range.after.is_some() && range.ascending => range.from = None,
            Defect::PageAfterReplacesRange if range.after.is_some() => range.until = None,
            _ => {}
        }
        self.honest.page(index, prefix, &range, limit).await
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        let (mut prefix, mut asked) = (prefix.clone(), range.clone());
        let tallied = !prefix.family.is_counted();
        let inverted = asked.from.zip(asked.until).is_some_and(|(from, until)| from >= until);
        let limit = range.limit as usize;
        let mut begins = None;
        match self.defect {
            Defect::InvertedBucketsAll if inverted => (asked.from, asked.until) = (None, None),
            Defect::NumbersAfterReplacesFrom if asked.after.is_some() => asked.from = None,
            Defect::TalliedLimitIgnored if tallied && limit > 0 => {
                asked.limit = asked.limit.max(1000);
                return self.honest.counters(&prefix, &asked).await;
            }
            Defect::TalliedUntilInside if tallied => {
                asked.until = asked.until.map(|until| until.saturating_add(1));
            }
            Defect::TalliedAfterInside if tallied => {
                let after = asked.after.take();
                asked.limit = asked.limit.max(1000);
                let found = self.honest.counters(&prefix, &asked).await?;
                let behind =
                    found.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key >= after));
                return Ok(behind.take(limit).collect());
            }
            Defect::TalliedScanThousand if tallied => {
                let found = self.honest.counters(&prefix, &CounterRange::first(1000)).await?;
                return Ok(found.into_iter().filter(|(key, _)| range.contains(key)).take(limit).collect());
            }
            Defect::TalliedPrefixBegins if tallied && limit <= 1000 => {
                begins = prefix.parts.pop();
                asked.limit = 1000;
            }
            _ => {}
        }
        let found = self.honest.counters(&prefix, &asked).await?;
        let depth = prefix.parts.len();
        let fits = |key: &CounterKey| {
            begins.as_ref().is_none_or(|begin| {
                key.parts.get(depth).is_some_and(|part| part.as_str().starts_with(begin.as_str()))
            })
        };
        Ok(found.into_iter().filter(|(key, _)| fits(key)).take(limit).collect())
    }
}

#[async_trait]
impl Store for Corner {
    fn facts(&self) -> StoreFacts {
        self.honest.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        match self.defect {
            Defect::PatchUnseen => self.blind_to_patches(batch).await,
            Defect::PatchesOfFirstKind => {
                let batch: Vec<_> = batch.iter().map(of_first_kind).collect();
                self.honest.commit(&batch).await
            }
            _ => self.honest.commit(batch).await,
        }
    }
}
