//! Changes as data: what a commit does, and what it answers.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::catalogue::{Kind, Record, RecordId};
use crate::store::counter::{Bounds, CounterKey};
use crate::store::error::StoreError;
use crate::store::unique::UniqueKey;
use crate::value::{Value, Version};

/// One step of a [`Changeset`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Stores a record as version 1. [`Conflict::Stale`] if the id exists, [`Conflict::Taken`] if another record
    /// holds one of its unique keys.
    Insert(Record),
    /// Replaces the record at version `was` by version `was + 1`, releasing and taking unique keys. `Stale` if it
    /// is absent or at another version, `Taken` if another record holds one of its new keys. Id, kind, tenant and
    /// `created_at` stay what they were.
    Update {
        /// The whole new record; its own version number is ignored.
        record: Record,
        /// The version it replaces.
        was: Version,
    },
    /// Removes a record. `Stale` if it is absent or at another version.
    Delete {
        /// The record to remove.
        id: RecordId,
        /// The version it removes.
        was: Version,
    },
    /// Writes nothing, but requires that the record is at this version and stays there until the commit. `Stale` if it
    /// is not.
    Expect {
        /// The record that is required.
        id: RecordId,
        /// The version it must be at.
        was: Version,
    },
    /// Sets the same columns of several records of one kind to the same values. Each record must be at the version given
    /// for it, and moves to the next one. `Stale` names the first record that is absent or at another version.
    /// [`Kind::is_patchable`] says which columns may be set.
    Patch {
        /// The kind of the records.
        kind: Kind,
        /// The ids of 1 to 1,000 different records, and the version that each must be at.
        of: Vec<(Uuid, Version)>,
        /// The columns, and the values that they shall hold. A field of several columns is set as a whole.
        set: Vec<(&'static str, Value)>,
    },
    /// Adds to a counter if the sum stays within bounds; [`Conflict::OutOfBounds`] if it would not. An absent counter is
    /// 0. Counters decide quotas, caps, uses and balances, so they are exact under any race.
    Count {
        /// The counter, which is of a counted family.
        counter: CounterKey,
        /// What to add to it.
        add: i64,
        /// The bounds that the sum must stay within. Bounds of one number are a compare-and-set.
        within: Bounds,
    },
    /// Adds to a statistic. It decides nothing and never conflicts. A sum that would leave the range of `i64` stays at the
    /// end of the range, and what went beyond is forgotten. If a store keeps a tally in several stripes, that holds for
    /// each stripe and for their sum.
    Tally {
        /// The statistic, which is of a tallied family.
        counter: CounterKey,
        /// What to add to it.
        add: i64,
    },
}

/// A list of changes that is applied whole or not at all, in order.
///
/// A changeset that counts or tallies begins with its witness: an insert, a delete, a patch, or an update that visibly
/// ends a state. After an unknown outcome the same changeset is committed again, and the witness tells whether the
/// first commit was applied. So nothing counts twice.
///
/// This is a handle: cloning it copies no change. Its weight and whether it keeps the rules are computed once.
#[derive(Clone)]
pub struct Changeset(Arc<Inner>);

struct Inner {
    changes: Vec<Change>,
    weight: usize,
    verdict: Result<(), StoreError>,
}

/// What became of a changeset. A lost race is an outcome, and not an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The whole changeset is stored, and is as durable as the store's facts say.
    Applied,
    /// Nothing of the changeset is stored.
    Conflict {
        /// The position of the first change that failed.
        index: usize,
        /// Why it failed.
        conflict: Conflict,
    },
}

/// Why a change failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conflict {
    /// The record is not at the version that the change needs. For a patch it is the first such record.
    Stale {
        /// The record.
        id: RecordId,
        /// The version that it is at now; `None` if there is no such record.
        now: Option<Version>,
    },
    /// Another record holds a unique key. If several keys are held, any one of them is named.
    Taken {
        /// The key.
        key: UniqueKey,
        /// The record that holds it.
        holder: RecordId,
    },
    /// The sum would leave the bounds, or overflow.
    OutOfBounds {
        /// The counter.
        counter: CounterKey,
        /// The value that it has without the change.
        value: i64,
    },
}

impl Changeset {
    /// The most changes that one changeset may hold.
    pub const MAX_CHANGES: usize = 1024;
    /// The most bytes that one changeset may hold, as [`Changeset::weight`] counts them.
    pub const MAX_WEIGHT: usize = 4 * 1024 * 1024;
    /// The most records that one patch may hold.
    pub const MAX_PATCH: usize = 1000;
    /// The most records that one changeset may touch.
    pub const MAX_RECORDS: usize = 2048;

