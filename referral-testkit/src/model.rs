//! The contract in its simplest form, with which random histories are compared.
//!
//! Written from the contract and not from a store. It keeps no index: whatever is asked, it looks at every record. Of the
//! keys it knows the holders, and of a changeset what it has to take back if a later change fails, because both are
//! needed for every change of the largest changesets.

use std::collections::BTreeMap;
use std::fmt;

use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, CounterPrefix, CounterRange, Index, Kind, Outcome, Part, Prefix,
    Range, Record, RecordId, Seek, StoreError, StoreErrorKind, Unique, UniqueKey, Value, Version, bytes,
};
use uuid::Uuid;

/// Records and numbers, and nothing else.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Model {
    pub(crate) records: BTreeMap<RecordId, Record>,
    pub(crate) numbers: BTreeMap<CounterKey, i64>,
    held: BTreeMap<UniqueKey, RecordId>,
}

/// A prefix of an index, and what stands there.
pub(crate) type Place = (Index, Prefix, Vec<(Seek, RecordId)>);

/// What was there before a change.
enum Before {
    Record(RecordId, Option<Box<Record>>),
    Number(CounterKey, Option<i64>),
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
        let mut before = Vec::new();
        for (index, change) in changeset.changes().iter().enumerate() {
            let conflicts = self.change(change, &mut before);
            if !conflicts.is_empty() {
                self.take_back(before);
                return Verdict::Conflict(index, conflicts);
            }
        }
        Verdict::Applied
    }

    fn take_back(&mut self, before: Vec<Before>) {
        for step in before.into_iter().rev() {
            match step {
                Before::Record(id, old) => drop(self.put(id, old.map(|old| *old))),
                Before::Number(key, Some(old)) => drop(self.numbers.insert(key, old)),
                Before::Number(key, None) => drop(self.numbers.remove(&key)),
            }
        }
    }

    /// Puts a record there, or takes it away, and gives what was there.
    fn put(&mut self, id: RecordId, new: Option<Record>) -> Before {
        let old = self.records.remove(&id);
        for key in old.iter().flat_map(keys) {
            self.held.remove(&key);
        }
        self.held.extend(new.iter().flat_map(keys).map(|key| (key, id)));
        if let Some(new) = new {
            self.records.insert(id, new);
        }
        Before::Record(id, old.map(Box::new))
    }

    /// Applies a change, or gives the conflicts that may be reported instead.
    fn change(&mut self, change: &Change, before: &mut Vec<Before>) -> Vec<Conflict> {
        match change {
            Change::Insert(record) => {
                if let Some(now) = self.now(record.id()) {
                    return vec![Conflict::Stale { id: record.id(), now: Some(now) }];
                }
                self.write(record.clone().at_version(Version::FIRST), before)
            }
            Change::Update { record, was } => {
                let stale = self.stale(record.id(), *was);
                if !stale.is_empty() {
                    return stale;
                }
                let (kind, old) = (record.id().kind, self.records[&record.id()].values());
                let mut values = record.values();
                for fixed in ["tenant", "created_at"] {
                    let position = kind.position(fixed).unwrap();
                    values[position] = old[position].clone();
                }
                self.write(Record::from_values(kind, values).unwrap().at_version(was.next()), before)
            }
            Change::Delete { id, was } => {
                let stale = self.stale(*id, *was);
                if stale.is_empty() {
                    before.push(self.put(*id, None));
                }
                stale
            }
            Change::Expect { id, was } => self.stale(*id, *was),
            Change::Patch { kind, of, set } => self.patch(*kind, of, set, before),
            Change::Count { counter, add, within } => {
                let value = self.numbers.get(counter).copied().unwrap_or(0);
                match value.checked_add(*add) {
                    Some(sum) if within.min <= sum && sum <= within.max => {
                        self.set(counter, sum, before);
                        Vec::new()
                    }
                    _ => vec![Conflict::OutOfBounds { counter: counter.clone(), value }],
                }
            }
            Change::Tally { counter, add } => {
                let value = self.numbers.get(counter).copied().unwrap_or(0);
                self.set(counter, value.saturating_add(*add), before);
                Vec::new()
            }
        }
    }

    fn set(&mut self, counter: &CounterKey, value: i64, before: &mut Vec<Before>) {
        let old = self.numbers.insert(counter.clone(), value);
        before.push(Before::Number(counter.clone(), old));
    }

    /// Stores a record if nobody else holds one of its keys.
    fn write(&mut self, record: Record, before: &mut Vec<Before>) -> Vec<Conflict> {
        let id = record.id();
        let holder = |key| self.held.get(&key).filter(|holder| **holder != id).map(|holder| (key, *holder));
        let taken: Vec<_> = keys(&record)
            .into_iter()
            .filter_map(holder)
            .map(|(key, holder)| Conflict::Taken { key, holder })
            .collect();
        if taken.is_empty() {
            before.push(self.put(id, Some(record)));
        }
        taken
    }

    fn patch(
        &mut self,
        kind: Kind,
        of: &[(Uuid, Version)],
        set: &[(&'static str, Value)],
        before: &mut Vec<Before>,
    ) -> Vec<Conflict> {
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
            let patched = Record::from_values(kind, values).unwrap().at_version(was.next());
            before.push(self.put(id, Some(patched)));
        }
        Vec::new()
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

    pub(crate) fn find(&self, key: &UniqueKey) -> Option<Record> {
        self.records.get(self.held.get(key)?).cloned()
    }

    pub(crate) fn page(&self, index: Index, prefix: &Prefix, range: &Range, limit: usize) -> Vec<Record> {
        let mut inside: Vec<(Seek, &Record)> = self
            .records
            .values()
            .filter(|record| record.id().kind == index.shape().kind && record.tenant() == &prefix.tenant)
            .filter_map(|record| {
                let (own, seek) = stand(index, record, &record.values())?;
                (own == *prefix).then_some((seek, record))
            })
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

    /// Every prefix in which a record stands, under its bytes, and what stands there, oldest first.
    pub(crate) fn places(&self) -> BTreeMap<Vec<u8>, Place> {
        let mut places: BTreeMap<Vec<u8>, Place> = BTreeMap::new();
        for (id, record) in &self.records {
            let values = record.values();
            for index in Index::of(id.kind) {
                let Some((prefix, seek)) = stand(index, record, &values) else { continue };
                let place = places.entry(bytes::prefix(index, &prefix));
                place.or_insert_with(|| (index, prefix, Vec::new())).2.push((seek, *id));
            }
        }
        places.values_mut().for_each(|(_, _, all)| all.sort_unstable());
        places
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

fn keys(record: &Record) -> Vec<UniqueKey> {
    let kind = record.id().kind;
    let rules = Unique::ALL.iter().filter(|rule| rule.kind() == kind);
    let values = record.values();
    rules
        .map(|rule| {
            let column = |name: &&str| values[kind.position(name).unwrap()].clone();
            let parts = rule.columns().iter().map(column).collect();
            UniqueKey { unique: *rule, tenant: record.tenant().clone(), parts }
        })
        .filter(|key| !key.parts.contains(&Value::Null))
        .collect()
}

/// Where a record stands in an index, if it stands there.
fn stand(index: Index, record: &Record, values: &[Value]) -> Option<(Prefix, Seek)> {
    let shape = index.shape();
    let column = |name: &str| &values[shape.kind.position(name).unwrap()];
    let mut parts = Vec::new();
    for part in shape.parts {
        match (part, column(part.column())) {
            (Part::Is(_), Value::Null) => return None,
            (Part::Is(_), value) => parts.push(value.clone()),
            (Part::Null(_), Value::Null) => {}
            (Part::Null(_), _) => return None,
        }
    }
    let Value::Int(at) = *column(shape.order) else { return None };
    let prefix = Prefix { tenant: record.tenant().clone(), parts };
    Some((prefix, Seek { at, id: record.id().uuid }))
}
