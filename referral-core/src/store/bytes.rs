//! Keys as bytes whose order is the order of what they mean; key-value stores keep these.
//!
//! Text ends in one zero byte, which is why text holds no NUL: `ab` then sorts before `abc`, and no text can run
//! into the part behind it. Integers are big-endian with the sign bit flipped. UUIDs are themselves.
//!
//! | Key | Layout |
//! | --- | --- |
//! | record | kind, uuid |
//! | unique key | rule, tenant, parts |
//! | index entry | index, tenant, parts, order, uuid |
//! | counter | tenant, family, part, part, bucket |
//!
//! No key is longer than [`MAX_KEY`] bytes. A store on an engine that takes fewer keeps long keys under a hash of its own,
//! and compares the whole key with what it finds. It never cuts them: two that differ at the end would become one.

use std::ops;

use uuid::Uuid;

use crate::catalogue::{Family, Index, Kind, Record, RecordId};
use crate::store::counter::{CounterKey, CounterPrefix, CounterRange};
use crate::store::index::{Entry, Prefix, Range, Seek};
use crate::store::unique::UniqueKey;
use crate::value::{KeyPart, Tenant, Value};

/// The most bytes of any key: those of a number whose tenant and parts are as long as they may be.
pub const MAX_KEY: usize = 586;

/// The key of a record.
#[must_use]
pub fn record(id: RecordId) -> Vec<u8> {
    let mut key = vec![id.kind.code()];
    key.extend_from_slice(id.uuid.as_bytes());
    key
}

/// The record that a key of [`record`] names; `None` if no version of this library wrote it.
#[must_use]
pub fn read_record(bytes: &[u8]) -> Option<RecordId> {
    let (code, uuid) = bytes.split_first()?;
    Some(RecordId { kind: Kind::from_code(*code)?, uuid: Uuid::from_slice(uuid).ok()? })
}

/// The key of a unique key's holder.
#[must_use]
pub fn unique(key: &UniqueKey) -> Vec<u8> {
    let mut bytes = vec![key.unique.code()];
    text(&mut bytes, key.tenant.as_str());
    values(&mut bytes, &key.parts);
    bytes
}

/// What every entry of a prefix begins with.
#[must_use]
pub fn prefix(index: Index, prefix: &Prefix) -> Vec<u8> {
    let mut bytes = vec![index.code()];
    text(&mut bytes, prefix.tenant.as_str());
    values(&mut bytes, &prefix.parts);
    bytes
}

/// The place of an entry among those of its prefix: what follows the bytes of [`prefix`].
#[must_use]
pub fn seek(seek: Seek) -> [u8; 24] {
    let mut bytes = [0; 24];
    let (at, id) = bytes.split_at_mut(8);
    at.copy_from_slice(&ordered(seek.at));
    id.copy_from_slice(seek.id.as_bytes());
    bytes
}

/// The whole key of an entry.
#[must_use]
pub fn entry(index: Index, entry: &Entry) -> Vec<u8> {
    let mut bytes = prefix(index, &entry.prefix);
    bytes.extend_from_slice(&seek(entry.seek));
    bytes
}

/// The whole keys of every entry that a record has. `values` are those of [`Record::values`].
#[must_use]
pub fn entries(record: &Record, values: &[Value]) -> Vec<Vec<u8>> {
    let places = Index::of(record.id().kind).filter_map(|index| Some((index, index.entry(record, values)?)));
    places.map(|(index, place)| entry(index, &place)).collect()
}

/// The key of a number.
#[must_use]
pub fn counter(key: &CounterKey) -> Vec<u8> {
    let mut bytes = counter_parts(&key.tenant, key.family, &key.parts);
    bytes.extend_from_slice(&ordered(key.bucket));
    bytes
}

/// What every number of a prefix begins with.
#[must_use]
pub fn counter_prefix(prefix: &CounterPrefix) -> Vec<u8> {
    counter_parts(&prefix.tenant, prefix.family, &prefix.parts)
}

/// The number that a key names; `None` if no version of this library wrote it.
#[must_use]
pub fn read_counter(bytes: &[u8]) -> Option<CounterKey> {
    let (tenant, rest) = read_text(bytes)?;
    let (family, rest) = rest.split_first()?;
    let (first, rest) = read_text(rest)?;
    let (second, rest) = read_text(rest)?;
    let bucket = i64::from_be_bytes(rest.try_into().ok()?) ^ i64::MIN;
    Some(CounterKey {
        tenant: Tenant::new(tenant).ok()?,
        family: Family::from_code(*family)?,
        parts: [KeyPart::new(first).ok()?, KeyPart::new(second).ok()?],
        bucket,
    })
}

