//! Histories as Rust code: a random history that failed is printed as a test of these functions, to be pasted beside the
//! suite.
//!
//! ```
//! use referral_testkit::MemoryHarness;
//! use referral_testkit::replay::*;
//!
//! replay(
//!     MemoryHarness,
//!     [
//!         commit(0, [changeset([links_inserted(1, 0..1000), counted(1, 0..2, 1)])]),
//!         commit(0, [changeset([links_deleted(1, 999..1000, 2)])]),
//!         numbers("world-1", Family::LinkUses, ["n"], None, None, None, 1000),
//!     ],
//! );
//! ```

mod play;
mod print;

use std::ops::Range as Span;

use referral_core::LinkId;
use referral_core::store::{
    Bounds, Change, Changeset, CounterKey, CounterPrefix, CounterRange, Prefix, Range, Record, RecordId,
    Seek, Value, Version,
};
pub use referral_core::store::{Family, Index, Kind};
use uuid::Uuid;

use crate::fill;
use crate::make;

pub(crate) use play::Player;
pub use play::replay;
pub use print::print;

/// One step of a history.
#[derive(Clone, PartialEq, Debug)]
pub struct Step(pub(crate) What);

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum What {
    Commit { handle: usize, batch: Vec<Written> },
    Page { index: Index, prefix: Prefix, range: Range, limit: u32 },
    Numbers { prefix: CounterPrefix, range: CounterRange },
    Get { ids: Vec<RecordId> },
}

/// A changeset, in the parts in which it was thought of.
#[derive(Clone, PartialEq, Debug)]
pub struct Written(pub(crate) Vec<Part>);

impl Written {
    pub(crate) fn changeset(&self) -> Changeset {
        Changeset::new(self.0.iter().flat_map(Part::changes))
    }
}

/// One change, or many that are alike.
#[derive(Clone, PartialEq, Debug)]
pub struct Part(pub(crate) Changes);

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Changes {
    One(Box<Change>),
    Many { what: Many, world: u64, numbers: Span<u64>, was: i64 },
}

/// What is done to many links, or to many numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Many {
    Insert,
    Update,
    Delete,
    Expect,
    Patch,
    Count,
    Tally,
}

impl Part {
    pub(crate) fn changes(&self) -> Vec<Change> {
        let (what, world, numbers, was) = match &self.0 {
            Changes::One(change) => return vec![Change::clone(change)],
            Changes::Many { what, world, numbers, was } => (*what, *world, numbers.clone(), *was),
        };
        let (version, template) = (Version::new(was), template(world));
        let record = |number| {
            let mut record = template.clone();
            if let Record::Link(link) = &mut record {
                link.id = LinkId::from_uuid(link_id(world, number));
            }
            record
        };
        let id = |number| RecordId { kind: Kind::Link, uuid: link_id(world, number) };
        let key = |family, number: u64| {
            let parts = [make::text("n"), make::text(&number.to_string())];
            CounterKey::new(make::tenant(&tenant(world)), family, parts)
        };
        match what {
            Many::Insert => numbers.map(|number| Change::Insert(record(number))).collect(),
            Many::Update => {
                numbers.map(|number| Change::Update { record: record(number), was: version }).collect()
            }
            Many::Delete => numbers.map(|number| Change::Delete { id: id(number), was: version }).collect(),
            Many::Expect => numbers.map(|number| Change::Expect { id: id(number), was: version }).collect(),
            Many::Patch => {
                let of = numbers.map(|number| (link_id(world, number), version)).collect();
                vec![Change::Patch { kind: Kind::Link, of, set: vec![("owner", make::words("ada"))] }]
            }
            Many::Count => {
                numbers.map(|number| make::count(&key(Family::LinkUses, number), was, 0, i64::MAX)).collect()
            }
            Many::Tally => numbers.map(|number| make::tally(&key(Family::Responses, number), was)).collect(),
        }
    }
}

pub(crate) fn tenant(world: u64) -> String {
    format!("world-{world}")
}

pub(crate) fn link_id(world: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair(world << 8 | 0xff, number)
}

fn template(world: u64) -> Record {
    fill::small(Kind::Link, Uuid::nil(), &tenant(world), world as i64, fill::BARE)
}

const fn many(what: Many, world: u64, numbers: Span<u64>, was: i64) -> Part {
    Part(Changes::Many { what, world, numbers, was })
}

/// Inserts the links of these numbers. The world says which tenant and which ids they have.
#[must_use]
pub const fn links_inserted(world: u64, numbers: Span<u64>) -> Part {
    many(Many::Insert, world, numbers, 0)
}

/// Updates these links, each at this version.
#[must_use]
pub const fn links_updated(world: u64, numbers: Span<u64>, was: i64) -> Part {
    many(Many::Update, world, numbers, was)
}

/// Deletes these links, each at this version.
#[must_use]
pub const fn links_deleted(world: u64, numbers: Span<u64>, was: i64) -> Part {
    many(Many::Delete, world, numbers, was)
}

/// Expects these links, each at this version.
#[must_use]
pub const fn links_expected(world: u64, numbers: Span<u64>, was: i64) -> Part {
    many(Many::Expect, world, numbers, was)
}

