//! Ids.

use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{ContextV7, Timestamp as UuidTime, Uuid};

use crate::value::Timestamp;

/// Makes ids. They should grow with time, because every store indexes them.
pub trait IdSource: Debug + Send + Sync + 'static {
    /// Makes a new id, which was never given out before.
    fn next(&self, now: Timestamp) -> Uuid;
}

/// UUIDv7 ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#section-5.7)): milliseconds, a counter and random bits.
/// The ids of one process grow, also within a millisecond.
#[derive(Debug, Default)]
pub struct RandomIds(Mutex<ContextV7>);

impl IdSource for RandomIds {
    fn next(&self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let nanos = u32::try_from(millis % 1000).unwrap_or(0).saturating_mul(1_000_000);
        let context = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(UuidTime::from_unix(&*context, millis / 1000, nanos))
    }
}

/// Ids that only count, for tests: two runs then give equal ids.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl IdSource for SequentialIds {
    fn next(&self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        let [a, b, c, d, e, f, g, h] = count.to_be_bytes();
        uuid::Builder::from_unix_timestamp_millis(millis, &[0, 0, a, b, c, d, e, f, g, h]).into_uuid()
    }
}

impl<I: IdSource + ?Sized> IdSource for std::sync::Arc<I> {
    fn next(&self, now: Timestamp) -> Uuid {
        (**self).next(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_grow() {
        let ids = RandomIds::default();
        let now = Timestamp::from_millis(1_700_000_000_123);
        let made: Vec<_> = (0..1000).map(|_| ids.next(now)).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
    }
}
