//! The ground on which a pair meets: a record, a key or a number that nothing else touches, and what is beside it.

use referral_core::Alias;
use referral_core::store::{
    Change, Changeset, Column, ColumnType, CounterKey, Family, Kind, Record, RecordId, Unique, Value, Version,
};
use uuid::Uuid;

use super::ways::Way;
use crate::cx::Cx;
use crate::make::{count_any, counter_of, insert, tally, text, words};
use crate::model::{Model, Verdict};
use crate::samples;

/// What two changes meet at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Thing {
    Record,
    Key,
    Number,
}

/// How many changesets may touch one field.
pub(super) const SIDES: usize = 4;

/// The mark of what was there before any side came.
const NOBODY: usize = SIDES;

/// A thing of its own for a pair.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) ways: [Way; 2],
    /// Whether the record is there, the key held, the number not 0.
    pub(super) full: bool,
    kind: Kind,
    rule: Unique,
    id: Uuid,
    others: [Uuid; SIDES],
    fresh: [Uuid; SIDES],
    /// The parts of its numbers.
    parts: [String; 2],
}

impl Field {
    /// `turn` chooses the kind of the record and the rule of the key; `part` is the first part of its numbers.
    pub(super) fn new(cx: &Cx, ways: [Way; 2], full: bool, turn: usize, part: &str) -> Self {
        let rule = Unique::ALL[turn % Unique::ALL.len()];
        let kind = match ways[0].thing {
            Thing::Record => Kind::ALL[turn % Kind::ALL.len()],
            Thing::Key => rule.kind(),
            Thing::Number => Kind::Response,
        };
        let id = cx.uuid();
        let others = std::array::from_fn(|_| cx.uuid());
        let fresh = std::array::from_fn(|_| cx.uuid());
        Self { ways, full, kind, rule, id, others, fresh, parts: [part.to_owned(), id.simple().to_string()] }
    }

    pub(super) fn says(&self) -> String {
        let [left, right] = self.ways.map(|way| way.says);
        let thing = match (self.ways[0].thing, self.full) {
            (Thing::Record, true) => format!("a {} that is there", self.kind.name()),
            (Thing::Record, false) => format!("a {} that is not there", self.kind.name()),
            (Thing::Key, true) => format!("a {} that is held", self.rule.name()),
            (Thing::Key, false) => format!("a {} that is free", self.rule.name()),
            (Thing::Number, true) => "numbers".to_owned(),
            (Thing::Number, false) => "numbers that are 0".to_owned(),
        };
        format!("{left} against {right}, of {thing}")
    }

    /// What a side does in one of the two ways.
    pub(super) fn touched(&self, way: usize, side: usize) -> Vec<Change> {
        self.ways[way].on(self, side)
    }

    /// What has to be there first, with what so many sides need beside the thing.
    pub(super) fn prepared(&self, sides: usize) -> Changeset {
        let mut changes = Vec::new();
        match self.ways[0].thing {
            Thing::Record => {
                changes.extend(self.full.then(|| insert(self.it(NOBODY))));
                changes.extend((0..sides).map(|side| insert(self.other(side, None))));
            }
            Thing::Key => {
                changes.push(insert(self.holder(self.held(), NOBODY)));
                changes.extend((0..sides).map(|side| insert(self.other(side, None))));
            }
            Thing::Number if self.full => {
                changes.push(insert(self.it(NOBODY)));
                changes.extend([count_any(&self.counter(), self.counted()), tally(&self.statistic(), 3)]);
            }
            Thing::Number => {}
        }
        Changeset::new(changes)
    }

    /// Whether a race of its ways says anything. Each can be done by itself, or the one after the other, and the order
    /// matters, or it is about numbers, which lose what is added in any order.
    pub(super) fn is_contest(&self) -> bool {
        let mut start = Model::default();
        start.commit(&self.prepared(2));
        let [left, right] = [0, 1].map(|side| Changeset::new(self.touched(side, side)));
        let alone = |changeset| start.clone().commit(changeset) == Verdict::Applied;
        let ordered = |first, second| {
            let mut model = start.clone();
            let verdicts = (model.commit(first), model.commit(second));
            (verdicts, model)
        };
        let both = (Verdict::Applied, Verdict::Applied);
        let (there, (back, end)) = (ordered(&left, &right), ordered(&right, &left));
        let possible = alone(&left) && alone(&right) || there.0 == both || back == both;
        let same = there == ((back.1, back.0), end);
        possible && (!same || self.ways[0].thing == Thing::Number)
    }

