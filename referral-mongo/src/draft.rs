//! What a batch will have written: the changes, applied to what a transaction reads.
//!
//! An error would end the transaction, so nothing is tried on the server to see whether it fails. Everything that
//! the changes ask about is read first, they are decided here, one after another, and then what is left of them is
//! written at once. What another transaction writes meanwhile, the server refuses to write again.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use mongodb::ClientSession;
use mongodb::bson::Bson;
use referral_core::store::{Change, Changeset, Conflict, CounterKey, Outcome, UniqueKey};
use referral_core::Response;
use referral_core::store::{Record, RecordId, Version};
use uuid::Uuid;

use crate::error::Fault;
use crate::read;
use crate::schema::{self, COUNTER};
use crate::store::Inner;

/// What was read, and what it will be.
#[derive(Clone, Debug)]
pub(crate) struct Slot<V> {
    pub(crate) before: Option<V>,
    pub(crate) now: Option<V>,
    /// Whether the changes rest on it, so that it has to be written even where it stays as it is.
    pub(crate) held: bool,
}

/// Slots by key, and how they were before the changeset at hand.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    pub(crate) slots: HashMap<K, Slot<V>>,
    undo: Vec<(K, Option<V>, bool)>,
}

impl<K: Hash + Eq + Clone, V: Clone> Table<K, V> {
    fn new() -> Self {
        Self { slots: HashMap::new(), undo: Vec::new() }
    }

    fn missing(&self, keys: impl Iterator<Item = K>) -> Vec<K> {
        let mut seen = HashSet::new();
        keys.filter(|key| !self.slots.contains_key(key) && seen.insert(key.clone())).collect()
    }

    fn load(&mut self, key: K, value: Option<V>) {
        self.slots.insert(key, Slot { before: value.clone(), now: value, held: false });
    }

    fn now(&self, key: &K) -> Option<&V> {
        self.slots.get(key)?.now.as_ref()
    }

    /// The new value of a key that has been read. Of one that has not, it is taken that nothing is there; if
    /// something is, the write fails.
    fn set(&mut self, key: &K, value: Option<V>) {
        let unread = || Slot { before: None, now: None, held: false };
        let slot = self.slots.entry(key.clone()).or_insert_with(unread);
        self.undo.push((key.clone(), std::mem::replace(&mut slot.now, value), slot.held));
        slot.held = true;
    }

    fn hold(&mut self, key: &K) {
        let now = self.now(key).cloned();
        self.set(key, now);
    }

    fn roll_back(&mut self) {
        while let Some((key, now, held)) = self.undo.pop() {
            if let Some(slot) = self.slots.get_mut(&key) {
                (slot.now, slot.held) = (now, held);
            }
        }
    }
}

/// A batch inside a transaction.
pub(crate) struct Draft<'a> {
    inner: &'a Inner,
    session: &'a mut ClientSession,
    pub(crate) records: Table<RecordId, Record>,
    pub(crate) keys: Table<UniqueKey, Uuid>,
    pub(crate) numbers: Table<CounterKey, i64>,
}

