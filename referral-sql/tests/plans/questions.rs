//! The reads whose plans are tested, and the data under them.

use std::collections::BTreeSet;

use referral_core::Code;
use referral_core::store::{
    Change, Changeset, CounterPrefix, CounterRange, Family, Index, Outcome, Part, Prefix, Range, Seek, Store,
    Unique, UniqueKey,
};
use referral_core::store::{ColumnType, KeyPart, Kind, Record, RecordId, Value};
use referral_core::{LinkId, Status, Tenant, VisitorId};
use referral_sql::SqlStore;
use referral_sql::backend::Backend;
use referral_sql::harness::Question;
use referral_testkit::samples;

use crate::common::{alias, counter, link, response, tenant, user, uuid};

/// A plan, and the index, unique key or kind of record that it should use.
#[cfg_attr(not(feature = "sqlite"), allow(dead_code))] // what only SQLite's plans are told by
pub(crate) struct Plan<T> {
    pub(crate) about: T,
    /// How many records or keys were asked for, or the range.
    pub(crate) asked: String,
    pub(crate) steps: Vec<String>,
    /// Whether a page has an end or begins after a position.
    pub(crate) bounded: bool,
}

/// Whether the value asked for is in nearly every row that [`fill`] makes, or in none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    Common,
    Absent,
}

impl Asked {
    /// A value that a column could hold.
    fn value(self, holds: ColumnType) -> Value {
        let number = if self == Self::Common { 1 } else { 999_999 };
        match holds {
            ColumnType::Uuid => Value::Uuid(uuid(number)),
            ColumnType::Int => Value::Int(number as i64),
            ColumnType::Text(_) => Value::Text(if self == Self::Common { "ada" } else { "nobody" }.into()),
        }
    }

    fn tenant(self) -> Tenant {
        tenant(if self == Self::Common { "" } else { "nowhere" })
    }
}

/// Ranges in both directions, with and without ends, and with and without a position to begin after.
fn ranges() -> Vec<Range> {
    let mut ranges = Vec::new();
    for ascending in [true, false] {
        for from in [None, Some(500)] {
            for until in [None, Some(5_000)] {
                for after in [None, Some(Seek { at: 1_750, id: uuid(7) })] {
                    ranges.push(Range { from, until, after, ascending });
                }
            }
        }
    }
    ranges
}

/// Pages of every index, with every kind of range.
pub(crate) async fn pages<B: Backend>(store: &SqlStore<B>, asked: Asked) -> Vec<Plan<Index>> {
    let mut plans = Vec::new();
    for index in Index::ALL {
        let shape = index.shape();
        let holds = |column: &str| shape.kind.columns().iter().find(|c| c.name == column).unwrap().holds;
        let prefix = Prefix {
            // Only one part is absent, as for an owner that has no links yet.
            tenant: if shape.parts.is_empty() { asked.tenant() } else { Tenant::default() },
            parts: shape
                .parts
                .iter()
                .filter_map(|part| match part {
                    Part::Is(column) => Some(asked.value(holds(column))),
                    Part::Null(_) => None,
                })
                .collect(),
        };
        for range in ranges() {
            let steps = store.explain(Question::Page(*index, &prefix, &range, 50)).await.unwrap();
            let unbounded = range == Range { ascending: range.ascending, ..Range::default() };
            let asked = format!("{asked:?} {range:?}");
            plans.push(Plan { about: *index, asked, steps, bounded: !unbounded });
        }
    }
    plans
}

/// Look-ups by every kind of unique key, with one key and with many.
pub(crate) async fn finds<B: Backend>(store: &SqlStore<B>) -> Vec<Plan<(Unique, usize)>> {
    let mut plans = Vec::new();
    for unique in Unique::ALL {
        let holds = |column: &&str| {
            let columns = unique.kind().columns();
            Asked::Common.value(columns.iter().find(|c| c.name == *column).unwrap().holds)
        };
        let parts: Vec<Value> = unique.columns().iter().map(holds).collect();
        let key = UniqueKey { unique: *unique, tenant: Tenant::default(), parts };
        for many in [1, 2, 3, 100] {
            let steps = store.explain(Question::Find(&vec![key.clone(); many])).await.unwrap();
            plans.push(Plan { about: (*unique, many), asked: format!("{many} keys"), steps, bounded: false });
        }
    }
    plans
}

