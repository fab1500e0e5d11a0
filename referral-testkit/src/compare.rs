//! Compares everything that a store can be asked for with the model.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::Tenant;
use referral_core::store::{
    Change, Changeset, CounterKey, CounterPrefix, CounterRange, Family, Index, MAX_PAGE, Prefix, Range, Read,
    Record, RecordId, Seek, StoreError, UniqueKey, bytes,
};

use crate::model::Model;

/// What changesets have mentioned: what a store has to be asked for, also where nothing may be left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mentioned {
    pub(crate) ids: BTreeSet<RecordId>,
    pub(crate) keys: BTreeSet<UniqueKey>,
    /// Every prefix in which a record could ever have stood, under its bytes.
    pub(crate) places: BTreeMap<Vec<u8>, (Index, Prefix)>,
    /// Whose numbers there may be.
    pub(crate) families: BTreeSet<(Tenant, Family)>,
}

impl Mentioned {
    /// A changeset that the model has just answered.
    pub(crate) fn note(&mut self, changeset: &Changeset, after: &Model) {
        for change in changeset.changes() {
            match change {
                Change::Insert(record) | Change::Update { record, .. } => {
                    self.record(record);
                    // An update stays in the tenant and at the time of what it replaces.
                    self.stored(record.id(), after);
                }
                Change::Delete { id, .. } | Change::Expect { id, .. } => self.stored(*id, after),
                Change::Patch { kind, of, .. } => {
                    for (uuid, _) in of {
                        self.stored(RecordId { kind: *kind, uuid: *uuid }, after);
                    }
                }
                Change::Count { counter, .. } | Change::Tally { counter, .. } => {
                    self.families.insert((counter.tenant.clone(), counter.family));
                }
            }
        }
    }

    fn stored(&mut self, id: RecordId, after: &Model) {
        self.ids.insert(id);
        if let Some(record) = after.records.get(&id) {
            self.record(record);
        }
    }

    pub(crate) fn record(&mut self, record: &Record) {
        self.ids.insert(record.id());
        self.keys.extend(UniqueKey::all_of(record));
        let values = record.values();
        for index in Index::of(record.id().kind) {
            if let Some(entry) = index.entry(record, &values) {
                self.places.insert(bytes::prefix(index, &entry.prefix), (index, entry.prefix));
            }
        }
    }
}

/// That a store gives what the model has, for everything that was mentioned: every record by its id and by each of its
/// keys, every index in both directions, and every number; and nothing else.
pub(crate) async fn everything<S: Read + ?Sized>(
    store: &S,
    model: &Model,
    mentioned: &Mentioned,
) -> Result<(), String> {
    records(store, model, mentioned).await?;
    keys(store, model, mentioned).await?;
    let mut places = model.places();
    for (key, (index, prefix)) in &mentioned.places {
        places.entry(key.clone()).or_insert_with(|| (*index, prefix.clone(), Vec::new()));
    }
    for (index, prefix, expected) in places.into_values() {
        for ascending in [true, false] {
            place(store, model, (index, &prefix), &expected, ascending, MAX_PAGE).await?;
        }
    }
    for (tenant, family) in &mentioned.families {
        numbers(store, model, tenant, *family).await?;
    }
    Ok(())
}

/// That pages of two records follow each other in both directions, where there are a few.
pub(crate) async fn two_by_two<S: Read + ?Sized>(store: &S, model: &Model) -> Result<(), String> {
    for (index, prefix, expected) in model.places().into_values().filter(|(_, _, all)| all.len() < 12) {
        for ascending in [true, false] {
            place(store, model, (index, &prefix), &expected, ascending, 2).await?;
        }
    }
    Ok(())
}

fn failed(error: StoreError) -> String {
    format!("a read failed: {error:?}")
}

/// The records that a store has of these ids.
pub(crate) async fn stored<S: Read + ?Sized>(
    store: &S,
    ids: &BTreeSet<RecordId>,
) -> Result<BTreeMap<RecordId, Record>, String> {
    let ids: Vec<_> = ids.iter().copied().collect();
    let mut all = BTreeMap::new();
    for ids in ids.chunks(MAX_PAGE as usize) {
        let found = store.get(ids).await.map_err(failed)?;
        if found.len() != ids.len() {
            return Err(format!("get answers {} times to {} ids", found.len(), ids.len()));
        }
        for (id, found) in ids.iter().zip(found) {
            let Some(found) = found else { continue };
            if found.id() != *id {
                return Err(format!("get gives {found:?} for {id}"));
            }
            all.insert(*id, found);
        }
    }
    Ok(all)
}

