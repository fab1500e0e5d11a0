//! Keys that begin alike are different wherever they differ, as an engine that keeps the beginning of a key, or a hash
//! of it, has to know.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::store::{
    CounterKey, CounterRange, Family, Index, Kind, Part, Prefix, Range, Record, Seek, Unique, UniqueKey,
    Value, bytes,
};
use uuid::Uuid;

use super::LONGEST;
use crate::cx::Cx;
use crate::fill;
use crate::make::{count_any, counter_of, insert, numbers_of, tally};

/// The bytes behind which databases, hashes and fixed columns like to cut, and their neighbours.
const PLACES: [usize; 14] = [30, 31, 35, 58, 59, 60, 62, 63, 64, 99, 127, 128, 190, 253];

/// The record under another id, with another byte at this place of a text column; `None` where it takes no such text.
fn varied_at(record: &Record, id: Uuid, column: &str, place: usize) -> Option<Record> {
    let kind = record.id().kind;
    let mut values = record.values();
    values[kind.position("id")?] = Value::Uuid(id);
    let position = kind.position(column)?;
    let Value::Text(old) = &values[position] else { return None };
    let (start, end) = (old.get(..place)?, old.get(place + 1..)?);
    let other = if old.get(place..=place)? == "a" { 'b' } else { 'a' };
    values[position] = Value::Text(format!("{start}{other}{end}").into());
    let varied = Record::from_values(kind, values).ok()?;
    (varied.values()[position] != record.values()[position]).then_some(varied)
}

/// One record of the kind at full length, and others that differ from it in one byte of this column each.
fn variants(cx: &Cx, kind: Kind, column: &str) -> Vec<Record> {
    let first = cx.sample(kind, &LONGEST).unwrap();
    let others =
        PLACES.iter().filter_map(|place| varied_at(&first, cx.uuid(), column, *place)).collect::<Vec<_>>();
    std::iter::once(first).chain(others).collect()
}

/// Under every rule, keys that differ in one byte, wherever it stands, are held, found and taken apart.
pub async fn unique_keys_that_differ_in_any_byte_are_kept_apart(cx: Cx) {
    let mut held: BTreeMap<UniqueKey, Record> = BTreeMap::new();
    for rule in Unique::ALL {
        for column in rule.columns() {
            let mut records = Vec::new();
            for record in variants(&cx, rule.kind(), column) {
                // A variant may share the key of another rule, and cannot be there beside its holder.
                let keys = UniqueKey::all_of(&record);
                if keys.iter().all(|key| !held.contains_key(key)) {
                    held.extend(keys.into_iter().map(|key| (key, record.clone())));
                    records.push(record);
                }
            }
            cx.insert(records).await;
        }
    }
    let keys: Vec<_> = held.keys().cloned().collect();
    let found = cx.store().find(&keys).await.expect("find");
    for ((key, holder), found) in held.iter().zip(found) {
        assert_eq!(found.map(|record| record.id()), Some(holder.id()), "the holder of {key:?}");
    }
    for (key, holder) in held.into_iter().step_by(5) {
        let kind = holder.id().kind;
        let mut again = holder.values();
        again[kind.position("id").unwrap()] = Value::Uuid(cx.uuid());
        let again = Record::from_values(kind, again).unwrap();
        let taken = cx.taken([insert(again)], 0, holder.id()).await;
        assert!(UniqueKey::all_of(&holder).contains(&taken), "{taken:?} is a key of who holds {key:?}");
    }
}

