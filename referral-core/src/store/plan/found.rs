//! For stores that await what they read: what to read before a batch is decided, and what was found.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::catalogue::{Record, RecordId};
use crate::store::change::{Change, Changeset};
use crate::store::counter::CounterKey;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::plan::look::Look;
use crate::store::unique::UniqueKey;
use crate::value::Tenant;

/// What [`decide`](super::decide) asks for besides unique keys.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// Ids of records, sorted and without repetitions.
    pub records: Vec<RecordId>,
    /// Names of numbers, sorted and without repetitions.
    pub numbers: Vec<CounterKey>,
}

/// What was read for a batch. It has an entry for each thing that was wanted, and the entry of an absent one is empty.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The records of [`wanted`].
    pub records: HashMap<RecordId, Option<Record>>,
    /// The records that hold the keys of [`wanted_keys`].
    pub holders: HashMap<UniqueKey, Option<RecordId>>,
    /// The numbers of [`wanted`].
    pub numbers: HashMap<CounterKey, Option<i64>>,
}

impl Look for Found {
    fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        self.records.get(&id).cloned().ok_or_else(unread)
    }

    fn holder(&self, key: &UniqueKey) -> Result<Option<RecordId>, StoreError> {
        self.holders.get(key).copied().ok_or_else(unread)
    }

    fn number(&self, key: &CounterKey) -> Result<Option<i64>, StoreError> {
        self.numbers.get(key).copied().ok_or_else(unread)
    }
}

fn unread() -> StoreError {
    StoreError::new(
        StoreErrorKind::Other,
        "referral",
        "commit",
        "the planner asked for what was not read ahead",
    )
}

/// The records and numbers to read before a batch is decided.
#[must_use]
pub fn wanted(batch: &[Changeset]) -> Wanted {
    let (mut records, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for change in batch.iter().flat_map(Changeset::changes) {
        match change {
            Change::Insert(record) | Change::Update { record, .. } => drop(records.insert(record.id())),
            Change::Delete { id, .. } | Change::Expect { id, .. } => drop(records.insert(*id)),
            Change::Patch { kind, of, .. } => {
                records.extend(of.iter().map(|(uuid, _)| RecordId { kind: *kind, uuid: *uuid }));
            }
            Change::Count { counter, .. } | Change::Tally { counter, .. } => drop(numbers.insert(counter)),
        }
    }
    Wanted { records: records.into_iter().collect(), numbers: numbers.into_iter().cloned().collect() }
}

/// The unique keys whose holders to read before a batch is decided, sorted and without repetitions. The records of
/// [`wanted`] must be in `found` by then, because an update keeps the tenant of the stored record, and so its keys depend
/// on that record.
#[must_use]
pub fn wanted_keys(batch: &[Changeset], found: &Found) -> Vec<UniqueKey> {
    let mut keys = BTreeSet::new();
    let mut inserted: HashMap<RecordId, HashSet<&Tenant>> = HashMap::new();
    for change in batch.iter().flat_map(Changeset::changes) {
        match change {
            Change::Insert(record) => {
                keys.extend(UniqueKey::all_of(record));
                inserted.entry(record.id()).or_default().insert(record.tenant());
            }
            Change::Update { record, .. } => {
                let stored = found.records.get(&record.id()).and_then(Option::as_ref);
                let held = stored.map(UniqueKey::all_of).unwrap_or_default();
                // It updates the stored record, or one that was inserted earlier in the batch.
                let inserted = inserted.get(&record.id()).into_iter().flatten().copied();
                for tenant in stored.map(Record::tenant).into_iter().chain(inserted) {
                    let new = UniqueKey::all_of(record).into_iter();
                    let new = new.map(|key| UniqueKey { tenant: tenant.clone(), ..key });
                    // What the stored record holds, it keeps or releases; neither takes a look.
                    keys.extend(new.filter(|key| !held.contains(key)));
                }
            }
            Change::Delete { .. }
            | Change::Expect { .. }
            | Change::Patch { .. }
            | Change::Count { .. }
            | Change::Tally { .. } => {}
        }
    }
    keys.into_iter().collect()
}
