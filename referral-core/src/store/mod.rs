//! The contract of a store: one write, four reads, and the description that all stores derive from.

pub mod bytes;
mod change;
mod contract;
mod counter;
mod error;
mod forward;
mod index;
pub mod json;
mod limits;
mod listing;
mod numbers;
mod patch;
pub mod plan;
pub mod rules;
mod unique;

pub use crate::catalogue::{Family, Index, Kind, Part, Record, RecordId, Shape, Unique};
pub use crate::value::{Column, ColumnError, ColumnType, KeyPart, Value, Version};
pub use change::{Change, Changeset, Conflict, Outcome};
pub use contract::{Read, Store, StoreFacts};
pub use counter::{Bounds, CounterKey, CounterPrefix, CounterRange};
pub use error::{StoreError, StoreErrorKind};
pub use index::{Entry, Prefix, Range, Seek};
pub use limits::{MAX_PAGE, check_counters, check_points};
pub use listing::{Cursor, CursorError, Page, PageRequest};
pub(crate) use listing::{ListError, Listing, list};
pub use numbers::NumberReads;
pub use unique::{UniqueKey, check_keys};
