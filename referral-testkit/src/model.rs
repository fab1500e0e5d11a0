//! The contract in its simplest form, with which random histories are compared.
//!
//! Written from the contract and not from a store. It keeps no key and no index: whatever is asked, it looks at
//! every record. A changeset is tried on a copy, and the copy kept or thrown away.

use std::collections::BTreeMap;
use std::fmt;

use referral_core::store::{
    Bounds, Change, Changeset, Conflict, CounterKey, CounterPrefix, CounterRange, Index, Kind, Outcome, Part,
    Prefix, Range, Record, RecordId, Seek, StoreError, StoreErrorKind, Unique, UniqueKey, Value, Version,
};
use uuid::Uuid;

/// Records and numbers, and nothing else.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Model {
    pub(crate) records: BTreeMap<RecordId, Record>,
    pub(crate) numbers: BTreeMap<CounterKey, i64>,
}

/// What a store may answer.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Verdict {
    Applied,
    /// The change that fails first, and what may be said of it.
    Conflict(usize, Vec<Conflict>),
    Invalid,
}

impl Verdict {
    pub(crate) fn admits(&self, answer: &Result<Outcome, StoreError>) -> bool {
        match (self, answer) {
            (Self::Applied, Ok(Outcome::Applied)) => true,
            (Self::Conflict(at, may), Ok(Outcome::Conflict { index, conflict })) => {
                at == index && may.contains(conflict)
            }
            (Self::Invalid, Err(error)) => error.kind() == StoreErrorKind::Invalid,
            _ => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied => f.write_str("Applied"),
            Self::Conflict(at, may) => write!(f, "a conflict of change {at}, one of {may:?}"),
            Self::Invalid => f.write_str("Invalid"),
        }
    }
}

impl Model {
    pub(crate) fn commit(&mut self, changeset: &Changeset) -> Verdict {
        if changeset.check().is_err() {
            return Verdict::Invalid;
        }
        let mut copy = self.clone();
        for (index, change) in changeset.changes().iter().enumerate() {
            let conflicts = copy.change(change);
            if !conflicts.is_empty() {
                return Verdict::Conflict(index, conflicts);
            }
        }
        *self = copy;
        Verdict::Applied
    }

    /// Applies a change, or gives the conflicts that may be reported instead.
    fn change(&mut self, change: &Change) -> Vec<Conflict> {
        match change {
            Change::Insert(record) => self.insert(record),
            Change::Update { record, was } => self.update(record, *was),
            Change::Delete { id, was } => {
                let stale = self.stale(*id, *was);
                if stale.is_empty() {
                    self.records.remove(id);
                }
                stale
            }
            Change::Expect { id, was } => self.stale(*id, *was),
            Change::Patch { kind, of, set } => self.patch(*kind, of, set),
            Change::Count { counter, add, within } => self.count(counter, *add, *within),
            Change::Tally { counter, add } => {
                let value = self.numbers.entry(counter.clone()).or_default();
                *value = value.saturating_add(*add);
                Vec::new()
            }
        }
    }

    fn insert(&mut self, record: &Record) -> Vec<Conflict> {
        if let Some(now) = self.now(record.id()) {
            // The id is looked at first, also where a key is held by somebody else.
            return vec![Conflict::Stale { id: record.id(), now: Some(now) }];
        }
        let conflicts = self.taken(record);
        if conflicts.is_empty() {
            self.records.insert(record.id(), record.clone().at_version(Version::FIRST));
        }
        conflicts
    }

    fn update(&mut self, record: &Record, was: Version) -> Vec<Conflict> {
        let mut conflicts = self.stale(record.id(), was);
        if !conflicts.is_empty() {
            return conflicts;
        }
        let (kind, old) = (record.id().kind, self.records[&record.id()].values());
        let mut values = record.values();
        for fixed in ["tenant", "created_at"] {
            let position = kind.position(fixed).unwrap();
            values[position] = old[position].clone();
        }
        let new = Record::from_values(kind, values).unwrap();
        conflicts = self.taken(&new);
        if conflicts.is_empty() {
            self.records.insert(new.id(), new.at_version(was.next()));
        }
        conflicts
    }

