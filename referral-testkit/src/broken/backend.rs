//! A store whose backend can be broken, with the defects of what it then says.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use referral_core::store::{
    Change, Changeset, CounterKey, CounterPrefix, CounterRange, Index, Outcome, Prefix, Range, Read, Record,
    RecordId, Store, StoreError, StoreErrorKind, StoreFacts, UniqueKey,
};

use super::Data;
use super::defect::Defect;
use super::state::How;
use super::store::BrokenStore;
use crate::breakage::Breakage;

type Answer = Result<Outcome, StoreError>;

/// The connections that [`Defect::FailureLeaksConnection`] has.
const CONNECTIONS: usize = 8;

/// Whether the backend of a store with this defect can be broken. The other defects need none that is.
pub(super) fn breaks(defect: Option<Defect>) -> bool {
    defect.is_none_or(|defect| defect >= Defect::ConflictsKept)
}

/// An honest store, over a backend that can be broken.
#[derive(Debug)]
pub(super) struct Breaking {
    honest: BrokenStore,
    defect: Option<Defect>,
    data: Data,
    failed: AtomicBool,
    leaked: AtomicUsize,
}

impl Breaking {
    pub(super) fn over(honest: BrokenStore, defect: Option<Defect>, data: Data) -> Self {
        Self { honest, defect, data, failed: AtomicBool::new(false), leaked: AtomicUsize::new(0) }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn broken(&self) -> Option<Breakage> {
        self.data.lock().unwrap().broken
    }

    /// The error of a call, which leaves the handle as it was, unless the defect says otherwise.
    fn error(&self, kind: StoreErrorKind) -> StoreError {
        self.failed.store(true, Ordering::SeqCst);
        self.leaked.fetch_add(1, Ordering::SeqCst);
        StoreError::new(kind, "broken", "call", "the backend is broken")
    }

    /// A connection for a call, where any is left.
    fn connect(&self) -> Result<(), StoreError> {
        let dead = self.is(Defect::BrokenForEver) && self.failed.load(Ordering::SeqCst);
        let used_up =
            self.is(Defect::FailureLeaksConnection) && self.leaked.load(Ordering::SeqCst) >= CONNECTIONS;
        if dead || used_up { Err(self.error(StoreErrorKind::Unavailable)) } else { Ok(()) }
    }

    /// What a read says that the backend fails, `None` where it does not fail it.
    fn failed_read(&self) -> Result<(), StoreError> {
        self.connect()?;
        let kind = match self.broken() {
            Some(Breakage::Unreachable) if self.is(Defect::UnreachableOther) => StoreErrorKind::Other,
            Some(Breakage::Reads | Breakage::Unreachable) => StoreErrorKind::Unavailable,
            _ => return Ok(()),
        };
        Err(self.error(kind))
    }

    /// What is answered instead of a read that fails.
    fn instead<T>(&self, error: StoreError, empty: T) -> Result<T, StoreError> {
        if self.is(Defect::FailedReadEmpty) { Ok(empty) } else { Err(error) }
    }

    fn corrupt(&self) -> StoreError {
        let unavailable = self.is(Defect::DamageUnavailable);
        self.error(if unavailable { StoreErrorKind::Unavailable } else { StoreErrorKind::Corrupt })
    }

    /// Records as they come out of a backend that may have damaged them.
    fn points(&self, found: Vec<Option<Record>>) -> Result<Vec<Option<Record>>, StoreError> {
        if self.broken() != Some(Breakage::DamagedRecords) || found.iter().all(Option::is_none) {
            return Ok(found);
        }
        if self.is(Defect::DamageSkipped) { Ok(vec![None; found.len()]) } else { Err(self.corrupt()) }
    }

    /// Whether the changeset would be applied, by what is there now.
    fn decided(&self, changeset: &Changeset) -> Outcome {
        self.data.lock().unwrap().now.clone().apply(changeset, &How::default())
    }

    /// Whether a changeset has to read what is damaged.
    fn meets_damage(&self, changeset: &Changeset) -> bool {
        let data = self.data.lock().unwrap();
        let record = |record: &Record| {
            data.now.records.contains_key(&record.id())
                || UniqueKey::all_of(record).iter().any(|key| data.now.keys.contains_key(key))
        };
        changeset.changes().iter().any(|change| match (data.broken, change) {
            (Some(Breakage::DamagedRecords), Change::Insert(new) | Change::Update { record: new, .. }) => {
                record(new)
            }
            (Some(Breakage::DamagedNumbers), Change::Count { counter, .. }) => {
                data.now.numbers.contains_key(counter)
            }
            _ => false,
        })
    }

    /// Writes a batch on a backend that is broken like this.
    async fn commit_broken(&self, breakage: Breakage, batch: &[Changeset]) -> Vec<Answer> {
        let kind = match breakage {
            Breakage::Commit => match self.defect {
                Some(Defect::FailedCommitRefused) => {
                    // Half-way, it was written.
                    drop(self.honest.commit(batch).await);
                    StoreErrorKind::Unavailable
                }
                Some(Defect::FailedCommitContended) => StoreErrorKind::Contended,
                _ => StoreErrorKind::UnknownOutcome,
            },
            Breakage::CommitAnswer => {
                let done = self.honest.commit(batch).await;
                match self.defect {
                    Some(Defect::LostAnswerRefused) => StoreErrorKind::Unavailable,
                    Some(Defect::LostAnswerTriedAgain) => return self.honest.commit(batch).await,
                    _ if done.iter().any(|answer| matches!(answer, Ok(Outcome::Applied))) => {
                        StoreErrorKind::UnknownOutcome
                    }
                    _ => return done,
                }
            }
            Breakage::Full => match self.defect {
                Some(Defect::FullContended) => StoreErrorKind::Contended,
                Some(Defect::FullOther) => StoreErrorKind::Other,
                _ => StoreErrorKind::Full,
            },
            Breakage::Unreachable => match self.defect {
                Some(Defect::UnreachableOther) => StoreErrorKind::Other,
                Some(Defect::UnreachableUnknown) => StoreErrorKind::UnknownOutcome,
                _ => StoreErrorKind::Unavailable,
            },
            Breakage::Reads => StoreErrorKind::Unavailable,
            Breakage::Writes => StoreErrorKind::Other,
            Breakage::DamagedRecords | Breakage::DamagedNumbers => return self.on_damage(batch).await,
        };
        let mut would = self.data.lock().unwrap().now.clone();
        let mut answers = Vec::with_capacity(batch.len());
        for changeset in batch {
            answers.push(match changeset.check() {
                Err(_) if self.is(Defect::InvalidFailsToo) => Err(self.error(kind)),
                Err(invalid) => Err(invalid),
                Ok(()) => match would.apply(changeset, &How::default()) {
                    conflict @ Outcome::Conflict { .. } if self.is(Defect::ConflictsKept) => Ok(conflict),
                    _ => self.failed_write(breakage, kind, changeset),
                },
            });
        }
        answers
    }

    /// One changeset whose write fails.
    fn failed_write(&self, breakage: Breakage, kind: StoreErrorKind, changeset: &Changeset) -> Answer {
        let writes = breakage == Breakage::Writes;
        if writes && self.is(Defect::FailedWriteApplied) {
            return Ok(Outcome::Applied);
        }
        if writes && self.is(Defect::FailedWriteTorn) && self.decided(changeset) == Outcome::Applied {
            let mut data = self.data.lock().unwrap();
            for change in changeset.changes().iter().take(1) {
                let _ = data.now.change(change, &How::default());
            }
        }
        Err(self.error(kind))
    }

    async fn on_damage(&self, batch: &[Changeset]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(batch.len());
        for changeset in batch {
            let blind = self.is(Defect::DamageSkipped) || self.is(Defect::DamagedNumberZero);
            if !self.meets_damage(changeset) {
                answers.extend(self.honest.commit(std::slice::from_ref(changeset)).await);
            } else if blind && self.broken() == Some(Breakage::DamagedNumbers) {
                let mut now = self.data.lock().unwrap().now.clone();
                now.numbers.clear();
                answers.push(Ok(now.apply(changeset, &How::default())));
            } else {
                answers.push(Err(self.corrupt()));
            }
        }
        answers
    }
}

#[async_trait]
impl Read for Breaking {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        match self.failed_read() {
            Ok(()) => self.points(self.honest.get(ids).await?),
            Err(error) => self.instead(error, vec![None; ids.len()]),
        }
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        match self.failed_read() {
            Ok(()) => self.points(self.honest.find(keys).await?),
            Err(error) => self.instead(error, vec![None; keys.len()]),
        }
    }

    async fn page(
        &self,
        index: Index,
        prefix: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        if let Err(error) = self.failed_read() {
            return self.instead(error, Vec::new());
        }
        let found = self.honest.page(index, prefix, range, limit).await?;
        let found = self.points(found.into_iter().map(Some).collect())?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        if let Err(error) = self.failed_read() {
            return self.instead(error, Vec::new());
        }
        let found = self.honest.counters(prefix, range).await?;
        if self.broken() != Some(Breakage::DamagedNumbers) || found.is_empty() {
            return Ok(found);
        }
        match self.defect {
            Some(Defect::DamageSkipped) => Ok(Vec::new()),
            Some(Defect::DamagedNumberZero) => Ok(found.into_iter().map(|(key, _)| (key, 0)).collect()),
            _ => Err(self.corrupt()),
        }
    }
}

#[async_trait]
impl Store for Breaking {
    fn facts(&self) -> StoreFacts {
        self.honest.facts()
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Answer> {
        if let Err(error) = self.connect() {
            return batch.iter().map(|changeset| changeset.check().and(Err(error.clone()))).collect();
        }
        match self.broken() {
            Some(breakage) => self.commit_broken(breakage, batch).await,
            None => self.honest.commit(batch).await,
        }
    }
}
