//! Random histories over few ids, keys and tenants, so that conflicts are as frequent as successes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range as Span;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use referral_core::Tenant;
use referral_core::store::{
    Bounds, Change, Changeset, CounterKey, Family, Index, Kind, Prefix, Range, Record, RecordId, Seek,
    UniqueKey, Version, bytes,
};
use uuid::Uuid;

use crate::fill;
use crate::make::text;
use crate::model::Model;

/// What happens, without the names of the world in which it happens.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) batches: Vec<Vec<Vec<Op>>>,
    pub(crate) looks: Vec<Look>,
}

/// Which record, and which of the few ways to fill it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sample {
    kind: u8,
    slot: u8,
    filling: u8,
}

/// Slots of a kind: their tenants and times are theirs for ever.
const SLOTS: u8 = 5;

#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// An insert, or an update where the record is there: most often what can be done.
    Write(Sample),
    Insert(Sample),
    Update(Sample, Was),
    Delete(Sample, Was),
    Expect(Sample, Was),
    /// Of the sample's kind, the records of these slots get what the sample has.
    Patch(Sample, Vec<(u8, Was)>),
    Count(u8, i64, (i64, i64)),
    Tally(u8, i64),
    /// A record that nothing else knows: a witness that always holds.
    Fresh,
}

/// The version that a change says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Was {
    /// The one that the record is at when the batch is made.
    Now,
    Number(i64),
}

#[derive(Clone, Debug)]
pub(crate) enum Look {
    Page { sample: Sample, index: u8, range: Range, limit: u8 },
    Numbers { counter: u8, parts: u8, from: Option<i8>, until: Option<i8>, after: Option<u8>, limit: u8 },
    Points { ids: Vec<Sample> },
}

fn sample() -> impl Strategy<Value = Sample> {
    (0..Kind::ALL.len() as u8, 0..SLOTS, 0..6_u8).prop_map(|(kind, slot, filling)| Sample {
        kind,
        slot,
        filling,
    })
}

fn was() -> impl Strategy<Value = Was> {
    prop_oneof![4 => Just(Was::Now), 1 => (0..4_i64).prop_map(Was::Number)]
}

fn record_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => sample().prop_map(Op::Write),
        1 => sample().prop_map(Op::Insert),
        2 => (sample(), was()).prop_map(|(sample, was)| Op::Update(sample, was)),
        2 => (sample(), was()).prop_map(|(sample, was)| Op::Delete(sample, was)),
        1 => (sample(), was()).prop_map(|(sample, was)| Op::Expect(sample, was)),
        3 => (sample(), vec((0..SLOTS, was()), 1..4)).prop_map(|(like, slots)| Op::Patch(like, slots)),
    ]
}

fn number_op() -> impl Strategy<Value = Op> {
    let add = prop_oneof![8 => -3..4_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let bounds = prop_oneof![
        4 => Just((0, 3)),
        2 => (-2..3_i64).prop_map(|n| (n, n)),
        2 => Just((i64::MIN, i64::MAX)),
        1 => (-3..1_i64, 0..4_i64),
    ];
    prop_oneof![
        2 => (0..8_u8, add, bounds).prop_map(|(counter, add, bounds)| Op::Count(counter, add, bounds)),
        1 => (0..8_u8, -9..10_i64).prop_map(|(counter, add)| Op::Tally(counter, add)),
    ]
}

/// Mostly a witness and what it stands for, sometimes anything at all, which may break a rule.
fn changeset() -> impl Strategy<Value = Vec<Op>> {
    let whole = (vec(record_op(), 0..4), vec(number_op(), 0..3)).prop_map(|(mut ops, numbers)| {
        if !numbers.is_empty() {
            ops.insert(0, Op::Fresh);
        }
        ops.extend(numbers);
        ops
    });
    let wild = vec(prop_oneof![2 => record_op(), 1 => number_op()], 0..4);
    prop_oneof![6 => whole, 1 => wild]
}

fn look() -> impl Strategy<Value = Look> {
    let edge = || option::of(0..5_i64);
    let range = (edge(), edge(), option::of((0..4_i64, 0..SLOTS)), any::<bool>()).prop_map(
        |(from, until, after, ascending)| {
            let after = after.map(|(at, slot)| Seek { at, id: Uuid::from_u128(u128::from(slot)) });
            Range { from, until, after, ascending }
        },
    );
    prop_oneof![
        6 => (sample(), any::<u8>(), range, 0..5_u8)
            .prop_map(|(sample, index, range, limit)| Look::Page { sample, index, range, limit }),
        2 => (0..8_u8, 0..3_u8, option::of(-2..3_i8), option::of(-2..3_i8), option::of(0..8_u8), 0..5_u8)
            .prop_map(|(counter, parts, from, until, after, limit)| {
                Look::Numbers { counter, parts, from, until, after, limit }
            }),
        1 => vec(sample(), 0..6).prop_map(|ids| Look::Points { ids }),
    ]
}

/// Histories of so many batches and so many reads behind them.
pub(crate) fn plans(batches: Span<usize>, looks: Span<usize>) -> impl Strategy<Value = Plan> {
    (vec(vec(changeset(), 1..4), batches), vec(look(), looks))
        .prop_map(|(batches, looks)| Plan { batches, looks })
}

/// The names of one history: two tenants, a span of time and ids that no other history has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    number: u64,
}

/// What a history has mentioned.
#[derive(Debug, Default)]
pub(crate) struct History {
    fresh: u64,
    keys: BTreeSet<UniqueKey>,
    places: BTreeMap<Vec<u8>, (Index, Prefix)>,
}