    fn patch(&mut self, kind: Kind, of: &[(Uuid, Version)], set: &[(&'static str, Value)]) -> Vec<Conflict> {
        for (uuid, was) in of {
            let id = RecordId { kind, uuid: *uuid };
            let stale = self.stale(id, *was);
            if !stale.is_empty() {
                return stale;
            }
            // By hand, and not by the function of core that stores use.
            let mut values = self.records[&id].values();
            for (column, value) in set {
                values[kind.position(column).unwrap()] = value.clone();
            }
            let patched = Record::from_values(kind, values).unwrap();
            self.records.insert(id, patched.at_version(was.next()));
        }
        Vec::new()
    }

    fn count(&mut self, counter: &CounterKey, add: i64, within: Bounds) -> Vec<Conflict> {
        let value = self.number(counter);
        match value.checked_add(add) {
            Some(sum) if within.min <= sum && sum <= within.max => {
                self.numbers.insert(counter.clone(), sum);
                Vec::new()
            }
            _ => vec![Conflict::OutOfBounds { counter: counter.clone(), value }],
        }
    }

    pub(crate) fn now(&self, id: RecordId) -> Option<Version> {
        self.records.get(&id).map(Record::version)
    }

    pub(crate) fn number(&self, key: &CounterKey) -> i64 {
        self.numbers.get(key).copied().unwrap_or(0)
    }

    fn stale(&self, id: RecordId, was: Version) -> Vec<Conflict> {
        let now = self.now(id);
        if now == Some(was) { Vec::new() } else { vec![Conflict::Stale { id, now }] }
    }

    /// Every key of this record that another one holds.
    fn taken(&self, record: &Record) -> Vec<Conflict> {
        let wanted = keys(record);
        let others = self.records.values().filter(|other| other.id() != record.id());
        others
            .flat_map(|other| keys(other).into_iter().map(|key| (key, other.id())))
            .filter(|(key, _)| wanted.contains(key))
            .map(|(key, holder)| Conflict::Taken { key, holder })
            .collect()
    }

    pub(crate) fn find(&self, key: &UniqueKey) -> Option<Record> {
        self.records.values().find(|record| keys(record).contains(key)).cloned()
    }

    pub(crate) fn page(&self, index: Index, prefix: &Prefix, range: &Range, limit: usize) -> Vec<Record> {
        let mut inside: Vec<(Seek, &Record)> = self
            .records
            .values()
            .filter_map(|record| Some((stands(index, prefix, record)?, record)))
            .filter(|(seek, _)| range.from.is_none_or(|from| from <= seek.at))
            .filter(|(seek, _)| range.until.is_none_or(|until| seek.at < until))
            .collect();
        inside.sort_by_key(|(seek, _)| *seek);
        if !range.ascending {
            inside.reverse();
        }
        if let Some(after) = range.after {
            inside.retain(|(seek, _)| if range.ascending { *seek > after } else { *seek < after });
        }
        inside.into_iter().take(limit).map(|(_, record)| record.clone()).collect()
    }

    pub(crate) fn counters(&self, prefix: &CounterPrefix, range: &CounterRange) -> Vec<(CounterKey, i64)> {
        self.numbers
            .iter()
            .filter(|(key, value)| **value != 0 && key.tenant == prefix.tenant && key.family == prefix.family)
            .filter(|(key, _)| prefix.parts.iter().zip(&key.parts).all(|(wanted, part)| wanted == part))
            .filter(|(key, _)| range.from.is_none_or(|from| from <= key.bucket))
            .filter(|(key, _)| range.until.is_none_or(|until| key.bucket < until))
            .filter(|(key, _)| range.after.as_ref().is_none_or(|after| *key > after))
            .take(range.limit as usize)
            .map(|(key, value)| (key.clone(), *value))
            .collect()
    }
}

fn column(record: &Record, name: &str) -> Value {
    record.values()[record.id().kind.position(name).unwrap()].clone()
}

fn keys(record: &Record) -> Vec<UniqueKey> {
    let rules = Unique::ALL.iter().filter(|rule| rule.kind() == record.id().kind);
    rules
        .map(|rule| {
            let parts = rule.columns().iter().map(|name| column(record, name)).collect();
            UniqueKey { unique: *rule, tenant: record.tenant().clone(), parts }
        })
        .filter(|key| !key.parts.contains(&Value::Null))
        .collect()
}

/// Where a record stands among those of a prefix.
fn stands(index: Index, prefix: &Prefix, record: &Record) -> Option<Seek> {
    let shape = index.shape();
    if record.id().kind != shape.kind || prefix.tenant != *record.tenant() {
        return None;
    }
    let mut wanted = prefix.parts.iter();
    for part in shape.parts {
        let fits = match part {
            Part::Is(name) => column(record, name) == *wanted.next()?,
            Part::Null(name) => column(record, name) == Value::Null,
        };
        if !fits {
            return None;
        }
    }
    let Value::Int(at) = column(record, shape.order) else { return None };
    Some(Seek { at, id: record.id().uuid })
}
