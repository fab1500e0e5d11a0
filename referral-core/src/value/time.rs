//! Time and versions, in the one precision that every store keeps.

use std::fmt;
use std::time::Duration;

/// A moment: the milliseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
///
/// Intervals are half-open everywhere: a link that expires at `t` is alive before `t` and dead at `t`.
/// Arithmetic saturates, so that a wrong clock cannot make anything panic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(i64);

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment that is `by` later, or the last one that can be represented.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// The moment that is `by` earlier, or the first one that can be represented.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)))
    }

    /// How long before this moment `earlier` was. It is zero if `earlier` is later than this.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The beginning of the UTC hour that this moment lies in.
    #[must_use]
    pub const fn hour(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(HOUR)))
    }

    /// The beginning of the UTC day that this moment lies in.
    #[must_use]
    pub const fn day(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(DAY)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// How often a record was written: 1 after the insert, and one more after each update or patch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(i64);

impl Version {
    /// The version that an insert stores, whatever the given record says.
    pub const FIRST: Self = Self(1);

    /// From the number that a store kept.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number, for a store to keep.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_begin_at_or_before_their_moment_also_before_1970() {
        assert_eq!(Timestamp::from_millis(HOUR + 1).hour().as_millis(), HOUR);
        assert_eq!(Timestamp::from_millis(HOUR).hour().as_millis(), HOUR);
        assert_eq!(Timestamp::from_millis(-1).hour().as_millis(), -HOUR);
    }

    #[test]
    fn arithmetic_saturates_instead_of_panicking() {
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(Timestamp::from_millis(i64::MIN).since(last), Duration::ZERO);
        assert_eq!(Timestamp::from_millis(i64::MIN).hour().as_millis(), i64::MIN);
    }
}
