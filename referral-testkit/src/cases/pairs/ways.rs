//! The table of what a change can do to a record, a key or a number that another change wants too. The pairs are its
//! square.

use referral_core::store::Change;

use super::field::{Field, Thing};
use crate::make::{count, count_any, delete, expect, insert, patch, tally, update};

/// The seven changes by themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    Insert,
    Update,
    Delete,
    Expect,
    Patch,
    Count,
    Tally,
}

impl Verb {
    const ALL: [Self; 7] =
        [Self::Insert, Self::Update, Self::Delete, Self::Expect, Self::Patch, Self::Count, Self::Tally];

    /// An eighth change stops here, and gets its ways below.
    pub(super) const fn of(change: &Change) -> Self {
        match change {
            Change::Insert(_) => Self::Insert,
            Change::Update { .. } => Self::Update,
            Change::Delete { .. } => Self::Delete,
            Change::Expect { .. } => Self::Expect,
            Change::Patch { .. } => Self::Patch,
            Change::Count { .. } => Self::Count,
            Change::Tally { .. } => Self::Tally,
        }
    }

    fn ways(self) -> Vec<Way> {
        let way = |thing, says, make| Way { verb: self, thing, says, make };
        match self {
            Self::Insert => vec![
                way(Thing::Record, "insert", |field, side| vec![insert(field.it(side))]),
                way(Thing::Key, "insert that takes it", |field, side| {
                    vec![insert(field.fresh(side, field.key(side)))]
                }),
            ],
            Self::Update => vec![
                way(Thing::Record, "update", |field, side| vec![update(field.it(side), 1)]),
                way(Thing::Key, "update that takes it", |field, side| {
                    vec![update(field.other(side, field.key(side)), 1)]
                }),
                way(Thing::Key, "update that releases it", |field, side| {
                    vec![update(field.holder(None, side), 1)]
                }),
                way(Thing::Key, "update that keeps it", |field, side| {
                    vec![update(field.holder(field.held(), side), 1)]
                }),
                way(Thing::Key, "two updates that hand it over", |field, side| {
                    let take = update(field.other(side, field.key(side)), 1);
                    vec![update(field.holder(None, side), 1), take]
                }),
            ],
            Self::Delete => vec![
                way(Thing::Record, "delete", |field, _| vec![delete(field.id(), 1)]),
                way(Thing::Key, "delete that releases it", |field, _| vec![delete(field.id(), 1)]),
            ],
            // It writes something else, because only then can it matter when it was looked at.
            Self::Expect => vec![
                way(Thing::Record, "expectation", |field, side| {
                    vec![expect(field.id(), 1), update(field.other(side, None), 1)]
                }),
                way(Thing::Key, "expectation of its holder", |field, side| {
                    vec![expect(field.id(), 1), insert(field.fresh(side, None))]
                }),
            ],
            Self::Patch => vec![
                way(Thing::Record, "patch", |field, side| vec![patch([(field.id(), 1)], field.mark(side))]),
                way(Thing::Record, "patch of it and another record", |field, side| {
                    let other = field.other(side, None).id();
                    vec![patch([(other, 1), (field.id(), 1)], field.mark(side))]
                }),
                way(Thing::Key, "patch of its holder", |field, side| {
                    vec![patch([(field.id(), 1)], field.mark(side))]
                }),
            ],
            Self::Count => vec![
                way(Thing::Number, "count up to a bound", |field, side| {
                    vec![field.witness(side), count(&field.counter(), 2, 0, 3)]
                }),
                way(Thing::Number, "count down to a bound", |field, side| {
                    vec![field.witness(side), count(&field.counter(), -1, 0, 9)]
                }),
                way(Thing::Number, "compare and set", |field, side| {
                    let next = field.counted() + 1;
                    vec![field.witness(side), count(&field.counter(), 1, next, next)]
                }),
                way(Thing::Number, "count without bounds", |field, side| {
                    vec![field.witness(side), count_any(&field.counter(), -2)]
                }),
            ],
            Self::Tally => vec![
                way(Thing::Number, "tally up", |field, side| {
                    vec![field.witness(side), tally(&field.statistic(), 3)]
                }),
                way(Thing::Number, "tally down", |field, side| {
                    vec![field.witness(side), tally(&field.statistic(), -3)]
                }),
            ],
        }
    }
}

/// One way to touch a thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) verb: Verb,
    pub(super) thing: Thing,
    pub(super) says: &'static str,
    make: fn(&Field, usize) -> Vec<Change>,
}

impl Way {
    /// The changes with which a side touches the thing of a field.
    pub(super) fn on(self, field: &Field, side: usize) -> Vec<Change> {
        let changes = (self.make)(field, side);
        let own = changes.iter().any(|change| Verb::of(change) == self.verb);
        assert!(own, "the table says that the {} is a {:?}, and makes none", self.says, self.verb);
        changes
    }
}

/// Every ordered pair of ways to touch the same thing.
pub(super) fn pairs() -> Vec<[Way; 2]> {
    let all: Vec<Way> = Verb::ALL.into_iter().flat_map(Verb::ways).collect();
    let with = |left: Way| {
        all.iter().filter(move |right| right.thing == left.thing).map(move |right| [left, *right])
    };
    all.iter().flat_map(|left| with(*left)).collect()
}
