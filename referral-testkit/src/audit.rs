//! Checks that hold for every store at rest. They run after each case, through the public reads only.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::store::{
    CounterKey, CounterPrefix, CounterRange, Family, Index, KeyPart, Kind, MAX_PAGE, Part, Prefix, Range,
    Read, Record, RecordId, Seek, StoreError, UniqueKey, bytes,
};
use referral_core::{Action, Link, ResponseId, Tenant};

use crate::history::{History, Past};
use crate::make::text;
use crate::words;

/// The most prefixes that are read. A case that fills more has others of the same shape.
const PLACES: usize = 1500;

/// A prefix with at most so many records is read in both directions.
const MANY: usize = 150;

type Verdict = Result<(), String>;

/// Compares what a store gives with itself and with what was acknowledged.
///
/// Every record that can be reached is found by its id, by each of its unique keys and exactly once in each index, and no
/// key and no index that was ever offered a record knows another one. A record that was never deleted is at the version
/// of its acknowledged writes; a number is the sum of what was acknowledged to have been added.
///
/// Where all responses came from the facade, `counted`, every statistic is the number of the responses that it is
/// about, there is no other statistic, and no link was used more often than it may be.
pub(crate) async fn audit<S: Read + ?Sized>(store: &S, history: &History, counted: bool) -> Verdict {
    let past = history.past();
    let records = everything(store, &past).await?;
    points(store, &records).await?;
    keys(store, &records, &past).await?;
    indexes(store, &records, &past).await?;
    lives(&records, &past)?;
    truthful(&records, &past)?;
    let numbers = numbers(store, &past).await?;
    if counted { statistics(&records, &numbers) } else { Ok(()) }
}

fn failed(error: StoreError) -> String {
    format!("a read of a store at rest: expected an answer, came {}", words::error(&error))
}

/// A place of an index, for a person.
fn place(index: Index, prefix: &Prefix) -> String {
    let tenant = prefix.tenant.as_str();
    format!("{index:?} of {} in tenant {tenant:?}", words::some(&prefix.parts, words::value))
}

/// What is missing from a list, what should not stand there, and both lists.
fn lists(came: &[RecordId], expected: &[RecordId]) -> String {
    let beyond = |some: &[RecordId], others: &[RecordId]| {
        let others: BTreeSet<_> = others.iter().collect();
        let beyond: Vec<_> = some.iter().filter(|id| !others.contains(id)).collect();
        words::some(&beyond, |id| id.to_string())
    };
    let say = |ids: &[RecordId]| format!("{} records {}", ids.len(), words::some(ids, RecordId::to_string));
    let (missing, more) = (beyond(expected, came), beyond(came, expected));
    format!("expected {}\n    came {}\nmissing {missing}, too many {more}", say(expected), say(came))
}

/// Every record that can be reached: those that were ever offered, those of the indexes that hold a whole tenant,
/// and those that belong to a record which somebody else wrote.
async fn everything<S: Read + ?Sized>(store: &S, past: &Past) -> Result<BTreeMap<RecordId, Record>, String> {
    let mut all = BTreeMap::new();
    let offered: Vec<_> = past.records.keys().copied().collect();
    for ids in offered.chunks(MAX_PAGE as usize) {
        let found = store.get(ids).await.map_err(failed)?;
        all.extend(found.into_iter().flatten().map(|record| (record.id(), record)));
    }
    let is_whole = |index: &&Index| index.shape().parts.is_empty();
    for tenant in past.tenants() {
        for index in Index::ALL.iter().filter(is_whole) {
            for record in walk(store, *index, &Prefix::new(&tenant)).await? {
                all.insert(record.id(), record);
            }
        }
    }
    // A kind without such an index is reached through the records that it belongs to.
    let foreign: Vec<_> = all.values().filter(|record| !past.records.contains_key(&record.id())).collect();
    let mut owned = Vec::new();
    for record in foreign.into_iter().take(PLACES) {
        for index in Index::ALL.iter().filter(|index| leads_from(record.id().kind, **index)) {
            let prefix = Prefix::new(record.tenant()).uuid(record.id().uuid);
            owned.extend(walk(store, *index, &prefix).await?);
        }
    }
    all.extend(owned.into_iter().map(|record| (record.id(), record)));
    Ok(all)
}

