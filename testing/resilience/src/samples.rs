//! Changesets that write into every table, and how much of one is there.

use referral_core::store::{
    Bounds, Change, Changeset, CounterKey, CounterPrefix, CounterRange, Family, KeyPart, Kind, Read, Record,
    RecordId, StoreError,
};
use referral_core::{Alias, Code, Link, LinkId, Response, Tenant, VisitorId};
use referral_testkit::samples;
use uuid::Uuid;

/// How many write at once while stores and servers are killed.
pub const WRITERS: u64 = 16;

/// The id of a number; ids of one kind sort by it.
#[must_use]
pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | number)
}

/// A link with the code `code` and its number.
#[must_use]
pub fn link(number: u64) -> Link {
    Link { code: code(number), ..samples::link(uuid(number)) }
}

fn code(number: u64) -> Code {
    Code::new(format!("code{number}")).unwrap()
}

/// A response through the link of a number that nobody has claimed.
#[must_use]
pub fn response(number: u64, visitor: u64) -> Response {
    let (link, visitor) = (LinkId::from_uuid(uuid(number)), Some(VisitorId::from_uuid(uuid(visitor))));
    Response { link, visitor, ..samples::response(uuid(number)) }
}

/// The counter of a number.
#[must_use]
pub fn counter(number: u64) -> CounterKey {
    let part = KeyPart::new(number.to_string()).unwrap();
    CounterKey::new(Tenant::default(), Family::LinkUses, [part, KeyPart::NONE])
}

/// The ids of what [`changeset`] inserts: one of each kind.
#[must_use]
pub fn ids(number: u64) -> Vec<RecordId> {
    Kind::ALL.iter().map(|kind| RecordId { kind: *kind, uuid: uuid(number) }).collect()
}

/// A record of each kind, among them a link with its code and a response, and a count, all of this number.
#[must_use]
pub fn changeset(number: u64) -> Changeset {
    let link = link(number);
    let alias = Alias { link: link.id, ..samples::alias(uuid(number), code(number)) };
    let known: [Record; 3] = [link.into(), alias.into(), response(number, number).into()];
    let others = Kind::ALL.iter().filter(|kind| known.iter().all(|record| record.id().kind != **kind));
    let others = others.map(|kind| samples::bare(*kind, uuid(number)));
    let records: Vec<_> = known.iter().cloned().chain(others).collect();
    let count = Change::Count { counter: counter(number), add: 1, within: Bounds::ANY };
    Changeset::new(records.into_iter().map(Change::Insert).chain([count]))
}

/// How many parts a whole one has: a record of each kind, and the count.
pub const WHOLE: usize = Kind::ALL.len() + 1;

/// How many of its [parts](WHOLE) are there.
///
/// # Errors
/// As the reads.
pub async fn parts(store: &dyn Read, number: u64) -> Result<usize, StoreError> {
    let records = store.get(&ids(number)).await?.into_iter().flatten().count();
    let key = counter(number);
    let prefix = CounterPrefix { tenant: key.tenant, family: key.family, parts: key.parts[..1].to_vec() };
    let numbers = store.counters(&prefix, &CounterRange::first(9)).await?;
    Ok(records + numbers.len())
}
