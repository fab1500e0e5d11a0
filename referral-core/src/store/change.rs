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
    /// is absent or at another version, `Taken`. Id, kind, tenant and `created_at` stay what they were.
    Update {
        /// The whole new record; its own version number is ignored.
        record: Record,
        /// The version it replaces.
        was: Version,
    },
    /// Removes a record. `Stale` if it is absent or at another version. Only purge and erase use it.
    Delete {
        /// Which.
        id: RecordId,
        /// The version it removes.
        was: Version,
    },
    /// Writes nothing; the record is and stays at this version until the commit, else `Stale`.
    Expect {
        /// Which.
        id: RecordId,
        /// The version it must be at.
        was: Version,
    },
    /// Sets columns of distinct records of one kind, each at the version given, to the same values; next version.
    /// `Stale` with the first that is absent or at another version. Never a fixed, a derived or a key column, see
    /// [`Kind::is_patchable`].
    Patch {
        /// Of which kind the records are.
        kind: Kind,
        /// Which, and the version that each must be at; 1 to 1,000.
        of: Vec<(Uuid, Version)>,
        /// Columns and what they shall hold. A field of several columns is set as a whole.
        set: Vec<(&'static str, Value)>,
    },
    /// Adds to a counter if the sum stays inside, else [`Conflict::OutOfBounds`]. An absent counter is 0. Decides
    /// quotas, caps, uses and balances; exact under any race.
    Count {
        /// Which; of a counted family.
        counter: CounterKey,
        /// What to add.
        add: i64,
        /// What the sum must be; `n..=n` is compare-and-set.
        within: Bounds,
    },
    /// Adds to a statistic. Never decides anything, never conflicts. A sum that would leave the range of `i64` stays at
    /// that end, and what went beyond it is forgotten; where a store stripes tallies, that holds for each stripe and for
    /// their sum.
    Tally {
        /// Which; of a tallied family.
        counter: CounterKey,
        /// What to add.
        add: i64,
    },
}

/// Changes that are applied all or not at all, in order.
///
/// One that counts or tallies begins with its witness: an insert, a delete, a patch, or an update that visibly ends
/// a state. After an unknown outcome the same changeset is committed again, and the witness tells whether the
/// first one was applied; so nothing counts twice.
///
/// A handle: cloning it copies no change. What it weighs and whether it keeps the rules is found out once.
#[derive(Clone)]
pub struct Changeset(Arc<Inner>);

struct Inner {
    changes: Vec<Change>,
    weight: usize,
    verdict: Result<(), StoreError>,
}

/// What became of a changeset. A lost race is a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// All of it is stored, and durable as far as the store's facts say.
    Applied,
    /// None of it is.
    Conflict {
        /// The first change that failed.
        index: usize,
        /// Why.
        conflict: Conflict,
    },
}

/// Why a change failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conflict {
    /// The record is not at the version that the change needs. For a patch: the first such record.
    Stale {
        /// Which record.
        id: RecordId,
        /// The version it is at; `None` if there is no such record.
        now: Option<Version>,
    },
    /// Another record holds a unique key. Which of several held keys is named is unspecified.
    Taken {
        /// The key.
        key: UniqueKey,
        /// The record that holds it.
        holder: RecordId,
    },
    /// The sum would leave the bounds, or overflow.
    OutOfBounds {
        /// Which counter.
        counter: CounterKey,
        /// Its value before.
        value: i64,
    },
}

impl Changeset {
    /// The most changes that one may hold.
    pub const MAX_CHANGES: usize = 1024;
    /// The most bytes that one may hold, as [`Changeset::weight`] counts them.
    pub const MAX_WEIGHT: usize = 4 * 1024 * 1024;
    /// The most records that one patch may hold.
    pub const MAX_PATCH: usize = 1000;
    /// The most records that one changeset may touch.
    pub const MAX_RECORDS: usize = 2048;

    /// These changes, in this order.
    #[must_use]
    pub fn new(changes: impl IntoIterator<Item = Change>) -> Self {
        let changes: Vec<Change> = changes.into_iter().collect();
        let weight = changes.iter().map(Change::weight).fold(0, usize::saturating_add);
        let verdict = check(&changes, weight).map_err(|message| StoreError::invalid("commit", message));
        Self(Arc::new(Inner { changes, weight, verdict }))
    }

    /// What to do, in order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0.changes
    }

    /// With one more change at the end.
    #[must_use]
    pub fn with(self, change: Change) -> Self {
        let before =
            Arc::try_unwrap(self.0).map_or_else(|shared| shared.changes.clone(), |inner| inner.changes);
        Self::new(before.into_iter().chain([change]))
    }

    /// How many bytes the stored form takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.0.weight
    }

    /// Whether it keeps the rules of the contract; every store asks this first.
    ///
    /// The rules: at most 1,024 changes, 2,048 records and 4 MiB; no record touched twice and no counter counted
    /// twice, so that merging can never matter; `Count` on counted families and `Tally` on tallied ones; a witness at
    /// the beginning where anything is counted or tallied; a patch of 1 to 1,000 records that sets only columns it may
    /// set, to values that their fields write. (Text without NUL and key parts of at most 255 bytes are kept by their
    /// types.)
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

/// Whether something is there twice.
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