/// Whether an index lists what belongs to a record of this kind, and its kind has no index of a whole tenant.
fn leads_from(kind: Kind, index: Index) -> bool {
    let shape = index.shape();
    shape.parts == [Part::Is(kind.name())]
        && Index::of(shape.kind).all(|index| !index.shape().parts.is_empty())
}

/// All records of a prefix, oldest first. Checks their order and, where they are few, that the other direction
/// gives the same.
async fn walk<S: Read + ?Sized>(store: &S, index: Index, prefix: &Prefix) -> Result<Vec<Record>, String> {
    let forth = one_way(store, index, prefix, true).await?;
    if forth.len() <= MANY {
        let mut back = one_way(store, index, prefix, false).await?;
        back.reverse();
        if forth != back {
            let [forth, back] = [&forth, &back].map(|way| way.iter().map(Record::id).collect::<Vec<_>>());
            let place = place(index, prefix);
            return Err(format!("{place} is not the same in both directions\n{}", lists(&back, &forth)));
        }
    }
    Ok(forth)
}

async fn one_way<S: Read + ?Sized>(
    store: &S,
    index: Index,
    prefix: &Prefix,
    ascending: bool,
) -> Result<Vec<Record>, String> {
    let mut found = Vec::new();
    let mut range = Range { ascending, ..Range::newest() };
    loop {
        let page = store.page(index, prefix, &range, MAX_PAGE).await.map_err(failed)?;
        for record in &page {
            let seek = seek(index, record).ok_or_else(|| {
                format!("{} gives {}, which has no place in it", place(index, prefix), record.id())
            })?;
            if range.after.is_some_and(|last| if ascending { seek <= last } else { seek >= last }) {
                return Err(format!("{} is out of order at {}", place(index, prefix), record.id()));
            }
            range.after = Some(seek);
        }
        let full = page.len() == MAX_PAGE as usize;
        found.extend(page);
        if !full {
            return Ok(found);
        }
    }
}

fn seek(index: Index, record: &Record) -> Option<Seek> {
    index.entry(record, &record.values()).map(|entry| entry.seek)
}

async fn points<S: Read + ?Sized>(store: &S, records: &BTreeMap<RecordId, Record>) -> Verdict {
    let ids: Vec<_> = records.keys().copied().collect();
    for ids in ids.chunks(MAX_PAGE as usize) {
        let found = store.get(ids).await.map_err(failed)?;
        for (id, found) in ids.iter().zip(found) {
            if found.as_ref() != records.get(id) {
                let sides = words::sides(&found.as_ref(), &records.get(id));
                return Err(format!("get of {id} gives another record than the walk found\n{sides}"));
            }
        }
    }
    Ok(())
}

/// Every key leads to its holder, and a key that nobody holds leads to nobody.
async fn keys<S: Read + ?Sized>(store: &S, records: &BTreeMap<RecordId, Record>, past: &Past) -> Verdict {
    let mut holders: BTreeMap<UniqueKey, Option<RecordId>> =
        past.keys.iter().map(|key| (key.clone(), None)).collect();
    for record in records.values() {
        for key in UniqueKey::all_of(record) {
            if let Some(Some(other)) = holders.insert(key.clone(), Some(record.id())) {
                return Err(format!("{other} and {} both hold {}", record.id(), words::key(&key)));
            }
        }
    }
    let holders: Vec<_> = holders.into_iter().collect();
    for some in holders.chunks(MAX_PAGE as usize) {
        let keys: Vec<_> = some.iter().map(|(key, _)| key.clone()).collect();
        let found = store.find(&keys).await.map_err(failed)?;
        for ((key, holder), found) in some.iter().zip(found) {
            if found.as_ref() != holder.and_then(|id| records.get(&id)) {
                let expected = words::record(holder.and_then(|id| records.get(&id)));
                let came = words::record(found.as_ref());
                return Err(format!("find {}: expected {expected}, came {came}", words::key(key)));
            }
        }
    }
    Ok(())
}

/// A prefix of an index, and the records that stand in it.
type Place = (Index, Prefix, Vec<(Seek, RecordId)>);

