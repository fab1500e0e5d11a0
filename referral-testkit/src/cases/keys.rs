//! Keys that are as long as they may be are different if their last byte is. An engine that takes shorter keys has
//! to make up for it.

mod beginnings;

pub use beginnings::*;

use std::collections::BTreeMap;

use referral_core::store::{
    CounterKey, CounterRange, Family, Index, Kind, Part, Prefix, Range, Record, Seek, Unique, UniqueKey,
    Value, bytes,
};
use uuid::Uuid;

use crate::cx::Cx;
use crate::fill::{self, Filling};
use crate::make::{count_any, counter_of, insert, numbers_of, tally};

const LONGEST: Filling = Filling { text: "x", longest: true, number: 0, ..Filling::PLAIN };

/// The record under another id, with another last byte in a text column; `None` where the column takes no such text.
fn varied(record: &Record, id: Uuid, column: &str) -> Option<Record> {
    let kind = record.id().kind;
    let mut values = record.values();
    values[kind.position("id")?] = Value::Uuid(id);
    let position = kind.position(column)?;
    let Value::Text(old) = &values[position] else { return None };
    let start = old.get(..old.len().checked_sub(1)?)?;
    values[position] = Value::Text(format!("{start}{}", if old.ends_with('a') { 'b' } else { 'a' }).into());
    let varied = Record::from_values(kind, values).ok()?;
    // A derived column follows those that it is made of, and stays as it was.
    (varied.values()[position] != record.values()[position]).then_some(varied)
}

/// Under every rule, two keys at full length that differ in the last byte of one text are held, found and taken
/// apart. The text may also be the name of the tenant.
pub async fn the_longest_unique_keys_are_kept_apart(cx: Cx) {
    let mut seen = std::collections::BTreeSet::new();
    for kind in Kind::ALL.iter().filter(|kind| Unique::of(**kind).next().is_some()) {
        let Some(first) = cx.sample(*kind, &LONGEST) else { panic!("{kind:?} has no longest sample") };
        let columns = kind.columns().iter().map(|column| column.name);
        let others = columns.filter_map(|column| varied(&first, cx.uuid(), column));
        // Others that share a key cannot be there at once.
        let mut held: BTreeMap<UniqueKey, Record> =
            UniqueKey::all_of(&first).into_iter().map(|key| (key, first.clone())).collect();
        let mut records = vec![first.clone()];
        for other in others {
            let keys = UniqueKey::all_of(&other);
            if keys.iter().all(|key| !held.contains_key(key)) {
                held.extend(keys.into_iter().map(|key| (key, other.clone())));
                records.push(other);
            }
        }
        cx.insert(records).await;
        for (key, holder) in held {
            assert!(bytes::unique(&key).len() <= bytes::MAX_KEY, "{key:?} is longer than any key may be");
            seen.insert(key.unique);
            let found = cx.find(key.clone()).await.map(|record| record.id());
            assert_eq!(found, Some(holder.id()), "the holder of {key:?}");
            let mut again = holder.values();
            again[kind.position("id").unwrap()] = Value::Uuid(cx.uuid());
            let again = Record::from_values(*kind, again).unwrap();
            cx.taken([insert(again)], 0, holder.id()).await;
        }
    }
    assert_eq!(seen.len(), Unique::ALL.len(), "every rule has a longest key");
}

/// In every index, two prefixes at full length that differ in the last byte of one text hold different records. The
/// text may also be the name of the tenant.
pub async fn the_longest_prefixes_are_kept_apart(cx: Cx) {
    let mut records: Vec<Record> = Vec::new();
    for kind in Kind::ALL {
        let parts: Vec<&Part> = Index::of(*kind).flat_map(|index| index.shape().parts).collect();
        let nulls: Vec<_> = parts.iter().copied().filter(|part| matches!(part, Part::Null(_))).collect();
        for column in parts.iter().map(|part| part.column()).chain(["tenant"]) {
            for is_null in [false, true].into_iter().take(1 + nulls.len().min(1)) {
                // Each has a mark of its own, so that they share no unique key.
                let first = cx.sample(*kind, &LONGEST).unwrap();
                let first = if is_null { fill::without(&first, &nulls) } else { first };
                let second = cx.sample(*kind, &LONGEST).unwrap();
                let second = if is_null { fill::without(&second, &nulls) } else { second };
                if let Some(other) = varied(&second, cx.uuid(), column) {
                    records.push(other);
                }
                records.push(first);
            }
        }
    }
    cx.insert(records.clone()).await;
    let mut places: BTreeMap<Vec<u8>, (Index, Prefix, Vec<Seek>)> = BTreeMap::new();
    for record in &records {
        for index in Index::of(record.id().kind) {
            let Some(entry) = index.entry(record, &record.values()) else { continue };
            assert!(bytes::entry(index, &entry).len() <= bytes::MAX_KEY, "{entry:?} is too long");
            let place = bytes::prefix(index, &entry.prefix);
            places.entry(place).or_insert((index, entry.prefix, Vec::new())).2.push(entry.seek);
        }
    }
    for (index, prefix, mut expected) in places.into_values() {
        expected.sort();
        let ids: Vec<_> = expected.iter().map(|seek| seek.id).collect();
        let found = cx.page(index, &prefix, Range::oldest(), 999).await;
        assert_eq!(found, ids, "what stands in {index:?} of {prefix:?}");
        let range = Range { after: Some(expected[0]), ..Range::oldest() };
        assert_eq!(cx.page(index, &prefix, range, 999).await, ids[1..], "{index:?} behind its first record");
    }
}

/// Numbers whose keys are [`bytes::MAX_KEY`] bytes long and differ in the last byte of the tenant, of a part or of
/// the bucket are different numbers.
pub async fn the_longest_numbers_are_kept_apart(cx: Cx) {
    let long = |length: usize, last: &str| format!("{}{last}", "x".repeat(length - 1));
    let key = |name: &str, first: &str, second: &str, bucket| {
        counter_of(&long(64, name), &long(255, first), &long(255, second), bucket)
    };
    let keys = [
        key("a", "a", "a", 1),
        key("b", "a", "a", 1),
        key("a", "b", "a", 1),
        key("a", "a", "b", 1),
        key("a", "a", "a", 2),
        key("a", "a", "a", i64::MIN),
    ];
    let longest = keys.iter().map(|key| bytes::counter(key).len()).max();
    assert_eq!(longest, Some(bytes::MAX_KEY), "the longest key of a number");
    let statistics = keys.clone().map(|key| CounterKey { family: Family::Responses, ..key });
    for (add, (key, statistic)) in (1..).zip(keys.iter().zip(&statistics)) {
        cx.apply([cx.witness(), count_any(key, add), tally(statistic, add)]).await;
    }
    for (add, (key, statistic)) in (1..).zip(keys.iter().zip(&statistics)) {
        assert_eq!((cx.number(key).await, cx.number(statistic).await), (add, add), "{key:?}");
    }
    let prefix = numbers_of(&long(64, "a"), Family::LinkUses, &[&long(255, "a"), &long(255, "a")]);
    let found = cx.numbers(&prefix, &CounterRange::first(9)).await;
    assert_eq!(found.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [6, 1, 5], "by both parts");
    let prefix = numbers_of(&long(64, "a"), Family::LinkUses, &[&long(255, "a")]);
    assert_eq!(cx.numbers(&prefix, &CounterRange::first(9)).await.len(), 4, "by the first part");
    let after = Some(key("a", "a", "a", 2));
    let behind = cx.numbers(&prefix, &CounterRange { after, ..CounterRange::first(9) }).await;
    assert_eq!(behind.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [4], "behind the longest key");
}