async fn records<S: Read + ?Sized>(store: &S, model: &Model, mentioned: &Mentioned) -> Result<(), String> {
    let found = stored(store, &mentioned.ids).await?;
    match difference(&model.records, &found) {
        Some(difference) => Err(difference),
        None => Ok(()),
    }
}

/// The first record of which a store gives something else than is expected, in words.
pub(crate) fn difference(
    expected: &BTreeMap<RecordId, Record>,
    found: &BTreeMap<RecordId, Record>,
) -> Option<String> {
    let ids: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let id = ids.into_iter().find(|id| expected.get(id) != found.get(id))?;
    Some(format!("get of {id} gives {:?} instead of {:?}", found.get(id), expected.get(id)))
}

async fn keys<S: Read + ?Sized>(store: &S, model: &Model, mentioned: &Mentioned) -> Result<(), String> {
    let keys: Vec<_> = mentioned.keys.iter().cloned().collect();
    for keys in keys.chunks(MAX_PAGE as usize) {
        let found = store.find(keys).await.map_err(failed)?;
        if found.len() != keys.len() {
            return Err(format!("find answers {} times to {} keys", found.len(), keys.len()));
        }
        for (key, found) in keys.iter().zip(found) {
            let expected = model.find(key);
            if found != expected {
                return Err(format!("find of {key:?} gives {found:?} instead of {expected:?}"));
            }
        }
    }
    Ok(())
}

async fn place<S: Read + ?Sized>(
    store: &S,
    model: &Model,
    (index, prefix): (Index, &Prefix),
    expected: &[(Seek, RecordId)],
    ascending: bool,
    limit: u32,
) -> Result<(), String> {
    let mut expected: Vec<_> = expected.iter().collect();
    if !ascending {
        expected.reverse();
    }
    let way = if ascending { "oldest first" } else { "newest first" };
    let mut range = Range { ascending, ..Range::newest() };
    let mut pages = expected.chunks(limit as usize);
    loop {
        let expected = pages.next().unwrap_or_default();
        let found = store.page(index, prefix, &range, limit).await.map_err(failed)?;
        let same = |(found, (_, id)): (&Record, &&(Seek, RecordId))| {
            found.id() == *id && model.records.get(id) == Some(found)
        };
        if found.len() != expected.len() || !found.iter().zip(expected).all(same) {
            let ids: Vec<_> = found.iter().map(|record| record.id().uuid).collect();
            let wanted: Vec<_> = expected.iter().map(|(_, id)| id.uuid).collect();
            let what = first_difference(&ids, &wanted);
            return Err(format!("{index:?} of {prefix:?}, {way}, behind {:?}: {what}", range.after));
        }
        // The page behind the last one is empty, and that is asked for too.
        let Some((last, _)) = expected.last() else { return Ok(()) };
        range.after = Some(*last);
    }
}

fn first_difference<T: PartialEq + std::fmt::Debug>(found: &[T], wanted: &[T]) -> String {
    let (many, few) = (found.len(), wanted.len());
    match (0..many.max(few)).find(|at| found.get(*at) != wanted.get(*at)) {
        Some(at) => format!(
            "{many} came instead of {few}, and at place {at} {:?} instead of {:?}",
            found.get(at),
            wanted.get(at)
        ),
        None => "the right ones, and one of them is not as get gives it".to_owned(),
    }
}

/// Every number of a family that a store lists.
pub(crate) async fn listed<S: Read + ?Sized>(
    store: &S,
    tenant: &Tenant,
    family: Family,
) -> Result<BTreeMap<CounterKey, i64>, String> {
    let prefix = CounterPrefix { tenant: tenant.clone(), family, parts: Vec::new() };
    let mut range = CounterRange::first(MAX_PAGE);
    let mut all = BTreeMap::new();
    loop {
        let page = store.counters(&prefix, &range).await.map_err(failed)?;
        if page.is_empty() {
            return Ok(all);
        }
        for (key, value) in page {
            if range.after.as_ref().is_some_and(|last| key <= *last) {
                return Err(format!("{key:?} is listed behind {:?}", range.after));
            }
            range.after = Some(key.clone());
            all.insert(key, value);
        }
    }
}

async fn numbers<S: Read + ?Sized>(
    store: &S,
    model: &Model,
    tenant: &Tenant,
    family: Family,
) -> Result<(), String> {
    let found = listed(store, tenant, family).await?;
    let expected: BTreeMap<_, _> = model
        .numbers
        .iter()
        .filter(|(key, value)| key.tenant == *tenant && key.family == family && **value != 0)
        .map(|(key, value)| (key.clone(), *value))
        .collect();
    let keys: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    match keys.into_iter().find(|key| found.get(key) != expected.get(key)) {
        Some(key) => Err(format!("{key:?} is {:?} instead of {:?}", found.get(key), expected.get(key))),
        None => Ok(()),
    }
}
