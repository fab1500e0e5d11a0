//! Stores that keep the contract while everything is small, and break it where something is large, long or heavy.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use referral_core::store::{
    Change, Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Record,
    RecordId, Store, StoreError, StoreFacts, UniqueKey,
};

use super::defect::Defect;
use super::state::{Data, How};
use super::store::BrokenStore;

/// An honest store with limits that nobody was told about.
#[derive(Debug)]
pub(super) struct SizesStore {
    honest: BrokenStore,
    data: Arc<Mutex<Data>>,
    defect: Defect,
}

/// How many points one statement asks for.
const POINTS: usize = 500;

impl SizesStore {
    /// The store, if the defect belongs to this family.
    pub(super) fn over(defect: Option<Defect>, data: &Arc<Mutex<Data>>) -> Option<Self> {
        let defect = defect.filter(|defect| {
            matches!(
                defect,
                Defect::ChunksOfHundred
                    | Defect::ChunksOfFiveHundred
                    | Defect::PlaceInByte
                    | Defect::PlaceInChunk
                    | Defect::ParametersDropped
                    | Defect::VersionsUnboundBeyond
                    | Defect::DeletesBeyondChunk
                    | Defect::NumbersBeyondDropped
                    | Defect::PatchOneShort
                    | Defect::PatchInPieces
                    | Defect::LongBatchUnanswered
                    | Defect::LongBatchUnwritten
                    | Defect::BatchHalvesSwapped
                    | Defect::HeavyBatchUnwritten
                    | Defect::HeavyBatchTorn
                    | Defect::ScanTwoThousand
                    | Defect::NumbersScanThousand
                    | Defect::PageLimitHalved
                    | Defect::PointsClosedUp
            )
        })?;
        Some(Self { honest: BrokenStore::over(None, data.clone()), data: data.clone(), defect })
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    /// Applies some changes of a changeset that was checked as a whole.
    fn part(&self, changes: &[Change]) -> Outcome {
        self.data().now.apply(&Changeset::new(changes.to_vec()), &How::default())
    }

    /// Applies a changeset in several transactions; the conflict of a later one does not take back the earlier ones.
    fn in_chunks(&self, changes: &[Change], size: usize) -> Outcome {
        for (chunk, some) in changes.chunks(size).enumerate() {
            if let Outcome::Conflict { index, conflict } = self.part(some) {
                return Outcome::Conflict { index: chunk * size + index, conflict };
            }
        }
        Outcome::Applied
    }

    /// Applies a changeset without some of its changes.
    fn without(&self, changes: &[Change], dropped: impl Fn(usize, &Change) -> bool) -> Outcome {
        let kept: Vec<_> = changes.iter().enumerate().filter(|(at, change)| !dropped(*at, change)).collect();
        let some: Vec<_> = kept.iter().map(|(_, change)| (*change).clone()).collect();
        match self.part(&some) {
            Outcome::Conflict { index, conflict } => {
                Outcome::Conflict { index: kept.get(index).map_or(index, |(at, _)| *at), conflict }
            }
            applied => applied,
        }
    }

    fn one(&self, changeset: &Changeset) -> Result<Outcome, StoreError> {
        changeset.check()?;
        let changes = changeset.changes();
        let placed = |outcome: Outcome, place: fn(usize) -> usize| match outcome {
            Outcome::Conflict { index, conflict } => Outcome::Conflict { index: place(index), conflict },
            applied => applied,
        };
        Ok(match self.defect {
            Defect::ChunksOfHundred => self.in_chunks(changes, 100),
            Defect::ChunksOfFiveHundred => self.in_chunks(changes, 500),
            Defect::PlaceInByte => placed(self.part(changes), |index| index % 256),
            Defect::PlaceInChunk => placed(self.part(changes), |index| index % 500),
            Defect::ParametersDropped => {
                self.without(changes, |at, change| at >= 999 && matches!(change, Change::Insert(_)))
            }
            Defect::VersionsUnboundBeyond => {
                self.without(changes, |at, change| at >= 999 && matches!(change, Change::Expect { .. }))
            }
            Defect::DeletesBeyondChunk if changes.len() > 500 => self.deletes_last(changes),
            Defect::NumbersBeyondDropped => {
                let number = |change: &Change| matches!(change, Change::Count { .. } | Change::Tally { .. });
                let before = |at: usize| changes.iter().take(at).filter(|change| number(change)).count();
                self.without(changes, |at, change| number(change) && at >= 1000 && before(at) >= 1000)
            }
            Defect::PatchOneShort | Defect::PatchInPieces => self.patched(changes),
            _ => self.part(changes),
        })
    }

    /// The statements of a large changeset are grouped: what deletes comes last.
    fn deletes_last(&self, changes: &[Change]) -> Outcome {
        let mut order: Vec<_> = changes.iter().enumerate().collect();
        order.sort_by_key(|(_, change)| matches!(change, Change::Delete { .. }));
        let sorted: Vec<_> = order.iter().map(|(_, change)| (*change).clone()).collect();
        match self.part(&sorted) {
            Outcome::Conflict { index, conflict } => {
                Outcome::Conflict { index: order.get(index).map_or(index, |(at, _)| *at), conflict }
            }
            applied => applied,
        }
    }

    /// Patches of many records are written in pieces.
    fn patched(&self, changes: &[Change]) -> Outcome {
        let mut pieces: Vec<(usize, Change)> = Vec::new();
        for (at, change) in changes.iter().enumerate() {
            match change {
                Change::Patch { kind, of, set } if self.is(Defect::PatchInPieces) => {
                    let piece = |of: &[_]| Change::Patch { kind: *kind, of: of.to_vec(), set: set.clone() };
                    pieces.extend(of.chunks(500).map(|of| (at, piece(of))));
                }
                Change::Patch { kind, of, set } => {
                    let of = of.iter().take(999).copied().collect();
                    pieces.push((at, Change::Patch { kind: *kind, of, set: set.clone() }));
                }
                other => pieces.push((at, other.clone())),
            }
        }
        if self.is(Defect::PatchOneShort) {
            return self.part(&pieces.into_iter().map(|(_, piece)| piece).collect::<Vec<_>>());
        }
        for (at, piece) in pieces {
            if let Outcome::Conflict { conflict, .. } = self.part(&[piece]) {
                return Outcome::Conflict { index: at, conflict };
            }
        }
        Outcome::Applied
    }

    fn members(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let mut weight = 0;
        let answer = |(place, changeset): (usize, &Changeset)| {
            let before = weight;
            weight += changeset.weight();
            match self.defect {
                // What was not written is answered like what was.
                Defect::LongBatchUnwritten if place >= 1000 => Ok(Outcome::Applied),
                Defect::HeavyBatchUnwritten if weight > 16 << 20 => Ok(Outcome::Applied),
                // The write is cut where it becomes too heavy, and that is within a changeset.
                Defect::HeavyBatchTorn if before / (6 << 20) < weight / (6 << 20) => changeset
                    .check()
                    .map(|()| self.in_chunks(changeset.changes(), changeset.changes().len() / 2 + 1)),
                _ => self.one(changeset),
            }
        };
        batch.iter().enumerate().map(answer).collect()
    }
}

#[async_trait]
impl Read for SizesStore {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        let found = self.honest.get(ids).await?;
        Ok(self.points(found))
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        let found = self.honest.find(keys).await?;
        Ok(self.points(found))
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        let mut found = self.honest.page(index, prefix, range, limit).await?;
        if self.is(Defect::PageLimitHalved) && limit > 500 {
            // The limit of the statement, and then that of the page.
            found.truncate(500);
        }
        if self.is(Defect::ScanTwoThousand) {
            // No more than two thousand entries are ever looked at.
            let mut scanned = 0;
            let mut from_start = Range { after: None, ..*range };
            while let Some(after) = range.after
                && let page = self.honest.page(index, prefix, &from_start, 1000).await?
                && let Some(last) = page.last().and_then(|last| index.entry(last, &last.values()))
            {
                let past = |seek| if range.ascending { seek > after } else { seek < after };
                if past(last.seek) {
                    break;
                }
                scanned += page.len();
                from_start.after = Some(last.seek);
            }
            found.truncate(2000_usize.saturating_sub(scanned));
        }
        Ok(found)
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        if self.is(Defect::NumbersScanThousand) {
            // The first thousand are scanned, and then those behind `after` are looked for.
            let first = CounterRange { after: None, limit: 1000, ..range.clone() };
            let mut found = self.honest.counters(prefix, &first).await?;
            found.retain(|(key, _)| range.contains(key));
            found.truncate(range.limit as usize);
            return Ok(found);
        }
        self.honest.counters(prefix, range).await
    }
}

impl SizesStore {
    /// Of the points of each statement, those that are missing come last.
    fn points(&self, found: Vec<Option<Record>>) -> Vec<Option<Record>> {
        if !self.is(Defect::PointsClosedUp) || found.len() <= POINTS {
            return found;
        }
        let mut all = Vec::with_capacity(found.len());
        for some in found.chunks(POINTS) {
            let (there, missing): (Vec<_>, Vec<_>) = some.iter().cloned().partition(Option::is_some);
            all.extend(there.into_iter().chain(missing));
        }
        all
    }
}

#[async_trait]
impl Store for SizesStore {
    fn facts(&self) -> StoreFacts {
        self.honest.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        match self.defect {
            Defect::LongBatchUnanswered => self.members(batch.get(..1000).unwrap_or(batch)),
            Defect::BatchHalvesSwapped if batch.len() > self.facts().batch => {
                // The two statements run at once, and the second one is done first.
                let (first, second) = batch.split_at(self.facts().batch);
                let later = self.members(second);
                let mut answers = self.members(first);
                answers.extend(later);
                answers
            }
            _ => self.members(batch),
        }
    }
}
