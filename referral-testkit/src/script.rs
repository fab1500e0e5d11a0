//! What the writers of a child do that is killed: batches that follow from two numbers, so that the parent knows them
//! too.

use std::collections::BTreeSet;

use referral_core::Tenant;
use referral_core::store::{
    Change, Changeset, ColumnType, CounterKey, Family, Kind, Record, RecordId, Unique, Value, Version,
};
use uuid::Uuid;

use crate::compare::Mentioned;
use crate::fill;
use crate::make::{count, count_any, tally, text};
use crate::model::{Model, Verdict};

/// The writers of a round. Each has records, keys and numbers of its own, and all write two shared numbers.
pub(crate) fn writers(round: u64) -> std::ops::Range<u64> {
    match round % 5 {
        0 => 0..3,
        1 => 2..3,
        3 => 1..2,
        _ => 3..4,
    }
}

/// The sizes of the changesets of each writer, and how many of them a batch has at most.
const LOADS: [(&[usize], u64); 4] = [
    (&[1, 3, 9, 30], 4),
    (&[20, 101, 130, 250], 2),
    (&[130, 260, 600, Changeset::MAX_CHANGES], 1),
    (&[400], 1),
];

/// The writer whose changesets are patches of all records that it has.
const PATCHES: u64 = 3;

/// Patched records are of the kind of which a patch may set the most.
const PATCHED: Kind = Kind::Response;

/// The batches of one writer, one after another.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    round: u64,
    writer: u64,
    random: Random,
    next: u64,
    templates: Vec<(Kind, Vec<Vec<Value>>)>,
    /// What is stored if everything was.
    pub(crate) model: Model,
    /// What the batches have mentioned, where that is asked for.
    pub(crate) mentioned: Option<Mentioned>,
}

/// A batch, and how each of its changesets has to be answered.
pub(crate) type Batch = Vec<(Changeset, Verdict)>;

impl Script {
    pub(crate) fn new(round: u64, writer: u64) -> Self {
        let small = |kind, filling| fill::small(kind, Uuid::nil(), "", 0, filling).values();
        let templates = |kind: &Kind| (*kind, (1..4).map(|filling| small(*kind, filling)).collect());
        Self {
            round,
            writer,
            random: Random(round << 8 | writer),
            next: 0,
            templates: Kind::ALL.iter().map(templates).collect(),
            model: Model::default(),
            mentioned: None,
        }
    }

    fn tenant(&self) -> Tenant {
        text(&format!("crash-{}-{}", self.round, self.writer))
    }

    /// The two numbers that all writers of a round write.
    pub(crate) fn shared(round: u64) -> [CounterKey; 2] {
        let key =
            |family| CounterKey::new(text(&format!("crash-{round}")), family, [text("shared"), text("")]);
        [key(Family::LinkUses), key(Family::Responses)]
    }

    pub(crate) fn batch(&mut self) -> Batch {
        let (sizes, most) = LOADS[self.writer as usize % LOADS.len()];
        let changesets = 1 + self.random.below(most);
        let mut batch = Batch::new();
        for _ in 0..changesets {
            let size = sizes[self.random.below(sizes.len() as u64) as usize];
            let changeset = self.changeset(size);
            let verdict = self.model.commit(&changeset);
            if let Some(mentioned) = &mut self.mentioned {
                mentioned.note(&changeset, &self.model);
            }
            batch.push((changeset, verdict));
        }
        batch
    }