/// The look-up of a code, which uses two kinds of unique key in one statement.
pub(crate) async fn of_a_code<B: Backend>(store: &SqlStore<B>) -> Vec<String> {
    let keys: Vec<_> = UniqueKey::all_of(&alias(1, "abc").into());
    store.explain(Question::Find(&keys)).await.unwrap()
}

/// Records of every kind, by one id and by many. There are not more ids, because for most of a small table a scan
/// is right.
pub(crate) async fn gets<B: Backend>(store: &SqlStore<B>) -> Vec<Plan<Kind>> {
    let mut plans = Vec::new();
    for kind in Kind::ALL {
        for many in [1, 3, 7] {
            let ids = vec![RecordId { kind: *kind, uuid: uuid(1) }; many];
            let steps = store.explain(Question::Get(&ids)).await.unwrap();
            plans.push(Plan { about: *kind, asked: format!("{many} ids"), steps, bounded: false });
        }
    }
    plans
}

/// Numbers by prefixes of every length, from the first one and after a key.
pub(crate) async fn counters<B: Backend>(store: &SqlStore<B>) -> Vec<Plan<usize>> {
    let mut plans = Vec::new();
    for length in 0..=2 {
        let parts = ["a", "b"].iter().take(length).map(|part| KeyPart::new(*part).unwrap()).collect();
        let prefix = CounterPrefix { tenant: Tenant::default(), family: Family::ResponsesByHour, parts };
        for after in [None, Some(counter(Family::ResponsesByHour, "a", 7))] {
            let range = CounterRange { from: Some(1), until: Some(9), after, limit: 50 };
            let steps = store.explain(Question::Counters(&prefix, &range)).await.unwrap();
            plans.push(Plan { about: length, asked: format!("{range:?}"), steps, bounded: false });
        }
    }
    plans
}

/// A few thousand rows, most of which have the same tenant, owner, link and visitor.
fn skewed() -> Vec<Record> {
    let mut records = Vec::new();
    for number in 0..1_500_u64 {
        let rare = number % 100 == 0;
        let mut link = link(number);
        link.owner = Some(user(if rare { "eve" } else { "ada" }));
        link.status = if rare { Status::Archived } else { Status::Active };
        link.natural = None;
        link.code = Code::new(format!("link-{number}")).unwrap();
        records.push(link.into());
        let mut alias = alias(number, &format!("link-{number}"));
        alias.case_exact = !rare;
        alias.link = LinkId::from_uuid(uuid(if rare { number } else { 1 }));
        records.push(alias.into());
        for copy in 0..2 {
            let mut response = response(2 * number + copy);
            response.visitor =
                (number % 3 > 0).then(|| VisitorId::from_uuid(uuid(if rare { number } else { 1 })));
            response.user = (number % 5 > 0).then(|| user(if rare { "eve" } else { "ada" }));
            response.tenant = tenant(if rare { "other" } else { "" });
            records.push(response.into());
        }
    }
    records
}

/// Stores the skewed records, and numbers.
pub(crate) async fn fill<B: Backend>(store: &SqlStore<B>) {
    let numbers = (0..2_000_i64).map(|number| {
        let key = counter(Family::ResponsesByHour, &format!("link-{}", number % 40), number / 40);
        Change::Tally { counter: key, add: 1 }
    });
    let tallies: Vec<_> = numbers.collect();
    let counted = tallies.chunks(500).zip(0..).map(|(some, number)| {
        let witness = alias(1_000_000 + number, &format!("witness-{number}"));
        Changeset::new(std::iter::once(Change::Insert(witness.into())).chain(some.iter().cloned()))
    });
    let skewed = skewed();
    // Kinds without anything skewed have plain rows, enough for an index to pay.
    let made: BTreeSet<Kind> = skewed.iter().map(|record| record.id().kind).collect();
    let plain = Kind::ALL.iter().filter(|kind| !made.contains(kind));
    let plain =
        plain.flat_map(|kind| (0..2_000).map(|number| samples::bare(*kind, uuid(2_000_000 + number))));
    let inserts = skewed.into_iter().chain(plain).map(|record| Changeset::new([Change::Insert(record)]));
    let changesets: Vec<_> = inserts.chain(counted).collect();
    for batch in changesets.chunks(256) {
        for outcome in store.commit(batch).await {
            assert_eq!(outcome.unwrap(), Outcome::Applied);
        }
    }
}