    pub(super) fn id(&self) -> RecordId {
        RecordId { kind: self.kind, uuid: self.id }
    }

    /// The record that both sides want, as a side writes it.
    pub(super) fn it(&self, side: usize) -> Record {
        set(samples::bare(self.kind, self.id), &self.mark(side))
    }

    /// The first column that a patch may set to anything, and what a side sets it to.
    pub(super) fn mark(&self, side: usize) -> [(&'static str, Value); 1] {
        let value = |column: &Column| match column.holds {
            ColumnType::Text(_) if column.nullable => Some(words(&format!("side-{side}"))),
            ColumnType::Uuid => Some(Value::Uuid(Uuid::from_u128(side as u128 + 1))),
            _ => None,
        };
        let patchable = self.kind.columns().iter().filter(|column| self.kind.is_patchable(column.name));
        let found = patchable.filter_map(|column| Some((column.name, value(column)?))).next();
        [found.unwrap_or_else(|| panic!("no column of {:?} may be patched to anything", self.kind))]
    }

    /// The key that both sides want, as a side spells it.
    pub(super) fn key(&self, side: usize) -> Option<String> {
        let key = format!("k-{}", self.id.simple());
        Some(if self.rule == Unique::AliasFolded && side % 2 == 1 { key.to_uppercase() } else { key })
    }

    /// The key, where it is held at first.
    pub(super) fn held(&self) -> Option<String> {
        self.key(NOBODY).filter(|_| self.full)
    }

    /// The record that holds the key, where it is held, with this key instead.
    pub(super) fn holder(&self, key: Option<String>, side: usize) -> Record {
        self.keyed(self.id, key, side)
    }

    /// A record that is there for a side, with this key or with one of its own.
    pub(super) fn other(&self, side: usize, key: Option<String>) -> Record {
        self.keyed(self.others[side], key, side)
    }

    /// A record that a side makes.
    pub(super) fn fresh(&self, side: usize, key: Option<String>) -> Record {
        self.keyed(self.fresh[side], key, side)
    }

    pub(super) fn witness(&self, side: usize) -> Change {
        insert(self.fresh(side, None))
    }

    /// A record of the kind with a key of the rule, or with the key that its id makes, or none.
    fn keyed(&self, id: Uuid, key: Option<String>, side: usize) -> Record {
        let bare = samples::bare(self.kind, id);
        let record = match (self.ways[0].thing, self.rule) {
            (Thing::Record | Thing::Number, _) => bare,
            (Thing::Key, Unique::AliasCode | Unique::AliasFolded) => {
                let key = key.unwrap_or_else(|| id.simple().to_string());
                let case_exact = self.rule == Unique::AliasCode;
                Alias { case_exact, ..samples::alias(id, text(&key)) }.into()
            }
            (Thing::Key, rule) => {
                let name = rule.columns().last().expect("a rule has a column");
                let nullable =
                    self.kind.columns().iter().any(|column| column.name == *name && column.nullable);
                match key {
                    Some(key) => set(bare, &[(name, words(&key))]),
                    None if nullable => set(bare, &[(name, Value::Null)]),
                    None => bare,
                }
            }
        };
        set(record, &self.mark(side))
    }

    pub(super) fn counter(&self) -> CounterKey {
        let [first, second] = &self.parts;
        counter_of("", first, second, 0)
    }

    /// What is counted at first.
    pub(super) fn counted(&self) -> i64 {
        if self.full { 2 } else { 0 }
    }

    /// The statistic with the same name in a tallied family.
    pub(super) fn statistic(&self) -> CounterKey {
        CounterKey { family: Family::Responses, ..self.counter() }
    }
}

fn set(record: Record, columns: &[(&'static str, Value)]) -> Record {
    let kind = record.id().kind;
    let mut values = record.values();
    for (name, value) in columns {
        values[kind.position(name).expect("a column of the kind")] = value.clone();
    }
    Record::from_values(kind, values).expect("a record of the kind").at_version(Version::FIRST)
}
