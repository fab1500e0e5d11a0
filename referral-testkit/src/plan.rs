//! Random histories over few ids, keys and tenants, so that conflicts are as frequent as successes.

use std::ops::Range as Span;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use referral_core::Tenant;
use referral_core::store::{
    Bounds, Change, CounterKey, CounterPrefix, CounterRange, Family, Index, Kind, Range, Record, RecordId,
    Seek, Version,
};
use uuid::Uuid;

use crate::fill;
use crate::make::text;
use crate::model::Model;
use crate::replay::{self, Changes, Many, Part, Step, What, Written};

/// What happens, without the names of the world in which it happens.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The kinds of its records: few, so that they get in each other's way.
    pub(crate) kinds: Vec<u8>,
    /// The handle that commits it, and its changesets.
    pub(crate) batches: Vec<(u8, Vec<Vec<Op>>)>,
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
    /// So many links that nothing else knows, or what is done to the last ones of them; or so many numbers. One new link
    /// is a witness that always holds.
    Many(Many, u16),
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
    Page { sample: Sample, index: u8, range: Range, limit: u16 },
    Numbers { counter: u8, parts: u8, from: Option<i8>, until: Option<i8>, after: Option<u8>, limit: u16 },
    Points { ids: Vec<Sample> },
}

fn sample() -> impl Strategy<Value = Sample> {
    (0..3_u8, 0..SLOTS, 0..6_u8).prop_map(|(kind, slot, filling)| Sample { kind, slot, filling })
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

/// What is done to many at once: to none, to a few, and where it is large to as many as may be, to one less and to one
/// more.
fn many_op(large: bool) -> impl Strategy<Value = Op> {
    let what = prop_oneof![
        4 => Just(Many::Insert),
        1 => Just(Many::Update),
        1 => Just(Many::Delete),
        1 => Just(Many::Expect),
        2 => Just(Many::Patch),
        1 => Just(Many::Count),
        1 => Just(Many::Tally),
    ];
    const LIMITS: [u16; 9] = [0, 1, 999, 1000, 1001, 1022, 1023, 1024, 1025];
    let size = (0..LIMITS.len() as u16)
        .prop_map(move |pick| if large { LIMITS[usize::from(pick)] } else { pick % 4 });
    (what, size).prop_map(|(what, size)| Op::Many(what, size))
}

/// Mostly a witness and what it stands for, sometimes anything at all, which may break a rule.
fn changeset(large: bool) -> impl Strategy<Value = Vec<Op>> {
    let whole = (vec(record_op(), 0..4), vec(number_op(), 0..3)).prop_map(|(mut ops, numbers)| {
        if !numbers.is_empty() {
            ops.insert(0, Op::Many(Many::Insert, 1));
        }
        ops.extend(numbers);
        ops
    });
    let wild = vec(prop_oneof![2 => record_op(), 1 => number_op()], 0..4);
    let many = (vec(many_op(large), 1..3), vec(record_op(), 0..2))
        .prop_map(|(many, some)| many.into_iter().chain(some).collect::<Vec<_>>());
    prop_oneof![6 => whole, 1 => wild, 1 => many]
}

fn look() -> impl Strategy<Value = Look> {
    let edge = || option::of(0..5_i64);
    let range = (edge(), edge(), option::of((0..4_i64, 0..SLOTS)), any::<bool>()).prop_map(
        |(from, until, after, ascending)| {
            let after = after.map(|(at, slot)| Seek { at, id: Uuid::from_u128(u128::from(slot)) });
            Range { from, until, after, ascending }
        },
    );
    let limit = || prop_oneof![6 => 0..5_u16, 1 => 999..1002_u16];
    prop_oneof![
        6 => (sample(), any::<u8>(), range, limit())
            .prop_map(|(sample, index, range, limit)| Look::Page { sample, index, range, limit }),
        2 => (0..8_u8, 0..3_u8, option::of(-2..3_i8), option::of(-2..3_i8), option::of(0..8_u8), limit())
            .prop_map(|(counter, parts, from, until, after, limit)| {
                Look::Numbers { counter, parts, from, until, after, limit }
            }),
        1 => vec(sample(), 0..6).prop_map(|ids| Look::Points { ids }),
    ]
}

/// Histories of so many batches and so many reads behind them. One in sixteen is large.
pub(crate) fn plans(batches: Span<usize>, looks: Span<usize>) -> impl Strategy<Value = Plan> {
    let kinds = || vec(0..Kind::ALL.len() as u8, 1..4);
    let plans = |large, batches: Span<usize>| {
        let few = (0..2_u8, vec(changeset(large), 0..4));
        // More than most stores like.
        let long = (0..2_u8, vec(changeset(false), if large { 65..70 } else { 4..6 }));
        let batches = vec(prop_oneof![12 => few, 1 => long], batches);
        (kinds(), batches, vec(look(), looks.clone())).prop_map(|(kinds, batches, looks)| Plan {
            kinds,
            batches,
            looks,
        })
    };
    prop_oneof![15 => plans(false, batches.clone()), 1 => plans(true, 1..5)]
}

/// The names of one history: two tenants, a span of time and ids that no other history has.
#[derive(Clone, Debug)]
pub(crate) struct World {
    number: u64,
    kinds: Vec<u8>,
}

/// When the records of the slots were made.
const TIMES: [i64; SLOTS as usize] = [2, 1, 1, 0, 1];

/// How long the time of a history is.
const SPAN: i64 = 1000;

impl World {
    /// The steps of a plan, under the names of the world of this number.
    pub(crate) fn steps(plan: &Plan, number: u64) -> Vec<Step> {
        let world = Self { number, kinds: plan.kinds.clone() };
        let (mut model, mut links, mut steps) = (Model::default(), 0, Vec::new());
        for (handle, batch) in &plan.batches {
            // Each is made for the state that those before it lead to, so that most of them fit.
            let make = |ops: &Vec<_>| {
                let written = Written(ops.iter().map(|op| world.part(&model, &mut links, op)).collect());
                model.commit(&written.changeset());
                written
            };
            let batch = batch.iter().map(make).collect();
            steps.push(Step(What::Commit { handle: usize::from(*handle), batch }));
        }
        steps.extend(plan.looks.iter().filter_map(|look| world.look(look)));
        steps
    }

    fn look(&self, look: &Look) -> Option<Step> {
        Some(Step(match look {
            Look::Page { sample, index, range, limit } => {
                let record = self.record(*sample);
                let indexes: Vec<_> = Index::of(record.id().kind).collect();
                // A kind that nobody pages over has none.
                let index = indexes.iter().cycle().nth(usize::from(*index)).copied()?;
                let prefix = index.entry(&record, &record.values())?.prefix;
                What::Page { index, prefix, range: self.range(index, range), limit: u32::from(*limit) }
            }
            Look::Numbers { counter, parts, from, until, after, limit } => {
                let key = self.counter(*counter);
                let parts = key.parts.into_iter().take(usize::from(*parts % 3)).collect();
                let range = CounterRange {
                    from: from.map(i64::from),
                    until: until.map(i64::from),
                    after: after.map(|after| self.counter(after)),
                    limit: u32::from(*limit),
                };
                What::Numbers {
                    prefix: CounterPrefix { tenant: key.tenant, family: key.family, parts },
                    range,
                }
            }
            Look::Points { ids } => {
                What::Get { ids: ids.iter().map(|sample| self.record(*sample).id()).collect() }
            }
        }))
    }

    fn tenants(&self) -> [Tenant; 2] {
        // The one begins with the other.
        ["", "+"].map(|end| text(&format!("{}{end}", replay::tenant(self.number))))
    }

    fn base(&self) -> i64 {
        self.number as i64 * SPAN
    }

    fn uuid(&self, kind: Kind, slot: u64) -> Uuid {
        // Slots of a kind are in another order than their times.
        Uuid::from_u64_pair(self.number << 8 | kind as u64, slot.wrapping_mul(3) % 7 + (slot << 8))
    }

    fn record(&self, sample: Sample) -> Record {
        let kind = Kind::ALL[usize::from(self.kinds[usize::from(sample.kind) % self.kinds.len()])];
        let slot = sample.slot % SLOTS;
        let tenant = &self.tenants()[usize::from(slot == 4)];
        let time = self.base() + TIMES[usize::from(slot)];
        let id = self.uuid(kind, u64::from(slot));
        fill::small(kind, id, tenant.as_str(), time, sample.filling)
    }

    /// One of eight: two tenants, two parts, two buckets.
    fn counter(&self, number: u8) -> CounterKey {
        let [first, second] = if number & 2 == 0 { ["a", "ab"] } else { ["ab", ""] };
        CounterKey {
            tenant: self.tenants()[usize::from(number & 1)].clone(),
            family: Family::LinkUses,
            parts: [text(first), text(second)],
            bucket: i64::from(number >> 2) - 1,
        }
    }

    /// The range, moved to the time of this world.
    fn range(&self, index: Index, range: &Range) -> Range {
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

    fn part(&self, model: &Model, links: &mut u64, op: &Op) -> Part {
        let version = |id, was: Was| match was {
            Was::Now => model.now(id).unwrap_or(Version::FIRST),
            Was::Number(number) => Version::new(number),
        };
        let change = match op {
            Op::Write(sample) if model.now(self.record(*sample).id()).is_some() => {
                return self.part(model, links, &Op::Update(*sample, Was::Now));
            }
            Op::Insert(sample) | Op::Write(sample) => Change::Insert(self.record(*sample)),
            Op::Update(sample, was) => {
                let record = self.record(*sample);
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
            Op::Many(what, size) => return self.many(model, links, *what, u64::from(*size)),
        };
        Part(Changes::One(Box::new(change)))
    }

    /// New links, or something done to the last ones; or the first numbers.
    fn many(&self, model: &Model, links: &mut u64, what: Many, size: u64) -> Part {
        let (numbers, was) = match what {
            Many::Insert => {
                *links += size;
                (*links - size..*links, 0)
            }
            Many::Count | Many::Tally => (0..size, 1),
            Many::Update | Many::Delete | Many::Expect | Many::Patch => {
                let first = links.saturating_sub(size);
                let id = RecordId { kind: Kind::Link, uuid: replay::link_id(self.number, first) };
                (first..*links, model.now(id).unwrap_or(Version::FIRST).get())
            }
        };
        Part(Changes::Many { what, world: self.number, numbers, was })
    }
}
