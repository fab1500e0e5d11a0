//! The one write: a batch is one write transaction of redb.

use redb::{Database, Durability, ReadableTable, Table, WriteTransaction};
use referral_core::Response;
use referral_core::store::{Record, RecordId, Version};
use referral_core::store::{Change, Changeset, Conflict, CounterKey, Outcome, StoreError, UniqueKey, bytes};

use crate::error;
use crate::schema::{self, Bytes, In};

type Answer = Result<Outcome, StoreError>;

/// Applies a batch. Blocks: redb has one writer at a time, and syncs the file.
pub(crate) fn commit(db: &Database, batch: &[Changeset]) -> Vec<Answer> {
    match try_commit(db, batch) {
        Ok(answers) => answers,
        // Nothing of the transaction is kept, so nobody may be told otherwise.
        Err(fault) => batch.iter().map(|_| Err(fault.clone())).collect(),
    }
}

fn try_commit(db: &Database, batch: &[Changeset]) -> Result<Vec<Answer>, StoreError> {
    let mut transaction = db.begin_write().map_err(|e| error::from_redb("commit", e))?;
    transaction.set_durability(Durability::Immediate).map_err(|e| error::from_redb("commit", e))?;
    let mut tables = Tables::open(&transaction)?;
    let mut answers = Vec::with_capacity(batch.len());
    for changeset in batch {
        answers.push(match changeset.check() {
            Ok(()) => tables.apply(changeset)?,
            Err(invalid) => Err(invalid),
        });
    }
    drop(tables);
    // Without anything to keep, dropping the transaction saves a sync. What a conflict names is on the disk: it was
    // committed before this transaction could begin.
    if answers.iter().any(|answer| matches!(answer, Ok(Outcome::Applied))) {
        transaction.commit().map_err(error::unknown)?;
    }
    Ok(answers)
}

/// The tables of a write transaction. Each change sees what the ones before it wrote.
struct Tables<'t> {
    records: Table<'t, Bytes, Bytes>,
    unique: Table<'t, Bytes, Bytes>,
    entries: Table<'t, Bytes, Bytes>,
    numbers: Table<'t, Bytes, Bytes>,
    /// What the changeset at hand overwrote, newest last.
    undo: Vec<(In, Vec<u8>, Option<Vec<u8>>)>,
}

/// Why a change was not applied.
enum Failure {
    Conflict(Conflict),
    Fault(StoreError),
}

