//! Changes as data: what a commit does, and what it answers.

use std::collections::HashSet;

use super::counter::{Bounds, CounterKey};
use super::error::StoreError;
use super::unique::UniqueKey;
use crate::record::{Record, RecordId, ResponseId, Timestamp, UserId, Value, Version};

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
    /// Sets user and time on these responses, next version. `Stale` unless every one of them is unclaimed.
    Claim {
        /// Distinct, at most 1,000.
        responses: Vec<ResponseId>,
        /// Who did them.
        user: UserId,
        /// When that was found out.
        at: Timestamp,
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
/// One that counts or tallies begins with its witness: an insert, a delete, a claim, or an update that visibly ends
/// a state. After an unknown outcome the same changeset is committed again, and the witness tells whether the
/// first one was applied; so nothing counts twice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changeset {
    /// What to do, in order.
    pub changes: Vec<Change>,
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
    /// The record is not at the version that the change needs. For a claim: the first response that is not
    /// unclaimed.
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
    /// The most responses that one claim may hold.
    pub const MAX_CLAIM: usize = 1000;

    /// These changes, in this order.
    #[must_use]
    pub fn new(changes: impl IntoIterator<Item = Change>) -> Self {
        Self { changes: changes.into_iter().collect() }
    }

    /// With one more change at the end.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// How many bytes the stored form takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.changes.iter().map(Change::weight).sum()
    }

    /// Whether it keeps the rules of the contract; every store asks this first.
    ///
    /// The rules: at most 1,024 changes and 4 MiB; no record touched twice and no counter counted twice, so that
    /// merging can never matter; `Count` on counted families and `Tally` on tallied ones; a witness at the
    /// beginning where anything is counted or tallied; a claim of at least one and at most 1,000 distinct
    /// responses. (Text without NUL and key parts of at most 255 bytes are kept by their types.)
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](super::ErrorKind::Invalid).
    pub fn check(&self) -> Result<(), StoreError> {
        let refuse = |message: &str| Err(StoreError::invalid("commit", message));
        if self.changes.len() > Self::MAX_CHANGES {
            return refuse("a changeset holds at most 1024 changes");
        }
        if self.weight() > Self::MAX_WEIGHT {
            return refuse("a changeset holds at most 4 MiB");
        }
        let mut records = HashSet::new();
        let mut counters = HashSet::new();
        for change in &self.changes {
            match change {
                Change::Insert(record) | Change::Update { record, .. } => {
                    if !records.insert(record.id()) {
                        return refuse("a changeset touches a record once");
                    }
                }
                Change::Delete { id, .. } | Change::Expect { id, .. } => {
                    if !records.insert(*id) {
                        return refuse("a changeset touches a record once");
                    }
                }
                Change::Claim { responses, .. } => {
                    if responses.is_empty() || responses.len() > Self::MAX_CLAIM {
                        return refuse("a claim holds 1 to 1000 responses");
                    }
                    if !responses.iter().all(|id| records.insert(RecordId::from(*id))) {
                        return refuse("a claim holds a response once");
                    }
                }
                Change::Count { counter, .. } => {
                    if !counter.family.is_counted() {
                        return refuse("this family is tallied, not counted");
                    }
                    if !counters.insert(counter) {
                        return refuse("a changeset counts a counter once");
                    }
                }
                Change::Tally { counter, .. } => {
                    if counter.family.is_counted() {
                        return refuse("this family is counted, not tallied");
                    }
                }
            }
        }
        let numbers = |change: &Change| matches!(change, Change::Count { .. } | Change::Tally { .. });
        if self.changes.iter().any(numbers)
            && !matches!(
                self.changes.first(),
                Some(
                    Change::Insert(_) | Change::Delete { .. } | Change::Claim { .. } | Change::Update { .. }
                )
            )
        {
            return refuse("a changeset that counts or tallies begins with its witness");
        }
        Ok(())
    }
}

impl Change {
    fn weight(&self) -> usize {
        match self {
            Self::Insert(record) | Self::Update { record, .. } => {
                let text = |value: &Value| if let Value::Text(text) = value { text.len() } else { 16 };
                record.values().iter().map(text).sum()
            }
            Self::Claim { responses, .. } => responses.len().saturating_mul(16),
            Self::Delete { .. } | Self::Expect { .. } => 32,
            Self::Count { counter, .. } | Self::Tally { counter, .. } => {
                counter.parts.iter().map(|part| part.as_str().len()).sum::<usize>().saturating_add(64)
            }
        }
    }
}