impl History {
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &UniqueKey> {
        self.keys.iter()
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &(Index, Prefix)> {
        self.places.values()
    }

    fn mention(&mut self, record: &Record) {
        self.keys.extend(UniqueKey::all_of(record));
        let values = record.values();
        for index in Index::of(record.id().kind) {
            if let Some(entry) = index.entry(record, &values) {
                self.places.insert(bytes::prefix(index, &entry.prefix), (index, entry.prefix));
            }
        }
    }
}

/// When the records of the slots were made.
const TIMES: [i64; SLOTS as usize] = [2, 1, 1, 0, 1];

/// How long the time of a history is.
const SPAN: i64 = 1000;

impl World {
    pub(crate) const fn new(number: u64) -> Self {
        Self { number }
    }

    pub(crate) fn tenants(self) -> [Tenant; 2] {
        // The one begins with the other.
        ["", "+"].map(|end| text(&format!("world-{}{end}", self.number)))
    }

    fn base(self) -> i64 {
        self.number as i64 * SPAN
    }

    fn uuid(self, kind: Kind, slot: u64) -> Uuid {
        // Slots of a kind are in another order than their times.
        Uuid::from_u64_pair(self.number << 8 | kind as u64, slot.wrapping_mul(3) % 7 + (slot << 8))
    }

    pub(crate) fn record(self, sample: Sample) -> Record {
        let kind = Kind::ALL[usize::from(sample.kind)];
        let slot = sample.slot % SLOTS;
        let tenant = &self.tenants()[usize::from(slot == 4)];
        let time = self.base() + TIMES[usize::from(slot)];
        let id = self.uuid(kind, u64::from(slot));
        fill::small(kind, id, tenant.as_str(), time, sample.filling)
    }

    pub(crate) fn ids(self, history: &History) -> Vec<RecordId> {
        let slots = Kind::ALL.iter().flat_map(|kind| {
            (0..SLOTS).map(|slot| RecordId { kind: *kind, uuid: self.uuid(*kind, u64::from(slot)) })
        });
        let fresh = (1..=history.fresh)
            .map(|fresh| RecordId { kind: Kind::ALL[0], uuid: self.uuid(Kind::ALL[0], 1000 + fresh) });
        slots.chain(fresh).collect()
    }

    /// One of eight: two tenants, two parts, two buckets.
    pub(crate) fn counter(self, number: u8) -> CounterKey {
        let [first, second] = if number & 2 == 0 { ["a", "ab"] } else { ["ab", ""] };
        CounterKey {
            tenant: self.tenants()[usize::from(number & 1)].clone(),
            family: Family::LinkUses,
            parts: [text(first), text(second)],
            bucket: i64::from(number >> 2) - 1,
        }
    }

    /// The range, moved to the time of this world.
    pub(crate) fn range(self, index: Index, range: &Range) -> Range {
        let base = self.base();
        Range {
            from: range.from.map(|from| base + from),
            until: range.until.map(|until| base + until),
            after: range.after.map(|after| {
                // Mostly the place of a record that may be there, sometimes one where there is none.
                let slot = after.id.as_u128() as u64;
                let at = if after.at < 3 { TIMES[slot as usize % TIMES.len()] } else { after.at };
                Seek { at: base + at, id: self.uuid(index.shape().kind, slot) }
            }),
            ascending: range.ascending,
        }
    }

    pub(crate) fn changeset(self, model: &Model, history: &mut History, ops: &[Op]) -> Changeset {
        Changeset::new(ops.iter().map(|op| self.change(model, history, op)))
    }

    fn change(self, model: &Model, history: &mut History, op: &Op) -> Change {
        let version = |id, was: Was| match was {
            Was::Now => model.now(id).unwrap_or(Version::FIRST),
            Was::Number(number) => Version::new(number),
        };
        match op {
            Op::Write(sample) if model.now(self.record(*sample).id()).is_some() => {
                self.change(model, history, &Op::Update(*sample, Was::Now))
            }
            Op::Insert(sample) | Op::Write(sample) => {
                let record = self.record(*sample);
                history.mention(&record);
                Change::Insert(record)
            }
            Op::Update(sample, was) => {
                let record = self.record(*sample);
                history.mention(&record);
                let was = version(record.id(), *was);
                Change::Update { record, was }
            }
            Op::Delete(sample, was) => {
                let id = self.record(*sample).id();
                Change::Delete { id, was: version(id, *was) }
            }
            Op::Expect(sample, was) => {
                let id = self.record(*sample).id();
                Change::Expect { id, was: version(id, *was) }
            }
            Op::Patch(like, slots) => {
                let example = self.record(*like);
                let kind = example.id().kind;
                let set = fill::patch(&example, Some(like.filling));
                let of = slots.iter().map(|(slot, was)| {
                    let uuid = self.uuid(kind, u64::from(*slot));
                    if let Some(record) = model.records.get(&RecordId { kind, uuid }) {
                        record.patched(&set).iter().for_each(|patched| history.mention(patched));
                    }
                    (uuid, version(RecordId { kind, uuid }, *was))
                });
                Change::Patch { kind, of: of.collect(), set }
            }
            Op::Count(counter, add, (min, max)) => {
                Change::Count { counter: self.counter(*counter), add: *add, within: Bounds::new(*min, *max) }
            }
            Op::Tally(counter, add) => {
                let counter = CounterKey { family: Family::Responses, ..self.counter(*counter) };
                Change::Tally { counter, add: *add }
            }
            Op::Fresh => {
                history.fresh += 1;
                let id = self.uuid(Kind::ALL[0], 1000 + history.fresh);
                let tenant = &self.tenants()[0];
                let record = fill::small(Kind::ALL[0], id, tenant.as_str(), self.base() + 3, fill::BARE);
                history.mention(&record);
                Change::Insert(record)
            }
        }
    }
}