/// In every index, prefixes that differ in one byte, wherever it stands, hold different records.
pub async fn prefixes_that_differ_in_any_byte_are_kept_apart(cx: Cx) {
    let mut places: BTreeMap<Vec<u8>, (Index, Prefix, Vec<Seek>)> = BTreeMap::new();
    // A column stands in more than one index, and one set of records is enough for all of them.
    let mut done = BTreeSet::new();
    for index in Index::ALL {
        let kind = index.shape().kind;
        let parts = index.shape().parts.iter();
        let nulls: Vec<_> = parts.filter(|part| matches!(part, Part::Null(_))).collect();
        for part in index.shape().parts {
            if !done.insert((kind, part.column(), nulls.len())) {
                continue;
            }
            let mut records = Vec::new();
            for record in variants(&cx, kind, part.column()) {
                let record = fill::without(&record, &nulls);
                // Each under keys of its own.
                let mut values = record.values();
                for column in Unique::of(kind).flat_map(Unique::columns) {
                    let at = kind.position(column).unwrap();
                    if let Value::Text(_) = values[at] {
                        values[at] = Value::Text(record.id().uuid.simple().to_string().into());
                    }
                }
                records.push(Record::from_values(kind, values).unwrap_or(record));
            }
            let mut fresh: Vec<Record> = Vec::new();
            let mut seen = BTreeSet::new();
            for record in records {
                if UniqueKey::all_of(&record).into_iter().all(|key| seen.insert(key)) {
                    fresh.push(record);
                }
            }
            for record in &fresh {
                for index in Index::of(kind) {
                    if let Some(entry) = index.entry(record, &record.values()) {
                        let place = bytes::prefix(index, &entry.prefix);
                        places.entry(place).or_insert((index, entry.prefix, Vec::new())).2.push(entry.seek);
                    }
                }
            }
            cx.insert(fresh).await;
        }
    }
    assert!(places.len() > 3 * PLACES.len(), "prefixes that differ in one byte: {}", places.len());
    for (index, prefix, mut expected) in places.into_values() {
        expected.sort();
        let ids: Vec<_> = expected.iter().map(|seek| seek.id).collect();
        let found = cx.page(index, &prefix, Range::oldest(), 999).await;
        assert_eq!(found, ids, "what stands in {index:?} of {prefix:?}");
    }
}

/// Numbers whose tenant or parts differ in one byte, wherever it stands, are different numbers.
pub async fn numbers_that_differ_in_any_byte_are_kept_apart(cx: Cx) {
    let text = |length: usize, place: Option<usize>| {
        let mut text = vec![b'x'; length];
        if let Some(byte) = place.and_then(|place| text.get_mut(place)) {
            *byte = b'a';
        }
        String::from_utf8(text).unwrap()
    };
    let key = |name: Option<usize>, first: Option<usize>, second: Option<usize>| {
        counter_of(&text(64, name), &text(255, first), &text(255, second), 0)
    };
    let mut keys = vec![key(None, None, None)];
    for place in PLACES {
        keys.extend((place < 64).then(|| key(Some(place), None, None)));
        keys.extend([key(None, Some(place), None), key(None, None, Some(place))]);
    }
    keys.sort();
    for family in [Family::LinkUses, Family::Responses] {
        let keys: Vec<_> = keys.iter().map(|key| CounterKey { family, ..key.clone() }).collect();
        let changes = (1..)
            .zip(&keys)
            .map(|(add, key)| if family.is_counted() { count_any(key, add) } else { tally(key, add) });
        let changes: Vec<_> = std::iter::once(cx.witness()).chain(changes).collect();
        cx.apply(changes).await;
        for (add, key) in (1..).zip(&keys) {
            assert_eq!(cx.number(key).await, add, "the number of {key:?}");
            let parts = [key.parts[0].as_str()];
            let prefix = numbers_of(key.tenant.as_str(), family, &parts);
            let of_first: Vec<_> = (1..)
                .zip(&keys)
                .filter(|(_, other)| other.tenant == key.tenant && other.parts[0] == key.parts[0])
                .map(|(add, other)| (other.clone(), add))
                .collect();
            let found = cx.numbers(&prefix, &CounterRange::first(99)).await;
            assert_eq!(found, of_first, "the numbers of the first part {}", key.parts[0].as_str());
        }
    }
}
