//! Dates on the command line, and times in what is printed.

use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Instant};
use referral_core::Timestamp;

/// A moment as somebody writes it: a date, or a time from now.
#[derive(Clone, Debug)]
pub(crate) enum Moment {
    /// A point in time.
    At(Instant),
    /// So long before or after now.
    From(Span),
}

/// Why a text is no moment, or not one that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MomentError {
    /// Neither a date nor a length of time.
    #[error("neither a date (2026-07-01, 2026-07-01T12:00:00Z) nor a length of time (30d, 12h, 6mo)")]
    Unreadable,
    /// A moment that no calendar has, such as one in the year 20,000.
    #[error("this is too far from now")]
    TooFar(#[source] jiff::Error),
    /// The moment has to be in the future, and is in the past.
    #[error("{at} is in the past")]
    Past {
        /// The moment that was named.
        at: Instant,
    },
}

impl FromStr for Moment {
    type Err = MomentError;

    /// A date without an offset is in UTC, like every time that the program prints.
    fn from_str(text: &str) -> Result<Self, MomentError> {
        if let Ok(at) = text.parse::<Instant>() {
            return Ok(Self::At(at));
        }
        if let Ok(at) = text.parse::<DateTime>() {
            let at = at.to_zoned(TimeZone::UTC).map_err(MomentError::TooFar)?;
            return Ok(Self::At(at.timestamp()));
        }
        match text.parse::<Span>() {
            Ok(span) if !span.is_negative() => Ok(Self::From(span)),
            _ => Err(MomentError::Unreadable),
        }
    }
}

impl Moment {
    /// This moment. A length of time is counted back from now.
    pub(crate) fn ago(&self) -> Result<Timestamp, MomentError> {
        self.resolve(|span| span.negate())
    }

    /// This moment, which must be in the future. A length of time is counted forward from now.
    pub(crate) fn ahead(&self) -> Result<Timestamp, MomentError> {
        let at = self.resolve(|span| span)?;
        match Instant::from_millisecond(at.as_millis()) {
            Ok(instant) if instant < Instant::now() => Err(MomentError::Past { at: instant }),
            _ => Ok(at),
        }
    }

    fn resolve(&self, direct: impl Fn(Span) -> Span) -> Result<Timestamp, MomentError> {
        let instant = match self {
            Self::At(instant) => *instant,
            Self::From(span) => {
                // In UTC a day has 24 hours. A month is a month of the calendar.
                let now = Instant::now().to_zoned(TimeZone::UTC);
                now.checked_add(direct(*span)).map_err(MomentError::TooFar)?.timestamp()
            }
        };
        Ok(Timestamp::from_millis(instant.as_millisecond()))
    }
}

/// A time as it is printed: RFC 3339 in UTC. A host may store a time that no calendar has. The nearest one is shown
/// instead.
pub(crate) fn shown(at: Timestamp) -> String {
    let nearest = if at.as_millis() < 0 { Instant::MIN } else { Instant::MAX };
    Instant::from_millisecond(at.as_millis()).unwrap_or(nearest).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_without_an_offset_is_in_utc() {
        let at = |text: &str| text.parse::<Moment>().unwrap().ago().unwrap();
        assert_eq!(at("2026-07-01"), at("2026-07-01T00:00:00Z"));
        assert_eq!(at("2026-07-01T12:00"), at("2026-07-01T14:00:00+02:00"));
        assert_eq!(shown(at("2026-07-01")), "2026-07-01T00:00:00Z");
    }

    #[test]
    fn a_length_of_time_is_counted_from_now() {
        let (before, after) = ("30d".parse::<Moment>().unwrap(), "P30D".parse::<Moment>().unwrap());
        let days = after.ahead().unwrap().since(before.ago().unwrap()).as_secs() / 86_400;
        assert!((59..=60).contains(&days), "{days}");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "tomorrow", "2026-02-30", "30", "-3d", "2026-07-01T25:00", "1e9y"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
        assert!(matches!("2001-01-01".parse::<Moment>().unwrap().ahead(), Err(MomentError::Past { .. })));
        assert!(matches!("19000y".parse::<Moment>().unwrap().ahead(), Err(MomentError::TooFar(_))));
    }

    #[test]
    fn a_time_that_no_calendar_has_is_shown_as_the_nearest_one() {
        assert_eq!(shown(Timestamp::from_millis(i64::MAX)), Instant::MAX.to_string());
        assert_eq!(shown(Timestamp::from_millis(i64::MIN)), Instant::MIN.to_string());
    }
}