/// The id at the end of an index entry's key.
#[must_use]
pub fn read_id(bytes: &[u8]) -> Option<Uuid> {
    let id = bytes.get(bytes.len().checked_sub(16)?..)?;
    Uuid::from_slice(id).ok()
}

/// The bytes of an integer that sort as it does.
#[must_use]
pub const fn ordered(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

/// The keys of the entries that a page may hold, in their order; `None` where there can be none.
#[must_use]
pub fn page(index: Index, prefix: &Prefix, range: &Range) -> Option<ops::Range<Vec<u8>>> {
    let start = self::prefix(index, prefix);
    let place = |at: Seek| [start.as_slice(), &seek(at)].concat();
    // No id is smaller, so this is where the entries of a time begin.
    let time = |at| place(Seek { at, id: Uuid::nil() });
    let from = range.from.map_or_else(|| start.clone(), time);
    let until = range.until.map_or_else(|| end(&start), time);
    between(match range.after {
        Some(after) if range.ascending => from.max(behind(place(after)))..until,
        Some(after) => from..until.min(place(after)),
        None => from..until,
    })
}

/// The keys of the numbers that a read may give, in their order; `None` where there can be none. Among them are
/// buckets outside of the range where the prefix has fewer than two parts: ask [`CounterRange::contains`].
#[must_use]
pub fn counters(prefix: &CounterPrefix, range: &CounterRange) -> Option<ops::Range<Vec<u8>>> {
    let start = counter_prefix(prefix);
    let bucket = |at: Option<i64>| {
        Some([start.as_slice(), &ordered(at.filter(|_| prefix.parts.len() == 2)?)].concat())
    };
    let from = bucket(range.from).unwrap_or_else(|| start.clone());
    let until = bucket(range.until).unwrap_or_else(|| end(&start));
    let after = range.after.as_ref().map(|after| behind(counter(after)));
    between(from.max(after.unwrap_or_default())..until)
}

fn between(range: ops::Range<Vec<u8>>) -> Option<ops::Range<Vec<u8>>> {
    (range.start < range.end).then_some(range)
}

/// A key after all keys with this prefix. It works because the prefix is followed by text, which never holds the
/// byte 255, or by at most 24 other bytes.
fn end(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[255; 25]].concat()
}

