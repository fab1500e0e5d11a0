//! Records of every kind and numbers that each changeset changes all together, from one round to the next.

use std::collections::{BTreeMap, BTreeSet};

use referral_core::Tenant;
use referral_core::store::{
    Change, ColumnType, CounterKey, CounterPrefix, Family, Index, Kind, Prefix, Record, RecordId, Unique,
    UniqueKey, Value,
};
use uuid::Uuid;

use crate::cx::Cx;
use crate::fill::{self, Absent, Filling};
use crate::make::{count_any, insert, numbers_of, place, tally, text, update};
use crate::samples::NOW;

/// How many records of each kind there are, and how many numbers that grow in each family.
pub(super) const MEMBERS: usize = 4;
/// The texts of even and of odd rounds. Records change their places in the indexes with them.
const TEXTS: [&str; 2] = ["even", "odd"];

/// What a writer changes with every changeset, all of it in the same changeset.
///
/// In round `r` every record is at version `r + 1`. Of the keys of a kind, one more than there are records, each record
/// takes the next one, which another record has just released. The numbers of a family grow together, and two more
/// take turns at being 1 and 0.
pub(super) struct Field {
    /// All records of each round, kind after kind, each in the order of the indexes.
    rounds: Vec<Vec<Record>>,
    families: [Family; 2],
}

impl Field {
    pub(super) fn new(cx: &Cx, rounds: usize) -> Self {
        let family = |counted| {
            let mut all = Family::ALL.iter().copied();
            all.find(|family| family.is_counted() == counted).expect("a family of each use")
        };
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| Members::new(cx, *kind)).collect();
        let records = |round| kinds.iter().flat_map(|kind| kind.records(round)).collect();
        Self { rounds: (0..=rounds).map(records).collect(), families: [family(true), family(false)] }
    }

    pub(super) const fn families(&self) -> [Family; 2] {
        self.families
    }

    /// The changeset that makes what round 0 holds.
    pub(super) fn first(&self) -> Vec<Change> {
        let mut changes: Vec<_> = self.records(0).iter().cloned().map(insert).collect();
        for family in self.families {
            changes.extend(self.numbers(family, 0).into_iter().map(|(key, value)| add(&key, value)));
        }
        changes
    }

    /// The changeset that leads to a round from the one before. A key is released before it is taken.
    pub(super) fn next(&self, round: i64) -> Vec<Change> {
        let mut changes: Vec<_> =
            self.records(round).iter().rev().map(|record| update(record.clone(), round)).collect();
        for family in self.families {
            let [from, to] = [round - 1, round].map(|round| turn(round).to_owned());
            let grown = (0..MEMBERS).map(|member| add(&number(family, &member.to_string()), 1));
            changes.extend(grown);
            changes.extend([add(&number(family, &from), -1), add(&number(family, &to), 1)]);
        }
        changes
    }

    /// All records of a round. There is none of a round that was never written.
    pub(super) fn records(&self, round: i64) -> &[Record] {
        usize::try_from(round).ok().and_then(|round| self.rounds.get(round)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn ids(&self) -> Vec<RecordId> {
        self.records(0).iter().map(Record::id).collect()
    }

    /// Every unique key that a record holds in some round.
    pub(super) fn keys(&self) -> Vec<UniqueKey> {
        // After so many rounds every record has held every key.
        let held = self.rounds.iter().take(MEMBERS + 1).flatten().flat_map(UniqueKey::all_of);
        held.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Who holds which key in a round.
    pub(super) fn holders(&self, round: i64) -> BTreeMap<UniqueKey, &Record> {
        let held = |record| UniqueKey::all_of(record).into_iter().map(move |key| (key, record));
        self.records(round).iter().flat_map(held).collect()
    }

    /// What a page gives of a place in a round.
    pub(super) fn page(&self, index: Index, prefix: &Prefix, round: i64) -> Vec<Record> {
        let is_there = |record: &&Record| place(index, record).as_ref() == Some(prefix);
        self.records(round).iter().filter(is_there).cloned().collect()
    }

    /// The first record of an index in a round.
    pub(super) fn first_of(&self, index: Index, round: i64) -> &Record {
        let is_of = |record: &&Record| record.id().kind == index.shape().kind;
        self.records(round).iter().find(is_of).expect("records of every kind")
    }

    /// The prefix of all numbers of a family.
    pub(super) fn prefix(family: Family) -> CounterPrefix {
        numbers_of("", family, &[PART])
    }

    /// The numbers of a family in a round that are not 0, in the order of their keys.
    pub(super) fn numbers(&self, family: Family, round: i64) -> Vec<(CounterKey, i64)> {
        let grown = (0..MEMBERS).map(|member| (number(family, &member.to_string()), round + 1));
        grown.chain([(number(family, turn(round)), 1)]).collect()
    }
}

/// The records of one kind.
struct Members {
    kind: Kind,
    ids: [Uuid; MEMBERS],
    /// What their unique keys are made of.
    marks: [Uuid; MEMBERS + 1],
}

impl Members {
    fn new(cx: &Cx, kind: Kind) -> Self {
        Self { kind, ids: [(); MEMBERS].map(|()| cx.uuid()), marks: [(); MEMBERS + 1].map(|()| cx.uuid()) }
    }

    fn records(&self, round: usize) -> impl Iterator<Item = Record> {
        (0..MEMBERS).map(move |member| self.record(member, round))
    }

    fn record(&self, member: usize, round: usize) -> Record {
        let mark = self.marks[(round + member) % self.marks.len()];
        let filling = |text, number| Filling { text, longest: false, number, absent: Absent::Nothing };
        let sample = |filling| fill::record(mark, self.kind, &filling).expect("nothing is absent").values();
        let number = i64::try_from(round).expect("a few rounds");
        // What is unique depends on the mark only, so that a record takes the key that another one has released.
        let (of_mark, of_round) = (sample(filling("key", 1)), sample(filling(TEXTS[round % 2], number)));
        let columns = self.kind.columns().iter().zip(of_mark).zip(of_round);
        let values = columns.map(|((column, of_mark), of_round)| match column.name {
            "id" => Value::Uuid(self.ids[member]),
            "tenant" => Value::Text("".into()),
            "version" => Value::Int(number + 1),
            // Two records at a time, so that a page can go on in the middle of equal times.
            "created_at" => Value::Int(NOW.as_millis() + i64::from(member >= 2)),
            name if Unique::of(self.kind).any(|rule| rule.columns().contains(&name)) => match column.holds {
                ColumnType::Uuid => Value::Uuid(mark),
                ColumnType::Int | ColumnType::Text(_) => of_mark,
            },
            _ => of_round,
        });
        Record::from_values(self.kind, values.collect()).expect("a record of two valid ones")
    }
}

/// The first part of all numbers.
const PART: &str = "field";

/// The second part of the number whose turn it is to be 1. Both come after those that grow.
const fn turn(round: i64) -> &'static str {
    if round % 2 == 0 { "x" } else { "y" }
}

fn number(family: Family, second: &str) -> CounterKey {
    CounterKey::new(Tenant::default(), family, [text(PART), text(second)])
}

fn add(key: &CounterKey, by: i64) -> Change {
    if key.family.is_counted() { count_any(key, by) } else { tally(key, by) }
}
