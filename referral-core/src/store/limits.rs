//! How much one read may ask for.

use crate::store::counter::{CounterPrefix, CounterRange};
use crate::store::error::StoreError;

/// The most records, ids, keys or numbers that one read gives or takes.
pub const MAX_PAGE: u32 = 1000;

/// Whether a read asks for no more points than it may. Every store asks this first.
///
/// # Errors
/// [`StoreErrorKind::Invalid`](super::StoreErrorKind::Invalid).
pub fn check_points(operation: &'static str, asked: usize) -> Result<(), StoreError> {
    if asked > MAX_PAGE as usize {
        return Err(StoreError::invalid(operation, format!("at most {MAX_PAGE} at a time")));
    }
    Ok(())
}

/// Whether a read of numbers keeps the rules. Every store asks this first.
///
/// # Errors
/// [`StoreErrorKind::Invalid`](super::StoreErrorKind::Invalid).
pub fn check_counters(prefix: &CounterPrefix, range: &CounterRange) -> Result<(), StoreError> {
    if prefix.parts.len() > 2 {
        return Err(StoreError::invalid("counters", "a counter has two parts"));
    }
    if range.limit > MAX_PAGE {
        return Err(StoreError::invalid("counters", format!("at most {MAX_PAGE} at a time")));
    }
    Ok(())
}
