//! Counters and tallies: the two kinds of numbers that a store keeps.

use crate::catalogue::Family;
use crate::value::{KeyPart, Tenant, Timestamp};

/// Names one number. Numbers are ordered by tenant, family, first part, second part, bucket.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CounterKey {
    /// Whose it is.
    pub tenant: Tenant,
    /// What it is about.
    pub family: Family,
    /// What it belongs to, most significant first; empty text where there is none.
    pub parts: [KeyPart; 2],
    /// A time, a day, or zero.
    pub bucket: i64,
}

impl CounterKey {
    /// A number with two parts and no bucket.
    #[must_use]
    pub const fn new(tenant: Tenant, family: Family, parts: [KeyPart; 2]) -> Self {
        Self { tenant, family, parts, bucket: 0 }
    }

    /// The same number in a bucket of time.
    #[must_use]
    pub const fn in_bucket(mut self, at: Timestamp) -> Self {
        self.bucket = at.as_millis();
        self
    }
}

/// Which numbers to read: all of a family that begin with these parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CounterPrefix {
    /// Whose.
    pub tenant: Tenant,
    /// About what.
    pub family: Family,
    /// The first part, the first and the second, or none.
    pub parts: Vec<KeyPart>,
}

/// Which of them: buckets in a half-open range, after a key, at most so many; always in the order of keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CounterRange {
    /// From this bucket on.
    pub from: Option<i64>,
    /// Up to, and without, this bucket.
    pub until: Option<i64>,
    /// After this key, for the next page.
    pub after: Option<CounterKey>,
    /// At most so many; 1,000 at the most.
    pub limit: u32,
}

impl CounterRange {
    /// The first `limit` numbers.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { from: None, until: None, after: None, limit }
    }

    /// Whether a number lies inside.
    #[must_use]
    pub fn contains(&self, key: &CounterKey) -> bool {
        self.from.is_none_or(|from| key.bucket >= from)
            && self.until.is_none_or(|until| key.bucket < until)
            && self.after.as_ref().is_none_or(|after| key > after)
    }
}

/// What a sum must be, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
}

impl Bounds {
    /// Anything that does not overflow.
    pub const ANY: Self = Self { min: i64::MIN, max: i64::MAX };

    /// From `min` to `max`, both included.
    #[must_use]
    pub const fn new(min: i64, max: i64) -> Self {
        Self { min, max }
    }

    /// Whether a sum is inside.
    #[must_use]
    pub const fn contains(self, sum: i64) -> bool {
        self.min <= sum && sum <= self.max
    }
}