enum Failure {
    Conflict(Conflict),
    Fault(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Conflict> for Failure {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl<'a> Draft<'a> {
    pub(crate) fn new(inner: &'a Inner, session: &'a mut ClientSession) -> Self {
        Self { inner, session, records: Table::new(), keys: Table::new(), numbers: Table::new() }
    }

    /// Decides a batch; nothing is written yet.
    pub(crate) async fn decide(&mut self, batch: &[Changeset]) -> Result<Vec<Outcome>, Fault> {
        self.read_ahead(batch).await?;
        let mut outcomes = Vec::with_capacity(batch.len());
        for changeset in batch {
            outcomes.push(self.apply(changeset).await?);
        }
        Ok(outcomes)
    }

    /// Reads what the changes will ask about, in as few commands as there are collections.
    async fn read_ahead(&mut self, batch: &[Changeset]) -> Result<(), Fault> {
        let changes = || batch.iter().flat_map(|changeset| &changeset.changes);
        self.read_records(changes().flat_map(touched)).await?;
        let mut keys = Vec::new();
        for change in changes() {
            match change {
                Change::Insert(record) => keys.append(&mut UniqueKey::all_of(record)),
                Change::Update { record, .. } => {
                    if let Some(old) = self.records.now(&record.id()) {
                        keys.append(&mut UniqueKey::all_of(old));
                        keys.append(&mut UniqueKey::all_of(&record.clone().replacing(old)));
                    }
                }
                Change::Delete { id, .. } => {
                    keys.extend(self.records.now(id).map(UniqueKey::all_of).into_iter().flatten());
                }
                Change::Expect { .. }
                | Change::Claim { .. }
                | Change::Count { .. }
                | Change::Tally { .. } => {}
            }
        }
        self.read_keys(keys.into_iter()).await?;
        let number = |change: &Change| match change {
            Change::Count { counter, .. } | Change::Tally { counter, .. } => Some(counter.clone()),
            Change::Insert(_)
            | Change::Update { .. }
            | Change::Delete { .. }
            | Change::Expect { .. }
            | Change::Claim { .. } => None,
        };
        self.read_numbers(changes().filter_map(number)).await
    }

    async fn read_records(&mut self, ids: impl Iterator<Item = RecordId>) -> Result<(), Fault> {
        let ids = self.records.missing(ids);
        let mut found = read::records(self.inner, &ids, Some(&mut *self.session)).await?;
        for id in ids {
            self.records.load(id, found.remove(&id));
        }
        Ok(())
    }

    async fn read_keys(&mut self, keys: impl Iterator<Item = UniqueKey>) -> Result<(), Fault> {
        let keys = self.keys.missing(keys);
        let holders = read::holders(self.inner, &keys, Some(&mut *self.session)).await?;
        for (key, holder) in keys.into_iter().zip(holders) {
            self.keys.load(key, holder);
        }
        Ok(())
    }

    async fn read_numbers(&mut self, keys: impl Iterator<Item = CounterKey>) -> Result<(), Fault> {
        let keys = self.numbers.missing(keys);
        let id = |key: &CounterKey| schema::counter_id(key, schema::stripe(key.family, self.inner.writer));
        let ids: Vec<Bson> = keys.iter().map(id).collect();
        let documents = read::points(&self.inner.collection(COUNTER), &ids, Some(&mut *self.session)).await?;
        let found: Result<HashMap<_, _>, _> = documents.iter().map(schema::counter).collect();
        let found = found?;
        for key in keys {
            let value = found.get(&key).copied();
            self.numbers.load(key, value);
        }
        Ok(())
    }

    async fn apply(&mut self, changeset: &Changeset) -> Result<Outcome, Fault> {
        for (index, change) in changeset.changes.iter().enumerate() {
            match self.step(change).await {
                Ok(()) => {}
                Err(Failure::Fault(fault)) => return Err(fault),
                Err(Failure::Conflict(conflict)) => {
                    self.records.roll_back();
                    self.keys.roll_back();
                    self.numbers.roll_back();
                    return Ok(Outcome::Conflict { index, conflict });
                }
            }
        }
        self.records.undo.clear();
        self.keys.undo.clear();
        self.numbers.undo.clear();
        Ok(Outcome::Applied)
    }

    async fn step(&mut self, change: &Change) -> Result<(), Failure> {
        match change {
            Change::Insert(record) => {
                let id = record.id();
                if let Some(found) = self.records.now(&id) {
                    return Err(Conflict::Stale { id, now: Some(found.version()) }.into());
                }
                self.put(id, None, Some(record.clone().at_version(Version::FIRST))).await
            }
            Change::Update { record, was } => {
                let old = self.expect(record.id(), *was)?;
                let new = record.clone().replacing(&old).at_version(was.next());
                self.put(old.id(), Some(old), Some(new)).await
            }
            Change::Delete { id, was } => {
                let old = self.expect(*id, *was)?;
                self.put(*id, Some(old), None).await
            }
            Change::Expect { id, was } => {
                self.expect(*id, *was)?;
                self.records.hold(id);
                Ok(())
            }
            Change::Claim { responses, user, at } => {
                for response in responses {
                    let id = RecordId::from(*response);
                    let found = self.records.now(&id).cloned();
                    let now = found.as_ref().map(Record::version);
                    let old = found.and_then(|record| Response::try_from(record).ok());
                    let Some(old) = old.filter(Response::is_unclaimed) else {
                        return Err(Conflict::Stale { id, now }.into());
                    };
                    let version = old.version.next();
                    let new =
                        Response { user: Some(user.clone()), claimed_at: Some(*at), version, ..old.clone() };
                    self.put(id, Some(old.into()), Some(new.into())).await?;
                }
                Ok(())
            }
            Change::Count { counter, add, within } => {
                let value = self.numbers.now(counter).copied().unwrap_or(0);
                match value.checked_add(*add) {
                    Some(sum) if within.contains(sum) => self.numbers.set(counter, Some(sum)),
                    _ => return Err(Conflict::OutOfBounds { counter: counter.clone(), value }.into()),
                }
                Ok(())
            }
            Change::Tally { counter, add } => {
                let value = self.numbers.now(counter).copied().unwrap_or(0);
                self.numbers.set(counter, Some(value.saturating_add(*add)));
                Ok(())
            }
        }
    }

    fn expect(&self, id: RecordId, was: Version) -> Result<Record, Conflict> {
        match self.records.now(&id) {
            Some(record) if record.version() == was => Ok(record.clone()),
            found => Err(Conflict::Stale { id, now: found.map(Record::version) }),
        }
    }

    /// Replaces a record together with its unique keys.
    async fn put(&mut self, id: RecordId, old: Option<Record>, new: Option<Record>) -> Result<(), Failure> {
        let released = old.as_ref().map(UniqueKey::all_of).unwrap_or_default();
        let taken = new.as_ref().map(UniqueKey::all_of).unwrap_or_default();
        // Read ahead, but for keys of records that changed earlier in the same batch.
        self.read_keys(released.iter().chain(&taken).cloned()).await?;
        for key in &taken {
            match self.keys.now(key) {
                Some(holder) if *holder != id.uuid => {
                    let holder = RecordId { kind: id.kind, uuid: *holder };
                    return Err(Conflict::Taken { key: key.clone(), holder }.into());
                }
                _ => {}
            }
        }
        for key in released.iter().filter(|key| !taken.contains(key)) {
            self.keys.set(key, None);
        }
        for key in taken.iter().filter(|key| !released.contains(key)) {
            self.keys.set(key, Some(id.uuid));
        }
        self.records.set(&id, new);
        Ok(())
    }
}

/// The records that a change reads or writes.
fn touched(change: &Change) -> Vec<RecordId> {
    match change {
        Change::Insert(record) | Change::Update { record, .. } => vec![record.id()],
        Change::Delete { id, .. } | Change::Expect { id, .. } => vec![*id],
        Change::Claim { responses, .. } => responses.iter().map(|id| RecordId::from(*id)).collect(),
        Change::Count { .. } | Change::Tally { .. } => Vec::new(),
    }
}
