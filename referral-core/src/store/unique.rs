//! Unique keys: what no two records may hold at once.

use crate::catalogue::{Record, Unique};
use crate::store::error::StoreError;
use crate::store::index::check_parts;
use crate::store::limits::check_points;
use crate::value::{Tenant, Value};

/// One unique key that a record holds, or that is looked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UniqueKey {
    /// The rule that it follows.
    pub unique: Unique,
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// A value for each of [`Unique::columns`], none of them null.
    pub parts: Vec<Value>,
}

impl UniqueKey {
    /// The key that a record holds by a rule, if it holds one. `values` are those of [`Record::values`].
    #[must_use]
    pub fn held(unique: Unique, tenant: &Tenant, values: &[Value]) -> Option<Self> {
        let mut parts = Vec::with_capacity(unique.columns().len());
        for column in unique.columns() {
            match values.get(unique.kind().position(column)?)? {
                Value::Null => return None,
                value => parts.push(value.clone()),
            }
        }
        Some(Self { unique, tenant: tenant.clone(), parts })
    }

    /// Whether its columns can hold its parts. There is one part for each column, and no part is null, holds a NUL, or is
    /// longer than its column.
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`](super::StoreErrorKind::Invalid).
    pub fn check(&self) -> Result<(), StoreError> {
        let columns = self.unique.columns().iter().copied();
        check_parts("find", self.unique.name(), self.unique.kind(), columns, &self.parts)
    }

    /// All unique keys that a record holds.
    #[must_use]
    pub fn all_of(record: &Record) -> Vec<Self> {
        let mut rules = Unique::of(record.id().kind).peekable();
        // Most records are responses, which hold no key. This spares making their values.
        if rules.peek().is_none() {
            return Vec::new();
        }
        let values = record.values();
        rules.filter_map(|unique| Self::held(unique, record.tenant(), &values)).collect()
    }
}

/// Whether a read by keys asks for no more keys than it may, and only for keys that can exist. Every store asks this
/// first.
///
/// # Errors
/// [`StoreErrorKind::Invalid`](super::StoreErrorKind::Invalid).
pub fn check_keys(keys: &[UniqueKey]) -> Result<(), StoreError> {
    check_points("find", keys.len())?;
    keys.iter().try_for_each(UniqueKey::check)
}
