//! The data of the reference store, and the seven changes on it.

use std::collections::BTreeMap;

use crate::catalogue::{Index, Record, RecordId, Unique};
use crate::store::{Change, Changeset, Conflict, CounterKey, Outcome, StoreError, UniqueKey, bytes};
use crate::value::Version;

/// Everything the store keeps. Unique keys and index entries are the bytes that a key-value store would keep.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) records: BTreeMap<RecordId, Record>,
    pub(super) unique: BTreeMap<Vec<u8>, RecordId>,
    pub(super) entries: BTreeMap<Vec<u8>, RecordId>,
    pub(super) counters: BTreeMap<CounterKey, i64>,
}

/// What a changeset overwrote, newest last; played backwards when it fails half-way.
enum Undo {
    Record(RecordId, Option<Box<Record>>),
    Counter(CounterKey, Option<i64>),
}

impl State {
    pub(super) fn apply(&mut self, changeset: &Changeset) -> Result<Outcome, StoreError> {
        changeset.check()?;
        let mut undo = Vec::new();
        for (index, change) in changeset.changes().iter().enumerate() {
            if let Err(conflict) = self.step(change, &mut undo) {
                self.roll_back(undo);
                return Ok(Outcome::Conflict { index, conflict });
            }
        }
        Ok(Outcome::Applied)
    }

    fn step(&mut self, change: &Change, undo: &mut Vec<Undo>) -> Result<(), Conflict> {
        match change {
            Change::Insert(record) => {
                if let Some(found) = self.records.get(&record.id()) {
                    return Err(Conflict::Stale { id: record.id(), now: Some(found.version()) });
                }
                self.free_for(record)?;
                self.put(record.id(), Some(record.clone().at_version(Version::FIRST)), undo);
            }
            Change::Update { record, was } => {
                self.expect(record.id(), *was)?;
                let old = self.records.get(&record.id());
                let record = old.map_or_else(|| record.clone(), |old| record.clone().replacing(old));
                self.free_for(&record)?;
                self.put(record.id(), Some(record.at_version(was.next())), undo);
            }
            Change::Delete { id, was } => {
                self.expect(*id, *was)?;
                self.put(*id, None, undo);
            }
            Change::Expect { id, was } => self.expect(*id, *was)?,
            Change::Patch { kind, of, set } => {
                for (uuid, was) in of {
                    let id = RecordId { kind: *kind, uuid: *uuid };
                    self.expect(id, *was)?;
                    // What `check` has let through is a record; were it none, it would stay as it is.
                    let patched = self.records.get(&id).and_then(|record| record.patched(set).ok());
                    self.put(id, patched, undo);
                }
            }
            Change::Count { counter, add, within } => {
                let value = self.counters.get(counter).copied().unwrap_or(0);
                match value.checked_add(*add) {
                    Some(sum) if within.contains(sum) => self.set(counter, sum, undo),
                    _ => return Err(Conflict::OutOfBounds { counter: counter.clone(), value }),
                }
            }
            Change::Tally { counter, add } => {
                let value = self.counters.get(counter).copied().unwrap_or(0);
                self.set(counter, value.saturating_add(*add), undo);
            }
        }
        Ok(())
    }

    fn expect(&self, id: RecordId, was: Version) -> Result<(), Conflict> {
        let now = self.records.get(&id).map(Record::version);
        if now == Some(was) { Ok(()) } else { Err(Conflict::Stale { id, now }) }
    }

    /// Whether no other record holds one of this one's unique keys.
    fn free_for(&self, record: &Record) -> Result<(), Conflict> {
        for key in UniqueKey::all_of(record) {
            match self.unique.get(&bytes::unique(&key)) {
                Some(holder) if *holder != record.id() => {
                    return Err(Conflict::Taken { key, holder: *holder });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn put(&mut self, id: RecordId, record: Option<Record>, undo: &mut Vec<Undo>) {
        let old = self.swap(id, record);
        undo.push(Undo::Record(id, old.map(Box::new)));
    }

    /// Replaces a record together with its unique keys and index entries.
    fn swap(&mut self, id: RecordId, new: Option<Record>) -> Option<Record> {
        let old = self.records.remove(&id);
        if let Some(old) = &old {
            for key in keys(old) {
                self.unique.remove(&key);
            }
            for entry in entries(old) {
                self.entries.remove(&entry);
            }
        }
        if let Some(new) = new {
            self.unique.extend(keys(&new).map(|key| (key, id)));
            self.entries.extend(entries(&new).map(|entry| (entry, id)));
            self.records.insert(id, new);
        }
        old
    }

    fn set(&mut self, counter: &CounterKey, value: i64, undo: &mut Vec<Undo>) {
        let old = if value == 0 {
            self.counters.remove(counter)
        } else {
            self.counters.insert(counter.clone(), value)
        };
        undo.push(Undo::Counter(counter.clone(), old));
    }

    fn roll_back(&mut self, undo: Vec<Undo>) {
        for step in undo.into_iter().rev() {
            match step {
                Undo::Record(id, old) => drop(self.swap(id, old.map(|record| *record))),
                Undo::Counter(counter, Some(old)) => drop(self.counters.insert(counter, old)),
                Undo::Counter(counter, None) => drop(self.counters.remove(&counter)),
            }
        }
    }
}

fn keys(record: &Record) -> impl Iterator<Item = Vec<u8>> + use<> {
    let (tenant, values, kind) = (record.tenant().clone(), record.values(), record.id().kind);
    Unique::of(kind)
        .filter_map(move |unique| UniqueKey::held(unique, &tenant, &values).map(|key| bytes::unique(&key)))
}

fn entries(record: &Record) -> impl Iterator<Item = Vec<u8>> + '_ {
    let values = record.values();
    Index::of(record.id().kind)
        .filter_map(move |index| index.entry(record, &values).map(|entry| bytes::entry(index, &entry)))
}