/// The smallest bytes behind a key. No key begins with another one, so nothing is skipped.
fn behind(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

fn counter_parts(tenant: &Tenant, family: Family, parts: &[KeyPart]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(96);
    text(&mut bytes, tenant.as_str());
    bytes.push(family.code());
    for part in parts {
        text(&mut bytes, part.as_str());
    }
    bytes
}

fn values(bytes: &mut Vec<u8>, parts: &[Value]) {
    for part in parts {
        match part {
            Value::Null => {}
            Value::Int(number) => bytes.extend_from_slice(&ordered(*number)),
            Value::Uuid(uuid) => bytes.extend_from_slice(uuid.as_bytes()),
            Value::Text(part) => text(bytes, part),
        }
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
}

fn read_text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|b| *b == 0)?;
    let (text, rest) = bytes.split_at_checked(end)?;
    Some((std::str::from_utf8(text).ok()?.to_owned(), rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::{Part, Unique};
    use crate::value::ColumnType;

    fn key(tenant: &str, first: &str, second: &str, bucket: i64) -> CounterKey {
        CounterKey {
            tenant: Tenant::new(tenant.to_owned()).unwrap(),
            family: Family::Responses,
            parts: [KeyPart::new(first.to_owned()).unwrap(), KeyPart::new(second.to_owned()).unwrap()],
            bucket,
        }
    }

    proptest! {
        #[test]
        fn integers_sort_as_their_bytes(a: i64, b: i64) {
            prop_assert_eq!(a.cmp(&b), ordered(a).cmp(&ordered(b)));
        }

        #[test]
        fn counters_sort_as_their_bytes_and_come_back(
            a in ("[ab]{0,3}", "[ab\u{e9}]{0,3}", "[ab ]{0,3}", any::<i64>()),
            b in ("[ab]{0,3}", "[ab\u{e9}]{0,3}", "[ab ]{0,3}", any::<i64>()),
        ) {
            let (a, b) = (key(&a.0, &a.1, &a.2, a.3), key(&b.0, &b.1, &b.2, b.3));
            prop_assert_eq!(a.cmp(&b), counter(&a).cmp(&counter(&b)));
            prop_assert_eq!(read_counter(&counter(&a)), Some(a));
        }
    }

    #[test]
    fn a_part_never_runs_into_the_next() {
        assert_ne!(counter(&key("a", "b", "", 0)), counter(&key("a", "", "b", 0)));
        assert_ne!(counter(&key("ab", "", "", 0)), counter(&key("a", "b", "", 0)));
    }

    #[test]
    fn no_key_is_longer_than_the_longest() {
        // A tenant or a text with the zero byte behind it.
        let tenant = Tenant::MAX + 1;
        let width = |kind: Kind, name: &str| match kind.columns()[kind.position(name).unwrap()].holds {
            ColumnType::Uuid => 16,
            ColumnType::Int => 8,
            ColumnType::Text(most) => most as usize + 1,
        };
        for unique in Unique::ALL {
            let parts: usize = unique.columns().iter().map(|column| width(unique.kind(), column)).sum();
            assert!(1 + tenant + parts <= MAX_KEY, "{unique:?}");
        }
        for index in Index::ALL {
            let shape = index.shape();
            let parts = shape.parts.iter().filter(|part| matches!(part, Part::Is(_)));
            let parts: usize = parts.map(|part| width(shape.kind, part.column())).sum();
            assert!(1 + tenant + parts + 24 <= MAX_KEY, "{index:?}");
        }
        let longest = "x".repeat(KeyPart::MAX);
        assert_eq!(counter(&key(&"x".repeat(Tenant::MAX), &longest, &longest, 0)).len(), MAX_KEY);
    }

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![Just(i64::MIN), -2..3_i64, Just(i64::MAX)]
    }

    fn place() -> impl Strategy<Value = Seek> {
        let id = prop_oneof![Just(0), Just(1), Just(u128::MAX)];
        (number(), id).prop_map(|(at, id)| Seek { at, id: Uuid::from_u128(id) })
    }

    proptest! {
        #[test]
        fn the_keys_of_a_page_are_those_inside(
            owner in ("[ab]{0,2}", "[ab]{0,2}"),
            ends in (prop::option::of(number()), prop::option::of(number())),
            after in prop::option::of(place()),
            ascending: bool,
            seek in place(),
        ) {
            let range = Range { from: ends.0, until: ends.1, after, ascending };
            let prefix = Prefix::new(&Tenant::default()).text(&owner.0);
            let keys = page(Index::LinksOfOwner, &prefix, &range);
            let other = Entry { prefix: Prefix::new(&Tenant::default()).text(&owner.1), seek };
            let key = entry(Index::LinksOfOwner, &other);
            let inside = owner.0 == owner.1 && range.contains(seek);
            prop_assert_eq!(keys.is_some_and(|keys| keys.contains(&key)), inside);
        }

        #[test]
        fn the_keys_of_a_read_of_numbers_hold_all_inside(
            parts in prop::collection::vec("[ab]{0,1}", 0..3),
            ends in (prop::option::of(number()), prop::option::of(number())),
            after in prop::option::of(("[ab]{0,1}", "[ab]{0,1}", number())),
            one in ("[ab]{0,1}", "[ab]{0,1}", number()),
        ) {
            let parts: Vec<KeyPart> = parts.into_iter().map(|part| KeyPart::new(part).unwrap()).collect();
            let prefix = CounterPrefix { tenant: Tenant::default(), family: Family::Responses, parts };
            let after = after.map(|(first, second, bucket)| key("", &first, &second, bucket));
            let range = CounterRange { from: ends.0, until: ends.1, after, limit: 1 };
            let one = key("", &one.0, &one.1, one.2);
            let inside = one.parts.starts_with(&prefix.parts) && range.contains(&one);
            let keys = counters(&prefix, &range);
            let key = counter(&one);
            prop_assert_eq!(keys.is_some_and(|keys| keys.contains(&key)) && range.contains(&one), inside);
        }
    }
}
