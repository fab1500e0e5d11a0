//! The data of a broken store, and the seven changes on it, each with the faults that concern it.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, Outcome, Record, RecordId, Seek, UniqueKey, Value, Version,
};

use super::Fault;
use super::keys::{entries, keys, number};

/// The data, and what a crash would leave of it.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) now: State,
    pub(super) saved: State,
    /// How often it was opened again.
    pub(super) opened: usize,
}

impl Data {
    /// The store is opened again.
    pub(super) fn crash(&mut self, fault: Option<Fault>) {
        self.opened += 1;
        match fault {
            Some(Fault::EverythingForgotten) => self.now = State::default(),
            Some(Fault::LastForgotten) => self.now = self.saved.clone(),
            Some(Fault::NumbersForgotten) => self.now.numbers.clear(),
            Some(Fault::IndexesForgotten) => {
                self.now.keys.clear();
                self.now.entries.clear();
            }
            _ => {}
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) records: BTreeMap<RecordId, Record>,
    pub(super) keys: BTreeMap<UniqueKey, RecordId>,
    /// The places of each prefix, under its bytes.
    pub(super) entries: BTreeMap<Vec<u8>, BTreeSet<Seek>>,
    pub(super) numbers: BTreeMap<CounterKey, i64>,
}

/// How to apply a changeset.
#[derive(Clone, Debug, Default)]
pub(super) struct How {
    pub(super) fault: Option<Fault>,
    /// What was looked at a moment ago, and is not looked at again.
    pub(super) looked: bool,
    /// Whether a neighbour of the same batch was applied before.
    pub(super) beside: bool,
    /// The numbers that were read a moment ago.
    pub(super) seen: BTreeMap<CounterKey, i64>,
}

impl How {
    fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Whether this check was made before, and is skipped now.
    fn skips(&self, fault: Fault) -> bool {
        self.looked && (self.is(fault) || self.is(Fault::BatchBlind))
    }
}

impl State {
    pub(super) fn apply(&mut self, changeset: &Changeset, how: &How) -> Outcome {
        let before = self.clone();
        let mut failed = None;
        let mut order: Vec<_> = changeset.changes().iter().enumerate().collect();
        if how.is(Fault::DeletesLast) {
            order.sort_by_key(|(_, change)| matches!(change, Change::Delete { .. }));
        }
        for (index, change) in order {
            if how.is(Fault::SecondPatchLost) && patched_before(changeset, index) {
                continue;
            }
            if how.is(Fault::TallyOnce) && tallied_later(changeset, index) {
                continue;
            }
            if how.is(Fault::SecondTallyLost) && tallied_before(changeset, index) {
                continue;
            }
            if let Err(conflict) = self.change(change, how) {
                failed = Some((index, conflict));
                if !how.is(Fault::LastFailure) {
                    break;
                }
            }
        }
        if failed.is_none() && how.is(Fault::KeysCheckedLast) {
            failed = self.doubly_held().map(|conflict| (0, conflict));
        }
        let Some((index, conflict)) = failed else { return Outcome::Applied };
        let torn = how.is(Fault::TornBesideApplied) && how.beside;
        if !how.is(Fault::PrefixKept) && !torn {
            let after = std::mem::replace(self, before);
            if how.is(Fault::NumbersSurvive) {
                self.numbers = after.numbers;
            }
        }
        Outcome::Conflict { index: if how.is(Fault::FirstIndex) { 0 } else { index }, conflict }
    }

    pub(super) fn change(&mut self, change: &Change, how: &How) -> Result<(), Conflict> {
        match change {
            Change::Insert(record) => self.insert(record, how),
            Change::Update { record, was } => self.update(record, *was, how),
            Change::Delete { id, was } => {
                if !how.is(Fault::BlindDelete) || !self.records.contains_key(id) {
                    self.expect(*id, *was, how)?;
                }
                self.put(*id, None, how);
                Ok(())
            }
            Change::Expect { id, was } => {
                if how.is(Fault::ExpectIgnored) || how.skips(Fault::WriteSkew) {
                    return Ok(());
                }
                self.expect(*id, *was, how)?;
                if how.is(Fault::ExpectWrites)
                    && let Some(record) = self.records.get_mut(id)
                {
                    *record = record.clone().at_version(was.next());
                }
                Ok(())
            }
            Change::Patch { .. } => self.patch(change, how),
            Change::Count { counter, add, within } => {
                let (min, max) = (within.min, within.max);
                let key = number(counter, how.fault);
                let value = self.number(&key, how);
                let refused = |value| Err(Conflict::OutOfBounds { counter: counter.clone(), value });
                let sum = match value.checked_add(*add) {
                    Some(sum) => sum,
                    None if how.is(Fault::CountWraps) => value.wrapping_add(*add),
                    None if how.is(Fault::CountSaturates) => value.saturating_add(*add),
                    None => return refused(value),
                };
                let tested = if how.is(Fault::BoundsOnValue) { value } else { sum };
                let inside = (how.is(Fault::LowerBoundIgnored) || min <= tested)
                    && (tested < max || (tested == max && !how.is(Fault::BoundsExclusive)));
                let free = how.is(Fault::AbsentUnbounded) && value == 0;
                let bad = how.is(Fault::NeverNegative) && sum < 0;
                if (!inside && !free && !how.skips(Fault::ReadThenCount)) || bad {
                    return refused(if how.is(Fault::NamesSum) { sum } else { value });
                }
                self.set(key, sum, how);
                Ok(())
            }
            Change::Tally { counter, add } => {
                let key = number(counter, how.fault);
                let value = self.number(&key, how);
                let add = if how.is(Fault::TallyPositive) { (*add).max(0) } else { *add };
                let sum = match value.checked_add(add) {
                    None if how.is(Fault::TallyWraps) => value.wrapping_add(add),
                    None if how.is(Fault::TallyRefused) => {
                        return Err(Conflict::OutOfBounds { counter: counter.clone(), value });
                    }
                    _ => value.saturating_add(add),
                };
                self.set(key, sum, how);
                Ok(())
            }
        }
    }

