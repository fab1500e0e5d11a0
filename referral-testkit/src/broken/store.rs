//! The reads and the commit of a broken store, each with the defects that concern it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use referral_core::store::{
    Change, Changeset, CounterKey, CounterPrefix, CounterRange, Index, MAX_PAGE, Outcome, Part, Prefix,
    Range, Read, Record, RecordId, Seek, Store, StoreError, StoreErrorKind, StoreFacts, UniqueKey, Value,
    check_counters, check_keys, check_points,
};
use tokio::task::yield_now;

use super::defect::Defect;
use super::keys::{kept, number, prefix};
use super::merge::merged;
use super::state::{Data, How, State, ghost};

/// A store in memory that keeps every rule of the contract but one.
#[derive(Debug)]
pub struct BrokenStore {
    defect: Option<Defect>,
    data: Arc<Mutex<Data>>,
    writers: AtomicUsize,
    readers: AtomicUsize,
}

/// The connections that [`Defect::ConnectionLeaked`] has.
const CONNECTIONS: usize = 6;

impl BrokenStore {
    pub(super) fn over(defect: Option<Defect>, data: Arc<Mutex<Data>>) -> Self {
        Self { defect, data, writers: AtomicUsize::new(0), readers: AtomicUsize::new(0) }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap()
    }

    fn how(&self) -> How {
        How { defect: self.defect, ..How::default() }
    }

    /// One changeset, in one piece.
    fn apply(&self, changeset: &Changeset) -> Result<Outcome, StoreError> {
        self.apply_as(changeset, &self.how())
    }

    fn apply_as(&self, changeset: &Changeset, how: &How) -> Result<Outcome, StoreError> {
        let mut data = self.data();
        if self.is(Defect::LastForgotten) {
            data.saved = data.now.clone();
        }
        Ok(data.now.apply(changeset, how))
    }

    fn check(&self, changeset: &Changeset) -> Result<(), StoreError> {
        if self.is(Defect::LargeRefused) && changeset.changes().len() > 1000 {
            return Err(StoreError::invalid("commit", "too many changes"));
        }
        if self.is(Defect::EmptyRefused) && changeset.changes().is_empty() {
            return Err(StoreError::invalid("commit", "nothing to do"));
        }
        if self.is(Defect::HeavyRefused) && changeset.weight() > 1 << 20 {
            return Err(StoreError::invalid("commit", "too heavy"));
        }
        if self.is(Defect::RulesUnchecked) { Ok(()) } else { changeset.check() }
    }

    async fn one(&self, changeset: &Changeset) -> Result<Outcome, StoreError> {
        self.check(changeset)?;
        match self.defect {
            Some(
                Defect::LookThenWrite
                | Defect::IdLookThenWrite
                | Defect::VersionLookThenWrite
                | Defect::PatchLookThenWrite
                | Defect::ReadThenCount
                | Defect::ReadThenTally
                | Defect::WriteSkew,
            ) => self.look_then_write(changeset).await,
            Some(Defect::HalfWhenDropped) => self.bit_by_bit(changeset).await,
            Some(Defect::PatchHalfWhenDropped) => self.record_by_record(changeset).await,
            Some(Defect::EarlyAnswer) => {
                let answer = self.data().now.clone().apply(changeset, &self.how());
                let (data, changeset) = (self.data.clone(), changeset.clone());
                tokio::spawn(async move {
                    yield_now().await;
                    data.lock().unwrap().now.apply(&changeset, &How::default());
                });
                Ok(answer)
            }
            Some(Defect::ContendedAtOnce) => {
                if self.writers.fetch_add(1, Ordering::SeqCst) > 0 {
                    self.writers.fetch_sub(1, Ordering::SeqCst);
                    return Err(StoreError::new(StoreErrorKind::Contended, "broken", "commit", "try again"));
                }
                yield_now().await;
                let answer = self.apply(changeset);
                self.writers.fetch_sub(1, Ordering::SeqCst);
                answer
            }
            Some(Defect::ConnectionLeaked) => {
                if self.writers.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS {
                    return Err(StoreError::new(
                        StoreErrorKind::Unavailable,
                        "broken",
                        "commit",
                        "no connection",
                    ));
                }
                yield_now().await;
                let answer = self.apply(changeset);
                self.writers.fetch_sub(1, Ordering::SeqCst);
                answer
            }
            _ => self.apply(changeset),
        }
    }