    /// A witness, changes of every kind, and what all writers count.
    fn changeset(&mut self, mut size: usize) -> Changeset {
        let mut changes = vec![self.insert(0)];
        // Each record is touched once: those that are there are taken from one list.
        let mut stored: Vec<(RecordId, Version)> =
            self.model.records.iter().map(|(id, record)| (*id, record.version())).collect();
        let middle = self.random.below(1 + stored.len() as u64) as usize;
        let most = stored.len();
        stored.rotate_left(middle.min(most));
        let mut records = 0;
        let mut numbers = BTreeSet::new();
        let fails = self.random.below(8) == 0;
        if self.writer == PATCHES {
            // One patch of many records is large too; and before it there is something to patch.
            let patched = Kind::ALL.iter().position(|kind| *kind == PATCHED).unwrap_or_default();
            match self.patch(PATCHED, &mut stored, Changeset::MAX_PATCH) {
                Some((patch, patched)) => {
                    changes.push(patch);
                    records += patched;
                }
                None => changes.extend((3..size).map(|_| self.insert(patched))),
            }
            size = changes.len() + 3;
        }
        let most = size.saturating_sub(2 + usize::from(fails));
        while changes.len() < most {
            let room = most - changes.len();
            let run = 1 + self.random.below(room as u64 / 2 + 1) as usize;
            let run = run.min(room);
            let kind = self.random.below(Kind::ALL.len() as u64) as usize;
            let taken = stored.len().saturating_sub(run);
            match self.random.below(10) {
                0..3 => changes.extend((0..run).map(|_| self.insert(kind))),
                3..5 => {
                    for (id, was) in stored.split_off(taken) {
                        let record = self.record(id);
                        changes.push(Change::Update { record, was });
                    }
                }
                5 => {
                    changes.extend(
                        stored.split_off(taken).into_iter().map(|(id, was)| Change::Delete { id, was }),
                    );
                }
                6 => {
                    changes.extend(
                        stored.split_off(taken).into_iter().map(|(id, was)| Change::Expect { id, was }),
                    );
                }
                7 => {
                    let most = Changeset::MAX_PATCH.min(Changeset::MAX_RECORDS - size - records);
                    let patch = self.patch(PATCHED, &mut stored, most);
                    records += patch.as_ref().map_or(0, |(_, records)| *records);
                    changes.extend(patch.map(|(patch, _)| patch));
                }
                8 => {
                    for _ in 0..run {
                        let number = self.random.below(1500);
                        if numbers.insert(number) {
                            let add = self.random.below(7) as i64 - 3;
                            changes.push(count_any(&self.number(Family::LinkUses, number), add));
                        }
                    }
                }
                _ => {
                    for _ in 0..run {
                        let number = self.random.below(1500);
                        let add = self.random.below(7) as i64 - 3;
                        changes.push(tally(&self.number(Family::ResponsesByDay, number), add));
                    }
                }
            }
        }
        if size > 2 {
            let [counted, tallied] = Self::shared(self.round);
            changes.extend([count_any(&counted, 1), tally(&tallied, 1)]);
        }
        if fails {
            changes.push(count(&self.number(Family::LinkUses, 9999), 1, 5, 9));
        }
        Changeset::new(changes)
    }

    /// A patch of records of one kind, which are taken from the list.
    fn patch(
        &mut self,
        kind: Kind,
        stored: &mut Vec<(RecordId, Version)>,
        most: usize,
    ) -> Option<(Change, usize)> {
        let wanted = most / 2 + self.random.below(most as u64 / 2 + 1) as usize;
        let mut of = Vec::new();
        stored.retain(|(id, was)| {
            let takes = id.kind == kind && of.len() < wanted.min(most);
            if takes {
                of.push((id.uuid, *was));
            }
            !takes
        });
        let like = self.record(RecordId { kind, uuid: Uuid::nil() });
        let (set, records) = (fill::patch(&like, None), of.len());
        (records > 0).then_some((Change::Patch { kind, of, set }, records))
    }

    fn insert(&mut self, kind: usize) -> Change {
        self.next += 1;
        let uuid = Uuid::from_u64_pair(self.round << 8 | self.writer | 1 << 60, self.next);
        Change::Insert(self.record(RecordId { kind: Kind::ALL[kind], uuid }))
    }

    /// A record of this id with keys that it never had, and one of a few owners, links, users and times.
    fn record(&mut self, id: RecordId) -> Record {
        self.next += 1;
        let kind = id.kind;
        let templates = self.templates.iter().find(|(of, _)| *of == kind).map(|(_, all)| all).unwrap();
        let mut values = templates[self.next as usize % templates.len()].clone();
        let mut set = |column: &str, value: Value| values[kind.position(column).unwrap()] = value;
        set("id", Value::Uuid(id.uuid));
        set("tenant", Value::Text(self.tenant().as_str().to_owned().into()));
        set("created_at", Value::Int((self.next % 40) as i64));
        for column in Unique::of(kind).flat_map(Unique::columns) {
            let position = kind.position(column).unwrap();
            let described = &kind.columns()[position];
            if matches!(described.holds, ColumnType::Text(_))
                && described.names.is_empty()
                && values[position] != Value::Null
            {
                values[position] = Value::Text(format!("k{}", self.next).into());
            }
        }
        Record::from_values(kind, values).unwrap()
    }

    fn number(&self, family: Family, number: u64) -> CounterKey {
        CounterKey::new(self.tenant(), family, [text(&number.to_string()), text("")])
    }
}

/// Numbers that look random and follow from the first one.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `end`.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