    fn insert(&mut self, record: &Record, how: &How) -> Result<(), Conflict> {
        let id = record.id();
        if how.is(Fault::ReferencesChecked)
            && let Record::Alias(alias) = record
            && !self.records.contains_key(&alias.link.into())
        {
            return Err(Conflict::Stale { id: alias.link.into(), now: None });
        }
        let other = |found: &RecordId| found.uuid == id.uuid && how.is(Fault::KindsShareIds);
        let found = self
            .records
            .get(&id)
            .or_else(|| self.records.iter().find(|(found, _)| other(found)).map(|(_, record)| record));
        let known = found.map(Record::version);
        if how.is(Fault::RetryTaken) && known.is_some() {
            self.free(record, how)?;
        }
        if how.is(Fault::RetryCounts)
            && self.records.get(&id) == Some(&record.clone().at_version(Version::FIRST))
        {
            return Ok(());
        }
        if known.is_some() && !how.is(Fault::InsertOverwrites) && !how.skips(Fault::IdLookThenWrite) {
            return Err(Conflict::Stale { id, now: known });
        }
        self.free(record, how)?;
        let version = if how.is(Fault::VersionTrusted) { record.version() } else { Version::FIRST };
        self.put(id, Some(record.clone().at_version(version)), how);
        Ok(())
    }

    fn update(&mut self, record: &Record, was: Version, how: &How) -> Result<(), Conflict> {
        let id = record.id();
        let known = self.records.get(&id).cloned();
        let blind = match &known {
            Some(_) => how.is(Fault::LostUpdate) || how.skips(Fault::VersionLookThenWrite),
            None => how.is(Fault::UpdateInserts),
        };
        if !blind {
            self.expect(id, was, how)?;
        }
        if !how.is(Fault::UpdateTakesNoKeys) {
            self.free(record, how)?;
        }
        let mut new = record.clone();
        if let Some(old) = known.as_ref().filter(|_| !how.is(Fault::UpdateMoves)) {
            new = new.replacing(old);
        }
        if let Some(old) = known.filter(|_| how.is(Fault::UpdateMerges)) {
            new = merged(&old, new);
        }
        let version = if how.is(Fault::VersionKept) { was } else { was.next() };
        self.put(id, Some(new.at_version(version)), how);
        Ok(())
    }