    /// Looks, lets others in, and writes without looking again.
    async fn look_then_write(&self, changeset: &Changeset) -> Result<Outcome, StoreError> {
        let (looked, seen) = {
            let data = self.data();
            (data.now.clone().apply(changeset, &self.how()), data.now.numbers.clone())
        };
        if looked != Outcome::Applied {
            return Ok(looked);
        }
        // Until somebody else has looked too, if there is anybody.
        self.writers.fetch_add(1, Ordering::SeqCst);
        for _ in 0..1000 {
            if self.writers.load(Ordering::SeqCst) > 1 {
                break;
            }
            yield_now().await;
        }
        for _ in 0..3 {
            yield_now().await;
        }
        self.writers.fetch_sub(1, Ordering::SeqCst);
        let how = How { looked: true, seen, ..self.how() };
        Ok(self.data().now.apply(changeset, &how))
    }

    /// Applies change by change, and lets others in between.
    async fn bit_by_bit(&self, changeset: &Changeset) -> Result<Outcome, StoreError> {
        let looked = self.data().now.clone().apply(changeset, &self.how());
        if looked != Outcome::Applied {
            return Ok(looked);
        }
        for change in changeset.changes() {
            let _ = self.data().now.change(change, &self.how());
            yield_now().await;
        }
        Ok(Outcome::Applied)
    }

    /// Patches record by record, and lets others in between.
    async fn record_by_record(&self, changeset: &Changeset) -> Result<Outcome, StoreError> {
        let Some(Change::Patch { kind, of, set }) = changeset.changes().first() else {
            return self.apply(changeset);
        };
        let looked = self.data().now.clone().apply(changeset, &self.how());
        if looked != Outcome::Applied {
            return Ok(looked);
        }
        for one in of {
            let one = Change::Patch { kind: *kind, of: vec![*one], set: set.clone() };
            let _ = self.data().now.change(&one, &self.how());
            yield_now().await;
        }
        self.apply(&Changeset::new(changeset.changes().iter().skip(1).cloned()))
    }

    /// The members of a batch that are answered together.
    async fn members(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let before = self.data().now.clone();
        let mut answers = Vec::with_capacity(batch.len());
        for changeset in batch {
            let answer = if self.is(Defect::BatchBlind) {
                self.blindly(&before, changeset)
            } else if self.is(Defect::TornBesideApplied) {
                let beside = answers.iter().any(|answer| matches!(answer, Ok(Outcome::Applied)));
                match self.check(changeset) {
                    Ok(()) => self.apply_as(changeset, &How { beside, ..self.how() }),
                    Err(error) => Err(error),
                }
            } else {
                self.one(changeset).await
            };
            let conflict = matches!(answer, Ok(Outcome::Conflict { .. }));
            answers.push(answer);
            if conflict && self.is(Defect::NeighboursRolledBack) {
                self.data().now = before.clone();
            }
            if conflict && self.is(Defect::BatchStops) {
                let last = answers.last().cloned().into_iter().cycle();
                answers.extend(last.take(batch.len() - answers.len()));
                break;
            }
        }
        answers
    }

    /// Takes back all but the first version of what several members updated.
    fn written_once(&self, batch: &[Changeset], answers: &[Result<Outcome, StoreError>]) {
        let mut first = BTreeMap::new();
        let mut data = self.data();
        let applied = batch.iter().zip(answers).filter(|(_, answer)| matches!(answer, Ok(Outcome::Applied)));
        for change in applied.flat_map(|(changeset, _)| changeset.changes()) {
            if let Change::Update { record, was } = change {
                let version = *first.entry(record.id()).or_insert_with(|| was.next());
                if let Some(now) = data.now.records.get_mut(&record.id()) {
                    *now = now.clone().at_version(version);
                }
            }
        }
    }

    /// Decides by what was there before the batch.
    fn blindly(&self, before: &State, changeset: &Changeset) -> Result<Outcome, StoreError> {
        self.check(changeset)?;
        let answer = before.clone().apply(changeset, &self.how());
        if answer == Outcome::Applied {
            let how = How { looked: true, ..self.how() };
            self.data().now.apply(changeset, &how);
        }
        Ok(answer)
    }

    /// Waits for a connection, where they are lost.
    async fn connect(&self, operation: &'static str) -> Result<(), StoreError> {
        if !self.is(Defect::ReadConnectionLeaked) {
            return Ok(());
        }
        if self.readers.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "broken", operation, "no connection"));
        }
        yield_now().await;
        self.readers.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }

    fn points<T>(&self, found: Vec<(T, Option<Record>)>) -> Vec<Option<Record>>
    where
        T: Ord + Clone,
    {
        let mut found = found;
        match self.defect {
            Some(Defect::PointsSorted) => found.sort_by(|a, b| a.0.cmp(&b.0)),
            Some(Defect::PointsOnce) => {
                let mut seen = std::collections::BTreeSet::new();
                found.retain(|(key, _)| seen.insert(key.clone()));
            }
            Some(Defect::MissingSkipped) => found.retain(|(_, record)| record.is_some()),
            _ => {}
        }
        found.into_iter().map(|(_, record)| record).collect()
    }
}

