//! Counters and tallies: the two kinds of numbers that a store keeps.

use crate::record::{KeyPart, Tenant, Timestamp};

/// What a number is about. Its family says whether it is counted or tallied; the number is part of stored keys
/// and never changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// Counted: how often a link with a limit was used. Parts: link.
    LinkUses = 1,
    /// Tallied: counted responses. Parts: link, action.
    Responses = 2,
    /// Tallied: counted responses of an hour. Parts: link, action; bucket: the hour's first millisecond, UTC.
    ResponsesByHour = 3,
    /// Tallied: flagged responses. Parts: link, action.
    Flagged = 4,
    /// Tallied: flagged responses of an hour. Parts and bucket as [`Family::ResponsesByHour`].
    FlaggedByHour = 5,
}

impl Family {
    /// Every family.
    pub const ALL: &'static [Self] =
        &[Self::LinkUses, Self::Responses, Self::ResponsesByHour, Self::Flagged, Self::FlaggedByHour];

    /// The number that stores keep.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The family of a stored number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|family| family.code() == code)
    }

    /// Whether it decides something and is exact under any race ([`Change::Count`](super::Change::Count)), or is
    /// a statistic ([`Change::Tally`](super::Change::Tally)).
    #[must_use]
    pub const fn is_counted(self) -> bool {
        match self {
            Self::LinkUses => true,
            Self::Responses | Self::ResponsesByHour | Self::Flagged | Self::FlaggedByHour => false,
        }
    }
}

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