/// Every prefix in which a record stands or ever stood holds exactly the records that stand in it.
async fn indexes<S: Read + ?Sized>(store: &S, records: &BTreeMap<RecordId, Record>, past: &Past) -> Verdict {
    let mut places: BTreeMap<Vec<u8>, Place> = past
        .places
        .iter()
        .map(|(key, (index, prefix))| (key.clone(), (*index, prefix.clone(), Vec::new())))
        .collect();
    for record in records.values() {
        let values = record.values();
        for index in Index::of(record.id().kind) {
            if let Some(entry) = index.entry(record, &values) {
                let place = places
                    .entry(bytes::prefix(index, &entry.prefix))
                    .or_insert_with(|| (index, entry.prefix.clone(), Vec::new()));
                place.2.push((entry.seek, record.id()));
            }
        }
    }
    for (index, prefix, mut expected) in places.into_values().take(PLACES) {
        expected.sort_unstable();
        let found = walk(store, index, &prefix).await?;
        for record in &found {
            if records.get(&record.id()) != Some(record) {
                let sides = words::sides(&Some(record), &records.get(&record.id()));
                let place = self::place(index, &prefix);
                return Err(format!("{place} gives another {} than get\n{sides}", record.id()));
            }
        }
        let found: Vec<_> = found.iter().map(Record::id).collect();
        let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
        if found != expected {
            let place = self::place(index, &prefix);
            return Err(format!(
                "{place} holds other records than belong there\n{}",
                lists(&found, &expected)
            ));
        }
    }
    Ok(())
}

/// A record that a conflict named is there, unless it was deleted.
fn truthful(records: &BTreeMap<RecordId, Record>, past: &Past) -> Verdict {
    let gone = |id: &RecordId| past.records.get(id).is_some_and(|life| life.deleted);
    match past.named.iter().find(|id| !records.contains_key(id) && !gone(id)) {
        Some(id) => Err(format!("a conflict named {id}: expected a stored record, came one that never was")),
        None => Ok(()),
    }
}

/// A record is at the version of its acknowledged writes.
fn lives(records: &BTreeMap<RecordId, Record>, past: &Past) -> Verdict {
    for (id, life) in &past.records {
        if life.uncertain || life.deleted {
            continue;
        }
        let version = records.get(id).map_or(0, |record| record.version().get());
        if version != life.writes {
            return Err(format!(
                "{id}: expected version {}, the number of the writes that were acknowledged, came {version}",
                life.writes
            ));
        }
    }
    Ok(())
}

/// A number is the sum of what was acknowledged to have been added. No listed number is 0, and none is listed
/// twice.
async fn numbers<S: Read + ?Sized>(store: &S, past: &Past) -> Result<BTreeMap<CounterKey, i64>, String> {
    let families: BTreeSet<(Tenant, Family)> =
        past.numbers.keys().map(|key| (key.tenant.clone(), key.family)).collect();
    let mut found: BTreeMap<CounterKey, i64> = BTreeMap::new();
    for (tenant, family) in families {
        let prefix = CounterPrefix { tenant, family, parts: Vec::new() };
        let mut range = CounterRange::first(MAX_PAGE);
        loop {
            let page = store.counters(&prefix, &range).await.map_err(failed)?;
            for (key, value) in &page {
                if *value == 0 {
                    return Err(format!("{} is 0, and listed", words::number(key)));
                }
                if range.after.as_ref().is_some_and(|last| key <= last) {
                    return Err(format!("{} is listed out of order", words::number(key)));
                }
                range.after = Some(key.clone());
            }
            let full = page.len() == MAX_PAGE as usize;
            found.extend(page);
            if !full {
                break;
            }
        }
    }
    for (key, number) in &past.numbers {
        let value = found.get(key).copied().unwrap_or(0);
        if !number.uncertain && i128::from(value) != number.sum {
            let expected = number.sum;
            let key = words::number(key);
            return Err(format!(
                "{key}: expected {expected}, the sum of what was acknowledged, came {value}"
            ));
        }
    }
    Ok(found)
}