#[async_trait]
impl Read for BrokenStore {
    async fn get(&self, ids: &[RecordId]) -> Result<Vec<Option<Record>>, StoreError> {
        if !self.is(Defect::ReadsUnchecked) {
            check_points("get", ids.len())?;
        }
        if self.is(Defect::NothingRefused) && ids.is_empty() {
            return Err(StoreError::invalid("get", "nothing was asked for"));
        }
        self.connect("get").await?;
        let data = self.data();
        let found = |id: &RecordId| match self.defect {
            Some(Defect::KindIgnored) => data.now.records.values().find(|found| found.id().uuid == id.uuid),
            _ => data.now.records.get(id),
        };
        Ok(self.points(ids.iter().map(|id| (*id, found(id).cloned())).collect()))
    }

    async fn find(&self, keys: &[UniqueKey]) -> Result<Vec<Option<Record>>, StoreError> {
        if !self.is(Defect::ReadsUnchecked) {
            check_points("find", keys.len())?;
        }
        if !self.is(Defect::ReadsUnchecked) && !self.is(Defect::KeysUntyped) {
            check_keys(keys)?;
        }
        self.connect("find").await?;
        let data = self.data();
        let holder = |key| data.now.records.get(data.now.keys.get(&kept(key, self.defect))?).cloned();
        Ok(self.points(keys.iter().map(|key| (key.clone(), holder(key))).collect()))
    }

    async fn page(
        &self,
        index: Index,
        wanted: &Prefix,
        range: &Range,
        limit: u32,
    ) -> Result<Vec<Record>, StoreError> {
        if self.is(Defect::PrefixUntyped) {
            let parts = index.shape().parts.iter().filter(|part| matches!(part, Part::Is(_))).count();
            if parts != wanted.parts.len() || limit > MAX_PAGE {
                return Err(StoreError::invalid("page", "the number of parts"));
            }
        } else if !self.is(Defect::ReadsUnchecked) {
            index.check(wanted, limit)?;
        }
        self.connect("page").await?;
        let data = self.data();
        let start = prefix(index, wanted, self.defect);
        let kind = index.shape().kind;
        let same = |key: &Vec<u8>| {
            // Without the zero byte at its end, a text is the beginning of every text that begins so.
            let open = self.is(Defect::PrefixBegins) && !wanted.parts.is_empty();
            if open {
                return key.starts_with(start.strip_suffix(&[0]).unwrap_or(&start));
            }
            match (self.defect, wanted.parts.last()) {
                (Some(Defect::IdsTrimmed), Some(Value::Uuid(_))) => {
                    let end = start.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                    key.starts_with(start.get(..end).unwrap_or_default())
                }
                (Some(Defect::LastIdEmpty), Some(Value::Uuid(id))) if id.is_max() => false,
                _ => *key == start,
            }
        };
        let mut places: Vec<Seek> = data
            .now
            .entries
            .iter()
            .filter(|(key, _)| same(key))
            .flat_map(|(_, places)| places)
            .copied()
            .collect();
        let order = |seek: &Seek| {
            let at = if self.is(Defect::TimesUnsigned) { seek.at ^ i64::MIN } else { seek.at };
            let id = seek.id.as_u128();
            (at, if self.is(Defect::TiesUnordered) { !id } else { id })
        };
        places.sort_by_key(order);
        let ascending = range.ascending && !self.is(Defect::OnlyNewest);
        if !ascending {
            places.reverse();
        }
        let limit = match self.defect {
            Some(Defect::LimitIgnored) => usize::MAX,
            Some(Defect::LimitHundred) => (limit as usize).min(100),
            _ => limit as usize,
        };
        if self.is(Defect::LimitFirst) {
            places.truncate(limit);
        }
        if self.is(Defect::ScanThousand) {
            places.truncate(1000);
        }
        if self.is(Defect::SeekNeedsRecord) && range.after.is_some_and(|after| !places.contains(&after)) {
            return Ok(Vec::new());
        }
        let record = |seek: Seek| {
            let id = |uuid| RecordId { kind, uuid };
            let found = data.now.records.get(&id(seek.id));
            found.or_else(|| data.now.records.get(&id(ghost(seek.id)))).cloned()
        };
        let inside = places.into_iter().filter(|seek| self.inside(range, *seek));
        Ok(inside.take(limit).filter_map(record).collect())
    }