    /// Makes a changeset of these changes, in this order.
    #[must_use]
    pub fn new(changes: impl IntoIterator<Item = Change>) -> Self {
        let changes: Vec<Change> = changes.into_iter().collect();
        let weight = changes.iter().map(Change::weight).fold(0, usize::saturating_add);
        let verdict = check(&changes, weight).map_err(|message| StoreError::invalid("commit", message));
        Self(Arc::new(Inner { changes, weight, verdict }))
    }

    /// The changes, in order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0.changes
    }

    /// Adds one more change at the end.
    #[must_use]
    pub fn with(self, change: Change) -> Self {
        let before =
            Arc::try_unwrap(self.0).map_or_else(|shared| shared.changes.clone(), |inner| inner.changes);
        Self::new(before.into_iter().chain([change]))
    }

    /// About how many bytes the stored form takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.0.weight
    }

    /// Whether it keeps the rules of the contract; every store asks this first.
    ///
    /// The rules are:
    ///
    /// - It holds at most 1,024 changes, 2,048 records and 4 MiB.
    /// - It touches no record twice and counts no counter twice, so that merging changesets can never matter.
    /// - It uses `Count` on counted families and `Tally` on tallied ones.
    /// - It begins with a witness if it counts or tallies anything.
    /// - A patch has 1 to 1,000 records, and sets only columns that it may set, to values that their fields write.
    ///
    /// That text holds no NUL and that key parts have at most 255 bytes is ensured by their types.
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`](super::StoreErrorKind::Invalid).
    pub fn check(&self) -> Result<(), StoreError> {
        self.0.verdict.clone()
    }
}

impl Default for Changeset {
    fn default() -> Self {
        Self::new([])
    }
}

impl PartialEq for Changeset {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.changes() == other.changes()
    }
}

impl Eq for Changeset {}

impl fmt::Debug for Changeset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Changeset").field(&self.changes()).finish()
    }
}

fn check(changes: &[Change], weight: usize) -> Result<(), String> {
    let refuse = |message: &str| Err(message.to_owned());
    if changes.len() > Changeset::MAX_CHANGES {
        return refuse("a changeset holds at most 1024 changes");
    }
    if weight > Changeset::MAX_WEIGHT {
        return refuse("a changeset holds at most 4 MiB");
    }
    let mut records = Vec::new();
    let mut counted = Vec::new();
    for change in changes {
        match change {
            Change::Insert(record) | Change::Update { record, .. } => records.push(record.id()),
            Change::Delete { id, .. } | Change::Expect { id, .. } => records.push(*id),
            Change::Patch { kind, of, set } => {
                if of.is_empty() || of.len() > Changeset::MAX_PATCH {
                    return refuse("a patch holds 1 to 1000 records");
                }
                kind.check_patch(set)?;
                records.extend(of.iter().map(|(uuid, _)| RecordId { kind: *kind, uuid: *uuid }));
            }
            Change::Count { counter, .. } if !counter.family.is_counted() => {
                return refuse("this family is tallied, not counted");
            }
            Change::Count { counter, .. } => counted.push(counter),
            Change::Tally { counter, .. } if counter.family.is_counted() => {
                return refuse("this family is counted, not tallied");
            }
            Change::Tally { .. } => {}
        }
    }
    if records.len() > Changeset::MAX_RECORDS {
        return refuse("a changeset touches at most 2048 records");
    }
    if repeats(&mut records) {
        return refuse("a changeset touches a record once");
    }
    if repeats(&mut counted) {
        return refuse("a changeset counts a counter once");
    }
    let number = |change: &Change| matches!(change, Change::Count { .. } | Change::Tally { .. });
    if changes.iter().any(number)
        && !matches!(
            changes.first(),
            Some(Change::Insert(_) | Change::Delete { .. } | Change::Patch { .. } | Change::Update { .. })
        )
    {
        return refuse("a changeset that counts or tallies begins with its witness");
    }
    Ok(())
}

/// Whether the list holds something twice.
fn repeats<T: Ord>(all: &mut [T]) -> bool {
    all.sort_unstable();
    all.windows(2).any(|pair| matches!(pair, [one, next] if one == next))
}

impl Change {
    fn weight(&self) -> usize {
        match self {
            Self::Insert(record) | Self::Update { record, .. } => record.weight(),
            Self::Patch { of, set, .. } => {
                let text = |value: &Value| if let Value::Text(text) = value { text.len() } else { 16 };
                let set: usize = set.iter().map(|(_, value)| text(value)).fold(0, usize::saturating_add);
                of.len().saturating_mul(set.saturating_add(32))
            }
            Self::Delete { .. } | Self::Expect { .. } => 32,
            Self::Count { counter, .. } | Self::Tally { counter, .. } => {
                counter.parts.iter().map(|part| part.as_str().len()).sum::<usize>().saturating_add(64)
            }
        }
    }
}