    fn patch(&mut self, change: &Change, how: &How) -> Result<(), Conflict> {
        let Change::Patch { kind, of, set } = change else { return Ok(()) };
        let limit = if how.is(Fault::PatchCut) { 500 } else { of.len() };
        let first = of.first().map(|(_, was)| *was);
        let mut refused = None;
        for (uuid, was) in of.iter().take(limit) {
            let id = RecordId { kind: *kind, uuid: *uuid };
            let known = self.records.get(&id).cloned();
            let blind = how.is(Fault::PatchIgnoresVersion) || how.skips(Fault::PatchLookThenWrite);
            if !(blind && known.is_some())
                && let Err(conflict) = self.expect(id, *was, how)
            {
                let passed = match known {
                    Some(_) => how.is(Fault::PatchPartial),
                    None => how.is(Fault::PatchSkipsAbsent),
                };
                if passed {
                    continue;
                }
                refused = Some(conflict);
                if how.is(Fault::PatchNamesLast) {
                    continue;
                }
                break;
            }
            let Some(old) = known else { continue };
            let mut patched = super::written::patched(&old, set, how.fault);
            patched = match how.fault {
                Some(Fault::PatchKeepsVersion) => patched.at_version(old.version()),
                Some(Fault::PatchVersionOfFirst) => patched.at_version(first.unwrap_or(*was).next()),
                _ => patched.at_version(old.version().next()),
            };
            if how.is(Fault::PatchKeepsEntries) {
                self.records.insert(id, patched);
                continue;
            }
            self.put(id, Some(patched), how);
            if how.is(Fault::PatchLosesKeys) {
                self.keys.retain(|_, holder| *holder != id);
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn expect(&self, id: RecordId, was: Version, how: &How) -> Result<(), Conflict> {
        let now = self.records.get(&id).map(Record::version);
        if now == Some(was) || how.skips(Fault::BatchBlind) {
            return Ok(());
        }
        Err(Conflict::Stale { id, now: if how.is(Fault::StaleNamesWanted) { Some(was) } else { now } })
    }

    /// Whether nobody else holds a key of the record.
    fn free(&self, record: &Record, how: &How) -> Result<(), Conflict> {
        if how.is(Fault::KeysUnchecked) || how.is(Fault::KeysCheckedLast) || how.skips(Fault::LookThenWrite) {
            return Ok(());
        }
        for (held, key) in keys(record, how.fault) {
            if let Some(holder) = self.keys.get(&held) {
                let own = *holder == record.id();
                if !own || how.is(Fault::OwnKeyTaken) || how.is(Fault::RetryTaken) && self.is_fresh(record) {
                    let asks = how.is(Fault::HolderInvented);
                    return Err(Conflict::Taken { key, holder: if asks { record.id() } else { *holder } });
                }
            }
        }
        Ok(())
    }

    /// Whether what asks is the insert of a record that is there at its first version.
    fn is_fresh(&self, record: &Record) -> bool {
        self.records.get(&record.id()).is_some_and(|found| found.version() == Version::FIRST)
    }

    fn doubly_held(&self) -> Option<Conflict> {
        let mut holders: BTreeMap<UniqueKey, RecordId> = BTreeMap::new();
        for record in self.records.values() {
            for key in UniqueKey::all_of(record) {
                if let Some(holder) = holders.insert(key.clone(), record.id()) {
                    return Some(Conflict::Taken { key, holder });
                }
            }
        }
        None
    }

    /// Replaces a record, its keys and its entries.
    fn put(&mut self, id: RecordId, new: Option<Record>, how: &How) {
        let old = self.records.remove(&id);
        if let Some(old) = &old {
            let stay = if new.is_some() { Fault::UpdateKeepsKeys } else { Fault::DeleteKeepsKeys };
            if !how.is(stay) {
                for (key, _) in keys(old, how.fault) {
                    if self.keys.get(&key) == Some(&id) {
                        self.keys.remove(&key);
                    }
                }
            }
            let stay = if new.is_some() { Fault::EntriesStay } else { Fault::DeletedListed };
            if !how.is(stay) {
                for (prefix, seek) in entries(old, how.fault) {
                    self.entries.entry(prefix).or_default().remove(&seek);
                }
            }
            if new.is_none() && how.is(Fault::DeletedListed) {
                // A page can only show it where it is still to be had.
                self.records.insert(RecordId { kind: id.kind, uuid: ghost(id.uuid) }, old.clone());
            }
        }
        let Some(new) = new else { return };
        let new = super::written::written(new, how.fault);
        if old.is_none() || !how.is(Fault::UpdateTakesNoKeys) {
            self.keys.extend(keys(&new, how.fault).into_iter().map(|(key, _)| (key, id)));
        }
        for (prefix, seek) in entries(&new, how.fault) {
            self.entries.entry(prefix).or_default().insert(seek);
        }
        self.records.insert(id, new);
    }

    fn number(&self, key: &CounterKey, how: &How) -> i64 {
        let seen = how.looked && (how.is(Fault::ReadThenCount) || how.is(Fault::ReadThenTally));
        let numbers = if seen { &how.seen } else { &self.numbers };
        numbers.get(key).copied().unwrap_or(0)
    }

    fn set(&mut self, key: CounterKey, value: i64, how: &How) {
        if value == 0 && !how.is(Fault::ZeroListed) {
            self.numbers.remove(&key);
        } else {
            self.numbers.insert(key, value);
        }
    }
}

/// Where a deleted record goes that a page shall still show.
pub(super) fn ghost(uuid: uuid::Uuid) -> uuid::Uuid {
    uuid::Uuid::from_u128(!uuid.as_u128())
}

fn tallied_later(changeset: &Changeset, index: usize) -> bool {
    let Some(Change::Tally { counter, .. }) = changeset.changes().get(index) else { return false };
    let same = |change: &Change| matches!(change, Change::Tally { counter: other, .. } if other == counter);
    changeset.changes().iter().skip(index + 1).any(same)
}

fn patched_before(changeset: &Changeset, index: usize) -> bool {
    let is_patch = |change: &Change| matches!(change, Change::Patch { .. });
    changeset.changes().get(index).is_some_and(is_patch)
        && changeset.changes().iter().take(index).any(is_patch)
}

fn tallied_before(changeset: &Changeset, index: usize) -> bool {
    let is_tally = |change: &Change| matches!(change, Change::Tally { .. });
    changeset.changes().get(index).is_some_and(is_tally)
        && changeset.changes().iter().take(index).any(is_tally)
}

fn merged(old: &Record, new: Record) -> Record {
    let values = new.values().into_iter().zip(old.values());
    let values = values.map(|(new, old)| if new == Value::Null { old } else { new }).collect();
    Record::from_values(new.id().kind, values).unwrap_or(new)
}
