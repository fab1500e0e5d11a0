//! The data of the reference store.

use std::collections::BTreeMap;

use crate::catalogue::{Record, RecordId};
use crate::store::plan::{Answer, Look, Plan, Transition};
use crate::store::{CounterKey, StoreError, UniqueKey, bytes};

/// Everything that the store keeps. Index entries are the bytes that a key-value store would keep.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) records: BTreeMap<RecordId, Record>,
    pub(super) holders: BTreeMap<UniqueKey, RecordId>,
    pub(super) entries: BTreeMap<Vec<u8>, RecordId>,
    pub(super) numbers: BTreeMap<CounterKey, i64>,
}

impl Look for State {
    fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        Ok(self.records.get(&id).cloned())
    }

    fn holder(&self, key: &UniqueKey) -> Result<Option<RecordId>, StoreError> {
        Ok(self.holders.get(key).copied())
    }

    fn number(&self, key: &CounterKey) -> Result<Option<i64>, StoreError> {
        Ok(self.numbers.get(key).copied())
    }
}

impl State {
    /// Writes a plan that was decided on this state, and gives its answers.
    pub(super) fn write(&mut self, plan: Plan) -> Vec<Answer> {
        let Plan { answers, records, holders, numbers } = plan;
        for record in &records {
            for entry in record.before.iter().flat_map(entries) {
                self.entries.remove(&entry);
            }
            self.entries.extend(record.after.iter().flat_map(entries).map(|entry| (entry, record.key)));
        }
        write(&mut self.records, records);
        write(&mut self.holders, holders);
        write(&mut self.numbers, numbers);
        answers
    }
}

fn write<K: Ord, V>(map: &mut BTreeMap<K, V>, transitions: Vec<Transition<K, V>>) {
    for Transition { key, after, .. } in transitions {
        match after {
            Some(value) => drop(map.insert(key, value)),
            None => drop(map.remove(&key)),
        }
    }
}

fn entries(record: &Record) -> Vec<Vec<u8>> {
    bytes::entries(record, &record.values())
}
