//! The data of a broken store, and the seven changes on it, each with the defects that concern it.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, Outcome, Record, RecordId, Seek, UniqueKey, Value, Version,
};

use crate::breakage::Breakage;

use super::defect::Defect;
use super::keys::{entries, keys, number};

/// The data, and what a crash would leave of it.
#[derive(Debug, Default)]
pub(super) struct Data {
    pub(super) now: State,
    pub(super) saved: State,
    /// How often it was opened again.
    pub(super) opened: usize,
    pub(super) handles: super::handles::Handles,
    /// How the backend is broken.
    pub(super) broken: Option<Breakage>,
}

impl Data {
    /// The store is opened again.
    pub(super) fn crash(&mut self, defect: Option<Defect>) {
        self.opened += 1;
        match defect {
            Some(Defect::EverythingForgotten) => self.now = State::default(),
            Some(Defect::LastForgotten) => self.now = self.saved.clone(),
            Some(Defect::NumbersForgotten) => self.now.numbers.clear(),
            Some(Defect::IndexesForgotten) => {
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
    pub(super) defect: Option<Defect>,
    /// What was looked at a moment ago, and is not looked at again.
    pub(super) looked: bool,
    /// Whether a neighbour of the same batch was applied before.
    pub(super) beside: bool,
    /// The numbers that were read a moment ago.
    pub(super) seen: BTreeMap<CounterKey, i64>,
}

impl How {
    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Whether this check was made before, and is skipped now.
    fn skips(&self, defect: Defect) -> bool {
        self.looked && (self.is(defect) || self.is(Defect::BatchBlind))
    }
}

impl State {
    pub(super) fn apply(&mut self, changeset: &Changeset, how: &How) -> Outcome {
        let before = self.clone();
        let mut failed = None;
        let mut order: Vec<_> = changeset.changes().iter().enumerate().collect();
        if how.is(Defect::DeletesLast) {
            order.sort_by_key(|(_, change)| matches!(change, Change::Delete { .. }));
        }
        for (index, change) in order {
            if how.is(Defect::SecondPatchLost) && patched_before(changeset, index) {
                continue;
            }
            if how.is(Defect::TallyOnce) && tallied_later(changeset, index) {
                continue;
            }
            if how.is(Defect::SecondTallyLost) && tallied_before(changeset, index) {
                continue;
            }
            if let Err(conflict) = self.change(change, how) {
                failed = Some((index, conflict));
                if !how.is(Defect::LastFailure) {
                    break;
                }
            }
        }
        if failed.is_none() && how.is(Defect::KeysCheckedLast) {
            failed = self.doubly_held().map(|conflict| (0, conflict));
        }
        let Some((index, conflict)) = failed else { return Outcome::Applied };
        let torn = how.is(Defect::TornBesideApplied) && how.beside;
        if !how.is(Defect::PrefixKept) && !torn {
            let after = std::mem::replace(self, before);
            if how.is(Defect::NumbersSurvive) {
                self.numbers = after.numbers;
            }
        }
        Outcome::Conflict { index: if how.is(Defect::FirstIndex) { 0 } else { index }, conflict }
    }

    pub(super) fn change(&mut self, change: &Change, how: &How) -> Result<(), Conflict> {
        match change {
            Change::Insert(record) => self.insert(record, how),
            Change::Update { record, was } => self.update(record, *was, how),
            Change::Delete { id, was } => {
                if !how.is(Defect::BlindDelete) || !self.records.contains_key(id) {
                    self.expect(*id, *was, how)?;
                }
                self.put(*id, None, how);
                Ok(())
            }
            Change::Expect { id, was } => {
                if how.is(Defect::ExpectIgnored) || how.skips(Defect::WriteSkew) {
                    return Ok(());
                }
                self.expect(*id, *was, how)?;
                if how.is(Defect::ExpectWrites)
                    && let Some(record) = self.records.get_mut(id)
                {
                    *record = record.clone().at_version(was.next());
                }
                Ok(())
            }
            Change::Patch { .. } => self.patch(change, how),
            Change::Count { counter, add, within } => {
                let (min, max) = (within.min, within.max);
                let key = number(counter, how.defect);
                let value = self.number(&key, how);
                let refused = |value| Err(Conflict::OutOfBounds { counter: counter.clone(), value });
                let sum = match value.checked_add(*add) {
                    Some(sum) => sum,
                    None if how.is(Defect::CountWraps) => value.wrapping_add(*add),
                    None if how.is(Defect::CountSaturates) => value.saturating_add(*add),
                    None => return refused(value),
                };
                let tested = if how.is(Defect::BoundsOnValue) { value } else { sum };
                let inside = (how.is(Defect::LowerBoundIgnored) || min <= tested)
                    && (tested < max || (tested == max && !how.is(Defect::BoundsExclusive)));
                let free = how.is(Defect::AbsentUnbounded) && value == 0;
                let bad = how.is(Defect::NeverNegative) && sum < 0;
                if (!inside && !free && !how.skips(Defect::ReadThenCount)) || bad {
                    return refused(if how.is(Defect::NamesSum) { sum } else { value });
                }
                self.set(key, sum, how);
                Ok(())
            }
            Change::Tally { counter, add } => {
                let key = number(counter, how.defect);
                let value = self.number(&key, how);
                let add = if how.is(Defect::TallyPositive) { (*add).max(0) } else { *add };
                let sum = match value.checked_add(add) {
                    None if how.is(Defect::TallyWraps) => value.wrapping_add(add),
                    None if how.is(Defect::TallyRefused) => {
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
        if how.is(Defect::ReferencesChecked)
            && let Record::Alias(alias) = record
            && !self.records.contains_key(&alias.link.into())
        {
            return Err(Conflict::Stale { id: alias.link.into(), now: None });
        }
        if how.is(Defect::ExpiredRemoved)
            && let Record::Link(link) = record
            && link.expires_at.is_some_and(|at| at < link.created_at)
        {
            return Ok(());
        }
        let other = |found: &RecordId| found.uuid == id.uuid && how.is(Defect::KindsShareIds);
        let found = self
            .records
            .get(&id)
            .or_else(|| self.records.iter().find(|(found, _)| other(found)).map(|(_, record)| record));
        let known = found.map(Record::version);
        if how.is(Defect::RetryTaken) && known.is_some() {
            self.free(record, how)?;
        }
        if how.is(Defect::RetryCounts)
            && self.records.get(&id) == Some(&record.clone().at_version(Version::FIRST))
        {
            return Ok(());
        }
        if known.is_some() && !how.is(Defect::InsertOverwrites) && !how.skips(Defect::IdLookThenWrite) {
            return Err(Conflict::Stale { id, now: known });
        }
        self.free(record, how)?;
        let version = if how.is(Defect::VersionTrusted) { record.version() } else { Version::FIRST };
        self.put(id, Some(record.clone().at_version(version)), how);
        Ok(())
    }

    fn update(&mut self, record: &Record, was: Version, how: &How) -> Result<(), Conflict> {
        let id = record.id();
        let known = self.records.get(&id).cloned();
        let blind = match &known {
            Some(_) => how.is(Defect::LostUpdate) || how.skips(Defect::VersionLookThenWrite),
            None => how.is(Defect::UpdateInserts),
        };
        if !blind {
            self.expect(id, was, how)?;
        }
        let mut new = record.clone();
        if let Some(old) = known.as_ref().filter(|_| !how.is(Defect::UpdateMoves)) {
            new = new.replacing(old);
        }
        if !how.is(Defect::UpdateTakesNoKeys) {
            self.free(if how.is(Defect::UpdateKeysAsNamed) { record } else { &new }, how)?;
        }
        if let Some(old) = known.filter(|_| how.is(Defect::UpdateMerges)) {
            new = merged(&old, new);
        }
        let version = if how.is(Defect::VersionKept) { was } else { was.next() };
        self.put(id, Some(new.at_version(version)), how);
        Ok(())
    }

    fn patch(&mut self, change: &Change, how: &How) -> Result<(), Conflict> {
        let Change::Patch { kind, of, set } = change else { return Ok(()) };
        let limit = if how.is(Defect::PatchCut) { 500 } else { of.len() };
        let first = of.first().map(|(_, was)| *was);
        let mut refused = None;
        for (uuid, was) in of.iter().take(limit) {
            let id = RecordId { kind: *kind, uuid: *uuid };
            let known = self.records.get(&id).cloned();
            let blind = how.is(Defect::PatchIgnoresVersion) || how.skips(Defect::PatchLookThenWrite);
            if !(blind && known.is_some())
                && let Err(conflict) = self.expect(id, *was, how)
            {
                let passed = match known {
                    Some(_) => how.is(Defect::PatchPartial),
                    None => how.is(Defect::PatchSkipsAbsent),
                };
                if passed {
                    continue;
                }
                refused = Some(conflict);
                if how.is(Defect::PatchNamesLast) {
                    continue;
                }
                break;
            }
            let Some(old) = known else { continue };
            let mut patched = super::written::patched(&old, set, how.defect);
            patched = match how.defect {
                Some(Defect::PatchKeepsVersion) => patched.at_version(old.version()),
                Some(Defect::PatchVersionOfFirst) => patched.at_version(first.unwrap_or(*was).next()),
                _ => patched.at_version(old.version().next()),
            };
            if how.is(Defect::PatchKeepsEntries) {
                self.records.insert(id, patched);
                continue;
            }
            self.put(id, Some(patched), how);
            if how.is(Defect::PatchLosesKeys) {
                self.keys.retain(|_, holder| *holder != id);
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn expect(&self, id: RecordId, was: Version, how: &How) -> Result<(), Conflict> {
        let now = self.records.get(&id).map(Record::version);
        if now == Some(was) || how.skips(Defect::BatchBlind) {
            return Ok(());
        }
        Err(Conflict::Stale { id, now: if how.is(Defect::StaleNamesWanted) { Some(was) } else { now } })
    }

    /// Whether nobody else holds a key of the record.
    fn free(&self, record: &Record, how: &How) -> Result<(), Conflict> {
        if how.is(Defect::KeysUnchecked)
            || how.is(Defect::KeysCheckedLast)
            || how.skips(Defect::LookThenWrite)
        {
            return Ok(());
        }
        for (held, key) in keys(record, how.defect) {
            if let Some(holder) = self.keys.get(&held) {
                let own = *holder == record.id();
                if !own || how.is(Defect::OwnKeyTaken) || how.is(Defect::RetryTaken) && self.is_fresh(record)
                {
                    let asks = how.is(Defect::HolderInvented);
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
    pub(super) fn put(&mut self, id: RecordId, new: Option<Record>, how: &How) {
        let old = self.records.remove(&id);
        if let Some(old) = &old {
            let stay = if new.is_some() { Defect::UpdateKeepsKeys } else { Defect::DeleteKeepsKeys };
            if !how.is(stay) {
                for (key, _) in keys(old, how.defect) {
                    if self.keys.get(&key) == Some(&id) {
                        self.keys.remove(&key);
                    }
                }
            }
            let stay = if new.is_some() { Defect::EntriesStay } else { Defect::DeletedListed };
            if !how.is(stay) {
                for (prefix, seek) in entries(old, how.defect) {
                    self.entries.entry(prefix).or_default().remove(&seek);
                }
            }
            if new.is_none() && how.is(Defect::DeletedListed) {
                // A page can only show it where it is still to be had.
                self.records.insert(RecordId { kind: id.kind, uuid: ghost(id.uuid) }, old.clone());
            }
        }
        let Some(new) = new else { return };
        let new = super::written::written(new, how.defect);
        if old.is_none() || !how.is(Defect::UpdateTakesNoKeys) {
            self.keys.extend(keys(&new, how.defect).into_iter().map(|(key, _)| (key, id)));
        }
        for (prefix, seek) in entries(&new, how.defect) {
            self.entries.entry(prefix).or_default().insert(seek);
        }
        self.records.insert(id, new);
    }

    fn number(&self, key: &CounterKey, how: &How) -> i64 {
        let seen = how.looked && (how.is(Defect::ReadThenCount) || how.is(Defect::ReadThenTally));
        let numbers = if seen { &how.seen } else { &self.numbers };
        numbers.get(key).copied().unwrap_or(0)
    }

    pub(super) fn set(&mut self, key: CounterKey, value: i64, how: &How) {
        if value == 0 && !how.is(Defect::ZeroListed) {
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
