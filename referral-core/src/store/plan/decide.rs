//! The seven changes, applied to what a store holds.

use crate::catalogue::{Record, RecordId};
use crate::store::change::{Change, Changeset, Conflict, Outcome};
use crate::store::counter::CounterKey;
use crate::store::error::StoreError;
use crate::store::plan::answer::Answer;
use crate::store::plan::look::Look;
use crate::store::plan::slots::{Slots, Transition};
use crate::store::unique::UniqueKey;
use crate::value::Version;

/// What a batch comes to. The answers are true only if everything else in the plan is written as a whole.
#[derive(Debug)]
pub struct Plan {
    /// One answer for each changeset, in their order.
    pub answers: Vec<Answer>,
    /// The records that applied changesets rest on, sorted by id.
    pub records: Vec<Transition<RecordId, Record>>,
    /// The unique keys that applied changesets take or release, sorted, with the records that hold them.
    pub holders: Vec<Transition<UniqueKey, RecordId>>,
    /// The numbers that applied changesets count or tally, sorted. A number that becomes 0 becomes absent.
    pub numbers: Vec<Transition<CounterKey, i64>>,
}

impl Plan {
    /// Whether any changeset is applied. If none is, there is nothing to write.
    #[must_use]
    pub fn applies(&self) -> bool {
        self.answers.iter().any(|answer| matches!(answer, Ok(Outcome::Applied)))
    }
}

/// Decides a batch, as if one changeset after another were applied to what `look` finds. It writes nothing.
///
/// A changeset that breaks a rule is answered with the error of [`Changeset::check`]. A changeset for which a look fails is
/// answered with the error of the look. Neither these nor conflicts touch another changeset.
#[must_use]
pub fn decide(batch: &[Changeset], look: &impl Look) -> Plan {
    let mut draft =
        Draft { look, records: Slots::default(), holders: Slots::default(), numbers: Slots::default() };
    let answers = batch.iter().map(|changeset| draft.apply(changeset)).collect();
    let Draft { records, holders, numbers, .. } = draft;
    Plan {
        answers,
        records: records.transitions(),
        holders: holders.transitions(),
        numbers: numbers.transitions(),
    }
}

struct Draft<'a, L> {
    look: &'a L,
    records: Slots<RecordId, Record>,
    holders: Slots<UniqueKey, RecordId>,
    numbers: Slots<CounterKey, i64>,
}

/// Why a change cannot be applied.
enum Refusal {
    Conflict(Conflict),
    Error(StoreError),
}

impl From<Conflict> for Refusal {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

impl<L: Look> Draft<'_, L> {
    fn apply(&mut self, changeset: &Changeset) -> Answer {
        changeset.check()?;
        let mut answer = Ok(Outcome::Applied);
        for (index, change) in changeset.changes().iter().enumerate() {
            match self.step(change) {
                Ok(()) => continue,
                Err(Refusal::Conflict(conflict)) => answer = Ok(Outcome::Conflict { index, conflict }),
                Err(Refusal::Error(error)) => answer = Err(error),
            }
            break;
        }
        let applied = matches!(answer, Ok(Outcome::Applied));
        self.records.end(applied);
        self.holders.end(applied);
        self.numbers.end(applied);
        answer
    }

    fn step(&mut self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Insert(record) => {
                let id = record.id();
                if let Some(found) = self.record(id)? {
                    return Err(Conflict::Stale { id, now: Some(found.version()) }.into());
                }
                self.take(id, &[], &UniqueKey::all_of(record))?;
                self.records.set(&id, Some(record.clone().at_version(Version::FIRST)));
            }
            Change::Update { record, was } => {
                let id = record.id();
                let old = self.expect(id, *was)?;
                // Under the tenant of the record that is there: an update does not change it.
                let new = record.clone().replacing(old).at_version(was.next());
                let held = UniqueKey::all_of(old);
                self.take(id, &held, &UniqueKey::all_of(&new))?;
                self.records.set(&id, Some(new));
            }
            Change::Delete { id, was } => {
                let held = UniqueKey::all_of(self.expect(*id, *was)?);
                self.take(*id, &held, &[])?;
                self.records.set(id, None);
            }
            Change::Expect { id, was } => {
                self.expect(*id, *was)?;
                self.records.hold(id);
            }
            Change::Patch { kind, of, set } => {
                for (uuid, was) in of {
                    let id = RecordId { kind: *kind, uuid: *uuid };
                    let patched = self.expect(id, *was)?.patched(set);
                    let patched = patched.map_err(|e| {
                        StoreError::invalid("commit", "a patch leaves no record").with_source(e)
                    })?;
                    // No column of a key is among those that a patch sets, so it holds the keys that it held.
                    self.records.set(&id, Some(patched));
                }
            }
            Change::Count { counter, add, within } => {
                let value = self.number(counter)?;
                match value.checked_add(*add) {
                    Some(sum) if within.contains(sum) => self.set_number(counter, sum),
                    _ => return Err(Conflict::OutOfBounds { counter: counter.clone(), value }.into()),
                }
            }
            Change::Tally { counter, add } => {
                let sum = self.number(counter)?.saturating_add(*add);
                self.set_number(counter, sum);
            }
        }
        Ok(())
    }

    fn record(&mut self, id: RecordId) -> Result<Option<&Record>, StoreError> {
        let look = self.look;
        self.records.get(&id, |id| look.record(*id))
    }

    fn expect(&mut self, id: RecordId, was: Version) -> Result<&Record, Refusal> {
        match self.record(id)? {
            Some(record) if record.version() == was => Ok(record),
            found => Err(Conflict::Stale { id, now: found.map(Record::version) }.into()),
        }
    }

    /// Releases the keys that a record held and no longer holds, and takes those that are new to it.
    fn take(&mut self, id: RecordId, held: &[UniqueKey], wanted: &[UniqueKey]) -> Result<(), Refusal> {
        let look = self.look;
        for key in wanted.iter().filter(|key| !held.contains(key)) {
            if let Some(holder) = self.holders.get(key, |key| look.holder(key))? {
                return Err(Conflict::Taken { key: key.clone(), holder: *holder }.into());
            }
            self.holders.set(key, Some(id));
        }
        for key in held.iter().filter(|key| !wanted.contains(key)) {
            // No look: the record says that it holds the key.
            self.holders.know(key, id);
            self.holders.set(key, None);
        }
        Ok(())
    }

    fn number(&mut self, counter: &CounterKey) -> Result<i64, StoreError> {
        let look = self.look;
        Ok(self.numbers.get(counter, |counter| look.number(counter))?.copied().unwrap_or(0))
    }

    fn set_number(&mut self, counter: &CounterKey, value: i64) {
        self.numbers.set(counter, (value != 0).then_some(value));
    }
}