/// Gives these links, each at this version, to an owner in one patch.
#[must_use]
pub const fn links_patched(world: u64, numbers: Span<u64>, was: i64) -> Part {
    many(Many::Patch, world, numbers, was)
}

/// Counts these numbers, none of which may fall below 0.
#[must_use]
pub const fn counted(world: u64, numbers: Span<u64>, add: i64) -> Part {
    many(Many::Count, world, numbers, add)
}

/// Tallies these numbers.
#[must_use]
pub const fn tallied(world: u64, numbers: Span<u64>, add: i64) -> Part {
    many(Many::Tally, world, numbers, add)
}

/// A batch, committed through the handle of this number, or through the only one.
pub fn commit(handle: usize, batch: impl IntoIterator<Item = Written>) -> Step {
    Step(What::Commit { handle, batch: batch.into_iter().collect() })
}

/// A changeset of these parts.
pub fn changeset(parts: impl IntoIterator<Item = Part>) -> Written {
    Written(parts.into_iter().collect())
}

/// A page of an index. Its place to go on from is a number and an id.
pub fn page<const N: usize>(
    index: Index,
    tenant: &str,
    parts: [Value; N],
    (from, until): (Option<i64>, Option<i64>),
    after: Option<(i64, &str)>,
    ascending: bool,
    limit: u32,
) -> Step {
    let after = after.map(|(at, id)| Seek { at, id: parsed(id) });
    let prefix = Prefix { tenant: make::tenant(tenant), parts: parts.to_vec() };
    Step(What::Page { index, prefix, range: Range { from, until, after, ascending }, limit })
}

/// The numbers of a family that begin with these parts.
pub fn numbers<const N: usize>(
    tenant: &str,
    family: Family,
    parts: [&str; N],
    from: Option<i64>,
    until: Option<i64>,
    after: Option<CounterKey>,
    limit: u32,
) -> Step {
    let prefix = make::numbers_of(tenant, family, &parts);
    Step(What::Numbers { prefix, range: CounterRange { from, until, after, limit } })
}

/// The records of these ids.
pub fn get<const N: usize>(ids: [(Kind, &str); N]) -> Step {
    let ids = ids.into_iter().map(|(kind, id)| RecordId { kind, uuid: parsed(id) });
    Step(What::Get { ids: ids.collect() })
}

fn parsed(id: &str) -> Uuid {
    Uuid::parse_str(id).expect("an id")
}

/// A record with these values and nothing in its other columns.
///
/// # Panics
/// If core accepts no such record.
#[must_use]
pub fn record(kind: Kind, values: &[(&str, Value)]) -> Record {
    let value =
        |name: &str| values.iter().find(|(column, _)| *column == name).map(|(_, value)| value.clone());
    let values = kind.columns().iter().map(|column| value(column.name).unwrap_or(Value::Null)).collect();
    Record::from_values(kind, values).expect("a record")
}

fn one(change: Change) -> Part {
    Part(Changes::One(Box::new(change)))
}

/// Inserts a record.
#[must_use]
pub fn insert(record: Record) -> Part {
    one(Change::Insert(record))
}

/// Replaces a record at this version.
#[must_use]
pub fn update(record: Record, was: i64) -> Part {
    one(Change::Update { record, was: Version::new(was) })
}

/// Deletes a record at this version.
#[must_use]
pub fn delete(kind: Kind, id: &str, was: i64) -> Part {
    one(Change::Delete { id: RecordId { kind, uuid: parsed(id) }, was: Version::new(was) })
}

/// Expects a record at this version.
#[must_use]
pub fn expect(kind: Kind, id: &str, was: i64) -> Part {
    one(Change::Expect { id: RecordId { kind, uuid: parsed(id) }, was: Version::new(was) })
}

/// Patches records, each at a version.
#[must_use]
pub fn patch(kind: Kind, of: &[(&str, i64)], set: &[(&'static str, Value)]) -> Part {
    let of = of.iter().map(|(id, was)| (parsed(id), Version::new(*was))).collect();
    one(Change::Patch { kind, of, set: set.to_vec() })
}

/// Counts within bounds.
#[must_use]
pub fn count(counter: CounterKey, add: i64, min: i64, max: i64) -> Part {
    one(Change::Count { counter, add, within: Bounds::new(min, max) })
}

/// Adds to a statistic.
#[must_use]
pub fn tally(counter: CounterKey, add: i64) -> Part {
    one(Change::Tally { counter, add })
}

/// The name of a number.
#[must_use]
pub fn number(tenant: &str, family: Family, parts: [&str; 2], bucket: i64) -> CounterKey {
    CounterKey { tenant: make::tenant(tenant), family, parts: parts.map(make::text), bucket }
}

/// A text in a column.
#[must_use]
pub fn text(text: &str) -> Value {
    make::words(text)
}

/// A number in a column.
#[must_use]
pub const fn int(number: i64) -> Value {
    Value::Int(number)
}

/// An id in a column.
#[must_use]
pub fn uuid(id: &str) -> Value {
    Value::Uuid(parsed(id))
}

/// Nothing in a column.
#[must_use]
pub const fn null() -> Value {
    Value::Null
}