impl From<StoreError> for Failure {
    fn from(fault: StoreError) -> Self {
        Self::Fault(fault)
    }
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        let open = |table| transaction.open_table(table).map_err(|e| error::from_redb("commit", e));
        Ok(Self {
            records: open(schema::RECORDS)?,
            unique: open(schema::UNIQUE)?,
            entries: open(schema::ENTRIES)?,
            numbers: open(schema::NUMBERS)?,
            undo: Vec::new(),
        })
    }

    /// All of a changeset or nothing of it. The outer error ends the batch: what was written cannot be taken back one
    /// by one, so all of it must go with the transaction.
    fn apply(&mut self, changeset: &Changeset) -> Result<Answer, StoreError> {
        self.undo.clear();
        for (index, change) in changeset.changes.iter().enumerate() {
            if let Err(failure) = self.step(change) {
                self.roll_back()?;
                return Ok(match failure {
                    Failure::Conflict(conflict) => Ok(Outcome::Conflict { index, conflict }),
                    Failure::Fault(fault) => Err(fault),
                });
            }
        }
        Ok(Ok(Outcome::Applied))
    }

    fn step(&mut self, change: &Change) -> Result<(), Failure> {
        match change {
            Change::Insert(record) => match self.record(record.id())? {
                Some(found) => Err(stale(record.id(), Some(&found))),
                None => self.put(None, Some(record.clone().at_version(Version::FIRST))),
            },
            Change::Update { record, was } => {
                let old = self.expect(record.id(), *was)?;
                let new = record.clone().replacing(&old).at_version(was.next());
                self.put(Some(&old), Some(new))
            }
            Change::Delete { id, was } => {
                let old = self.expect(*id, *was)?;
                self.put(Some(&old), None)
            }
            // No other writer can come between this and the commit, so looking is enough.
            Change::Expect { id, was } => self.expect(*id, *was).map(drop),
            Change::Claim { responses, user, at } => {
                for response in responses {
                    let id = RecordId::from(*response);
                    let found = self.record(id)?;
                    let Some(Record::Response(old)) = found.clone().filter(is_unclaimed) else {
                        return Err(stale(id, found.as_ref()));
                    };
                    let version = old.version.next();
                    let new = Response { user: Some(user.clone()), claimed_at: Some(*at), version, ..old };
                    self.put(found.as_ref(), Some(new.into()))?;
                }
                Ok(())
            }
            Change::Count { counter, add, within } => {
                let value = self.number(counter)?;
                match value.checked_add(*add) {
                    Some(sum) if within.contains(sum) => self.set_number(counter, sum),
                    _ => Err(Failure::Conflict(Conflict::OutOfBounds { counter: counter.clone(), value })),
                }
            }
            Change::Tally { counter, add } => {
                let value = self.number(counter)?;
                self.set_number(counter, value.saturating_add(*add))
            }
        }
    }

    /// Replaces a record together with its unique keys and index entries.
    fn put(&mut self, old: Option<&Record>, new: Option<Record>) -> Result<(), Failure> {
        for key in new.iter().flat_map(UniqueKey::all_of) {
            let holder = self.get(In::Unique, &bytes::unique(&key))?;
            let holder = holder.as_deref().and_then(bytes::read_record);
            if let Some(holder) = holder.filter(|id| new.as_ref().is_some_and(|new| new.id() != *id)) {
                return Err(Failure::Conflict(Conflict::Taken { key, holder }));
            }
        }
        for row in old.into_iter().flat_map(schema::rows) {
            self.set(row.table, row.key, None)?;
        }
        for row in new.iter().flat_map(schema::rows) {
            self.set(row.table, row.key, Some(row.value))?;
        }
        Ok(())
    }

    fn expect(&self, id: RecordId, was: Version) -> Result<Record, Failure> {
        match self.record(id)? {
            Some(record) if record.version() == was => Ok(record),
            found => Err(stale(id, found.as_ref())),
        }
    }

    fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        let key = bytes::record(id);
        self.get(In::Records, &key)?.map(|value| schema::decode(&key, &value)).transpose()
    }

    fn number(&self, counter: &CounterKey) -> Result<i64, StoreError> {
        let value = self.get(In::Numbers, &bytes::counter(counter))?;
        value.map_or(Ok(0), |value| schema::read_number(&value))
    }

    fn set_number(&mut self, counter: &CounterKey, value: i64) -> Result<(), Failure> {
        // A number that is 0 is one that is not there; so reads need not leave any out.
        let value = (value != 0).then(|| value.to_be_bytes().to_vec());
        Ok(self.set(In::Numbers, bytes::counter(counter), value)?)
    }

    fn get(&self, table: In, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let table = match table {
            In::Records => &self.records,
            In::Unique => &self.unique,
            In::Entries => &self.entries,
            In::Numbers => &self.numbers,
        };
        let found = table.get(key).map_err(|e| error::from_redb("commit", e))?;
        Ok(found.map(|value| value.value().to_vec()))
    }

    /// Writes or removes one row, and remembers what was there.
    fn set(&mut self, table: In, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), StoreError> {
        let before = self.swap(table, &key, value.as_deref())?;
        self.undo.push((table, key, before));
        Ok(())
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        while let Some((table, key, before)) = self.undo.pop() {
            self.swap(table, &key, before.as_deref())?;
        }
        Ok(())
    }

    fn swap(&mut self, table: In, key: &[u8], value: Option<&[u8]>) -> Result<Option<Vec<u8>>, StoreError> {
        let table = match table {
            In::Records => &mut self.records,
            In::Unique => &mut self.unique,
            In::Entries => &mut self.entries,
            In::Numbers => &mut self.numbers,
        };
        let before = match value {
            Some(value) => table.insert(key, value),
            None => table.remove(key),
        };
        let before = before.map_err(|e| error::from_redb("commit", e))?;
        Ok(before.map(|value| value.value().to_vec()))
    }
}

fn is_unclaimed(record: &Record) -> bool {
    matches!(record, Record::Response(response) if response.is_unclaimed())
}

fn stale(id: RecordId, found: Option<&Record>) -> Failure {
    Failure::Conflict(Conflict::Stale { id, now: found.map(Record::version) })
}
