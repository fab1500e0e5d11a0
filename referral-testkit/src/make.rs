//! Changes, keys and prefixes in few words.

use std::fmt::Debug;

use referral_core::store::{
    Bounds, Change, CounterKey, CounterPrefix, Family, Index, KeyPart, Kind, Prefix, Record, RecordId,
    Unique, UniqueKey, Value, Version,
};
use referral_core::{Link, ResponseId, Tenant, Timestamp, UserId, VisitorId};
use uuid::Uuid;

/// A text of any of core's text types.
#[track_caller]
pub(crate) fn text<T>(from: &str) -> T
where
    T: for<'a> TryFrom<&'a str>,
    for<'a> <T as TryFrom<&'a str>>::Error: Debug,
{
    T::try_from(from).unwrap()
}

pub(crate) fn user(id: &str) -> UserId {
    text(id)
}

pub(crate) fn tenant(name: &str) -> Tenant {
    text(name)
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(crate) fn visitor(number: u128) -> VisitorId {
    VisitorId::from_uuid(Uuid::from_u128(number))
}

/// The same link under another natural key. Natural keys are made by hashing only, so the one wanted goes in as
/// a database would give it back.
pub(crate) fn with_natural(link: Link, key: Option<&str>) -> Link {
    let record = Record::from(link);
    let kind = record.id().kind;
    let mut values = record.values();
    values[kind.position("natural").unwrap()] =
        key.map_or(Value::Null, |key| Value::Text(key.to_owned().into()));
    Record::from_values(kind, values).unwrap().try_into().unwrap()
}

pub(crate) fn insert(record: impl Into<Record>) -> Change {
    Change::Insert(record.into())
}

pub(crate) fn update(record: impl Into<Record>, was: i64) -> Change {
    Change::Update { record: record.into(), was: Version::new(was) }
}

pub(crate) fn delete(id: impl Into<RecordId>, was: i64) -> Change {
    Change::Delete { id: id.into(), was: Version::new(was) }
}

pub(crate) fn expect(id: impl Into<RecordId>, was: i64) -> Change {
    Change::Expect { id: id.into(), was: Version::new(was) }
}

/// A patch of records of one kind, each at a version.
pub(crate) fn patch<I: Into<RecordId>>(
    of: impl IntoIterator<Item = (I, i64)>,
    set: impl IntoIterator<Item = (&'static str, Value)>,
) -> Change {
    let of: Vec<(RecordId, i64)> = of.into_iter().map(|(id, was)| (id.into(), was)).collect();
    let kind = of.first().map_or(Kind::Response, |(id, _)| id.kind);
    let of = of.into_iter().map(|(id, was)| (id.uuid, Version::new(was))).collect();
    Change::Patch { kind, of, set: set.into_iter().collect() }
}

/// What a patch sets that gives responses to a user.
pub(crate) fn owned_by(by: &str, when: i64) -> [(&'static str, Value); 2] {
    [("user", words(by)), ("claimed_at", Value::Int(when))]
}

/// Gives responses that are at version 1 to a user.
pub(crate) fn give(responses: impl IntoIterator<Item = ResponseId>, by: &str, when: i64) -> Change {
    patch(responses.into_iter().map(|response| (response, 1)), owned_by(by, when))
}

/// A text as the value of a column.
pub(crate) fn words(text: &str) -> Value {
    Value::Text(text.to_owned().into())
}

pub(crate) fn count(counter: &CounterKey, add: i64, min: i64, max: i64) -> Change {
    Change::Count { counter: counter.clone(), add, within: Bounds::new(min, max) }
}

pub(crate) fn count_any(counter: &CounterKey, add: i64) -> Change {
    Change::Count { counter: counter.clone(), add, within: Bounds::ANY }
}

pub(crate) fn tally(counter: &CounterKey, add: i64) -> Change {
    Change::Tally { counter: counter.clone(), add }
}

fn number(tenant: &str, family: Family, first: &str, second: &str, bucket: i64) -> CounterKey {
    CounterKey { tenant: text(tenant), family, parts: [text(first), text(second)], bucket }
}

/// A number of the counted family, by its first part.
pub(crate) fn counter(first: &str) -> CounterKey {
    counter_of("", first, "", 0)
}

pub(crate) fn counter_of(tenant: &str, first: &str, second: &str, bucket: i64) -> CounterKey {
    number(tenant, Family::LinkUses, first, second, bucket)
}

/// A statistic by its parts.
pub(crate) fn statistic(first: &str, second: &str) -> CounterKey {
    number("", Family::Responses, first, second, 0)
}

pub(crate) fn numbers_of(tenant: &str, family: Family, parts: &[&str]) -> CounterPrefix {
    let parts = parts.iter().map(|part| text::<KeyPart>(part)).collect();
    CounterPrefix { tenant: text(tenant), family, parts }
}

pub(crate) fn unique(rule: Unique, tenant: &str, part: &str) -> UniqueKey {
    UniqueKey { unique: rule, tenant: text(tenant), parts: vec![Value::Text(part.to_owned().into())] }
}

/// The key of an exact code.
pub(crate) fn code(code: &str) -> UniqueKey {
    unique(Unique::AliasCode, "", code)
}

/// The key of a folded code.
pub(crate) fn folded(code: &str) -> UniqueKey {
    unique(Unique::AliasFolded, "", code)
}

/// The natural key of a link.
pub(crate) fn natural(key: &str) -> UniqueKey {
    unique(Unique::LinkNatural, "", key)
}

/// The prefix in which a record stands, if it stands in the index.
pub(crate) fn place(index: Index, record: &Record) -> Option<Prefix> {
    index.entry(record, &record.values()).map(|entry| entry.prefix)
}

/// The prefix of the whole tenant without a name.
pub(crate) fn nobody() -> Prefix {
    Prefix::new(&Tenant::default())
}