/// The statistics are those of the records. Days of owners are kept only where the host says so, so they are looked at
/// only where there are any.
fn statistics(records: &BTreeMap<RecordId, Record>, found: &BTreeMap<CounterKey, i64>) -> Verdict {
    let mut expected: BTreeMap<CounterKey, i64> = BTreeMap::new();
    let first = first_touches(records);
    for record in records.values() {
        let Record::Response(response) = record else { continue };
        let link = text::<KeyPart>(&response.link.to_string());
        let action = KeyPart::from(&response.action);
        let at = response.created_at;
        let mut add = |[total, hourly, daily]: [Family; 3]| {
            let key = |family, parts| CounterKey::new(response.tenant.clone(), family, parts);
            let of_link = || [link.clone(), action.clone()];
            for key in [
                key(total, of_link()),
                key(hourly, of_link()).in_bucket(at.hour()),
                key(daily, [action.clone(), KeyPart::NONE]).in_bucket(at.day()),
            ] {
                *expected.entry(key).or_default() += 1;
            }
        };
        if response.counted {
            add([Family::Responses, Family::ResponsesByHour, Family::ResponsesByDay]);
        } else {
            add([Family::Flagged, Family::FlaggedByHour, Family::FlaggedByDay]);
        }
        if response.counted && first.contains(&response.id) {
            add([Family::NewVisitors, Family::NewVisitorsByHour, Family::NewVisitorsByDay]);
        }
        let used = RecordId::from(response.link);
        if let Some(Record::Link(link)) = records.get(&used)
            && link.limits.clicks.is_some()
            && response.counted
            && response.action == Action::RESPONDED
        {
            let parts = [text::<KeyPart>(&link.id.to_string()), KeyPart::NONE];
            *expected
                .entry(CounterKey::new(response.tenant.clone(), Family::LinkUses, parts))
                .or_default() += 1;
        }
    }
    for key in expected.keys().chain(found.keys()) {
        let (records, number) = (expected.get(key).unwrap_or(&0), found.get(key).unwrap_or(&0));
        // A token that no touch of this store gave makes a visitor known whom no record shows.
        let at_most =
            matches!(key.family, Family::NewVisitors | Family::NewVisitorsByHour | Family::NewVisitorsByDay);
        if (at_most && number > records) || (!at_most && records != number) {
            let key = words::number(key);
            return Err(format!("{key}: expected {records}, the number of such responses, came {number}"));
        }
    }
    same_sums(found, [Family::NewVisitors, Family::NewVisitorsByHour, Family::NewVisitorsByDay])?;
    for link in records.values().filter_map(|record| Link::try_from(record.clone()).ok()) {
        let Some(limit) = link.limits.clicks else { continue };
        let parts = [text::<KeyPart>(&link.id.to_string()), KeyPart::NONE];
        let used = found.get(&CounterKey::new(link.tenant.clone(), Family::LinkUses, parts));
        if used.is_some_and(|used| *used > i64::from(limit)) {
            let used = used.copied().unwrap_or(0);
            return Err(format!("link {}: expected at most {limit} uses, came {used}", link.id));
        }
    }
    Ok(())
}

/// The totals, the hours and the days of a tenant have the same sum.
fn same_sums(found: &BTreeMap<CounterKey, i64>, levels: [Family; 3]) -> Verdict {
    let mut sums: BTreeMap<(&Tenant, Family), i64> = BTreeMap::new();
    for (key, number) in found {
        *sums.entry((&key.tenant, key.family)).or_default() += number;
    }
    for (tenant, _) in sums.keys().filter(|(_, family)| levels.contains(family)) {
        let [total, hours, days] = levels.map(|family| sums.get(&(*tenant, family)).copied().unwrap_or(0));
        if total != hours || total != days {
            return Err(format!(
                "{levels:?} of {tenant:?}: expected the same sum of each, came {total}, {hours} and {days}"
            ));
        }
    }
    Ok(())
}

/// The first touch of each visitor, made before anybody knew which user it was: by it the browser got its token.
fn first_touches(records: &BTreeMap<RecordId, Record>) -> BTreeSet<ResponseId> {
    let mut first = BTreeMap::new();
    for record in records.values() {
        let Record::Response(response) = record else { continue };
        let unknown_then = response.user.is_none() || response.claimed_at.is_some();
        if let Some(visitor) =
            response.visitor.filter(|_| unknown_then && response.action == Action::RESPONDED)
        {
            let place = (response.created_at, response.id);
            let earliest = first.entry((response.tenant.clone(), visitor)).or_insert(place);
            *earliest = place.min(*earliest);
        }
    }
    first.into_values().map(|(_, id)| id).collect()
}
