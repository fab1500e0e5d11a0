//! The contract of a store: one write, four reads, and the description that all stores derive from.

pub mod bytes;
mod change;
mod contract;
mod counter;
mod error;
mod forward;
mod index;
mod unique;

pub use change::{Change, Changeset, Conflict, Outcome};
pub use contract::{Read, Store, StoreFacts};
pub use counter::{Bounds, CounterKey, CounterPrefix, CounterRange, Family};
pub use error::{ErrorKind, StoreError};
pub use index::{Entry, Index, Part, Prefix, Range, Seek, Shape};
pub use unique::{Unique, UniqueKey};

/// The most records, ids, keys or numbers that one read gives or takes.
pub const MAX_PAGE: u32 = 1000;

/// Whether a read asks for no more points than it may; every store asks this first.
///
/// # Errors
/// [`ErrorKind::Invalid`].
pub fn check_points(operation: &'static str, asked: usize) -> Result<(), StoreError> {
    if asked > MAX_PAGE as usize {
        return Err(StoreError::invalid(operation, format!("at most {MAX_PAGE} at a time")));
    }
    Ok(())
}

/// Whether a read of numbers keeps the rules; every store asks this first.
///
/// # Errors
/// [`ErrorKind::Invalid`].
pub fn check_counters(prefix: &CounterPrefix, range: &CounterRange) -> Result<(), StoreError> {
    if prefix.parts.len() > 2 {
        return Err(StoreError::invalid("counters", "a counter has two parts"));
    }
    if range.limit > MAX_PAGE {
        return Err(StoreError::invalid("counters", format!("at most {MAX_PAGE} at a time")));
    }
    Ok(())
}