    async fn counters(
        &self,
        prefix: &CounterPrefix,
        range: &CounterRange,
    ) -> Result<Vec<(CounterKey, i64)>, StoreError> {
        if !self.is(Defect::ReadsUnchecked) {
            check_counters(prefix, range)?;
        }
        self.connect("counters").await?;
        let data = self.data();
        let kept = |key: &CounterKey| number(key, self.defect);
        let part = |wanted: &str, part: &str| {
            if self.is(Defect::PartsPrefixed) { part.starts_with(wanted) } else { part == wanted }
        };
        let mut wanted = kept(&CounterKey {
            tenant: prefix.tenant.clone(),
            family: prefix.family,
            parts: [0, 1].map(|i| prefix.parts.get(i).cloned().unwrap_or_default()),
            bucket: 0,
        });
        if self.is(Defect::FamiliesShared) || self.is(Defect::NumbersOverTenants) {
            wanted.bucket = 0;
        }
        let depth = prefix.parts.len().min(2);
        let inside = |key: &CounterKey| {
            key.tenant == wanted.tenant
                && key.family == wanted.family
                && key.parts.iter().zip(&wanted.parts).take(depth).all(|(a, b)| part(b.as_str(), a.as_str()))
                && range.from.is_none_or(|from| key.bucket >= from)
                && range.until.is_none_or(|until| {
                    key.bucket < until || (key.bucket == until && self.is(Defect::BucketUntilInside))
                })
                && range
                    .after
                    .as_ref()
                    .is_none_or(|after| key > after || (key == after && self.is(Defect::NumbersAfterInside)))
        };
        let mut found: Vec<_> = data
            .now
            .numbers
            .iter()
            .filter(|(key, _)| inside(key))
            .map(|(key, value)| (key.clone(), *value))
            .collect();
        if self.is(Defect::BucketsUnsigned) {
            found.sort_by_key(|(key, _)| (key.parts.clone(), key.bucket ^ i64::MIN));
        }
        if !self.is(Defect::NumbersUnlimited) {
            found.truncate(range.limit as usize);
        }
        Ok(found)
    }
}

impl BrokenStore {
    fn inside(&self, range: &Range, seek: Seek) -> bool {
        let from = range
            .from
            .is_none_or(|from| seek.at > from || (seek.at == from && !self.is(Defect::FromOutside)));
        let until = range
            .until
            .is_none_or(|until| seek.at < until || (seek.at == until && self.is(Defect::UntilInside)));
        let after = range.after.is_none_or(|after| {
            if seek == after && self.is(Defect::SeekInside) {
                return true;
            }
            if self.is(Defect::SeekByTime) {
                return if range.ascending { seek.at > after.at } else { seek.at < after.at };
            }
            let order = |seek: Seek| {
                (seek.at, if self.is(Defect::TiesUnordered) { !seek.id.as_u128() } else { seek.id.as_u128() })
            };
            if range.ascending { order(seek) > order(after) } else { order(seek) < order(after) }
        });
        from && until && after
    }
}

#[async_trait]
impl Store for BrokenStore {
    fn facts(&self) -> StoreFacts {
        let reopened = self.is(Defect::FactsChange) && self.data().opened > 0;
        StoreFacts { name: "broken", durable: true, shared: true, batch: if reopened { 65 } else { 64 } }
    }

    async fn commit(&self, batch: &[Changeset]) -> Vec<Result<Outcome, StoreError>> {
        let batch = if self.is(Defect::BatchCut) { batch.get(..64).unwrap_or(batch) } else { batch };
        if self.is(Defect::InvalidFailsBatch)
            && let Some(error) = batch.iter().find_map(|changeset| changeset.check().err())
        {
            return vec![Err(error); batch.len()];
        }
        let merged = if self.is(Defect::TallyMerged) { merged(batch) } else { None };
        let mut answers = self.members(merged.as_deref().unwrap_or(batch)).await;
        match self.defect {
            Some(Defect::EmptyAnswered) if batch.is_empty() => answers.push(Ok(Outcome::Applied)),
            Some(Defect::BatchWritesOnce) => self.written_once(batch, &answers),
            Some(Defect::AnswersReversed) => answers.reverse(),
            Some(Defect::ConflictsLast) => {
                answers.sort_by_key(|answer| !matches!(answer, Ok(Outcome::Applied)));
            }
            _ => {}
        }
        answers
    }
}
