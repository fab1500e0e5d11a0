//! Counters and tallies: the two kinds of numbers that a store keeps.

use crate::catalogue::Family;
use crate::value::{KeyPart, Tenant, Timestamp};

/// The name of one number. Numbers are ordered by tenant, family, first part, second part and bucket.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CounterKey {
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// What the number is about.
    pub family: Family,
    /// What the number belongs to, most significant part first. A part that is not needed is empty text.
    pub parts: [KeyPart; 2],
    /// The first millisecond of an hour or a day, or 0 for a total.
    pub bucket: i64,
}

impl CounterKey {
    /// Names a number with two parts and the bucket 0.
    #[must_use]
    pub const fn new(tenant: Tenant, family: Family, parts: [KeyPart; 2]) -> Self {
        Self { tenant, family, parts, bucket: 0 }
    }

    /// Names the same number in a bucket of time.
    #[must_use]
    pub const fn in_bucket(mut self, at: Timestamp) -> Self {
        self.bucket = at.as_millis();
        self
    }
}

/// Which numbers to read: those of a family whose names begin with these parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CounterPrefix {
    /// The tenant that they belong to.
    pub tenant: Tenant,
    /// What the numbers are about.
    pub family: Family,
    /// The first part, or the first and the second, or none.
    pub parts: Vec<KeyPart>,
}

/// Which of the numbers of a prefix to read. They come in the order of their keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CounterRange {
    /// From this bucket on.
    pub from: Option<i64>,
    /// Up to this bucket, and without it.
    pub until: Option<i64>,
    /// After this key, for the next page.
    pub after: Option<CounterKey>,
    /// The most numbers to give, up to 1,000.
    pub limit: u32,
}

impl CounterRange {
    /// The first `limit` numbers.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { from: None, until: None, after: None, limit }
    }

    /// Whether a number lies inside the range.
    #[must_use]
    pub fn contains(&self, key: &CounterKey) -> bool {
        self.from.is_none_or(|from| key.bucket >= from)
            && self.until.is_none_or(|until| key.bucket < until)
            && self.after.as_ref().is_none_or(|after| key > after)
    }
}

/// The bounds that a sum must stay within, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// The smallest sum that is allowed.
    pub min: i64,
    /// The greatest sum that is allowed.
    pub max: i64,
}

impl Bounds {
    /// Allows every sum that does not overflow.
    pub const ANY: Self = Self { min: i64::MIN, max: i64::MAX };

    /// Allows sums from `min` to `max`, both included.
    #[must_use]
    pub const fn new(min: i64, max: i64) -> Self {
        Self { min, max }
    }

    /// Whether a sum is allowed.
    #[must_use]
    pub const fn contains(self, sum: i64) -> bool {
        self.min <= sum && sum <= self.max
    }
}
