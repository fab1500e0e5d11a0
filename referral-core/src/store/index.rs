//! Places in an index, and which part of it to read.

use uuid::Uuid;

use crate::catalogue::{Index, Kind, Part, Record};
use crate::store::error::StoreError;
use crate::store::limits::MAX_PAGE;
use crate::value::{Column, ColumnType, Tenant, Value};

impl Index {
    /// Where a record stands in this index; `None` if it has no entry there. `values` are those of
    /// [`Record::values`].
    #[must_use]
    pub fn entry(self, record: &Record, values: &[Value]) -> Option<Entry> {
        let shape = self.shape();
        if record.id().kind != shape.kind {
            return None;
        }
        let at = |column| values.get(shape.kind.position(column)?);
        let mut parts = Vec::with_capacity(shape.parts.len());
        for part in shape.parts {
            match (part, at(part.column())?) {
                (Part::Is(_), Value::Null) => return None,
                (Part::Is(_), value) => parts.push(value.clone()),
                (Part::Null(_), Value::Null) => {}
                (Part::Null(_), _) => return None,
            }
        }
        let Value::Int(order) = at(shape.order)? else { return None };
        let tenant = record.tenant().clone();
        Some(Entry { prefix: Prefix { tenant, parts }, seek: Seek { at: *order, id: record.id().uuid } })
    }

    /// Whether this index can answer for a prefix and a limit. Every store asks this first.
    ///
    /// The prefix has one value for each [`Part::Is`], of the type of its column. No value is null, holds a NUL, or is
    /// longer than the column.
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`](super::StoreErrorKind::Invalid).
    pub fn check(self, prefix: &Prefix, limit: u32) -> Result<(), StoreError> {
        let shape = self.shape();
        let wanted = shape.parts.iter().filter(|part| matches!(part, Part::Is(_)));
        let columns = wanted.map(|part| part.column());
        check_parts("page", shape.name, shape.kind, columns, &prefix.parts)?;
        if limit > MAX_PAGE {
            return Err(StoreError::invalid("page", format!("at most {} records a page", MAX_PAGE)));
        }
        Ok(())
    }
}

/// Whether these are values that these columns of a kind can hold, one for each. What a key is made of is never null.
pub(super) fn check_parts(
    operation: &'static str,
    name: &str,
    kind: Kind,
    columns: impl Iterator<Item = &'static str>,
    parts: &[Value],
) -> Result<(), StoreError> {
    let mut columns = columns;
    let mut parts = parts.iter();
    loop {
        let fits = match (columns.next(), parts.next()) {
            (None, None) => return Ok(()),
            (Some(column), Some(value)) => {
                let column = kind.position(column).and_then(|at| kind.columns().get(at));
                column.is_some_and(|column| holds(column, value))
            }
            _ => false,
        };
        if !fits {
            return Err(StoreError::invalid(operation, format!("the parts do not fit {name}")));
        }
    }
}

fn holds(column: &Column, value: &Value) -> bool {
    match (column.holds, value) {
        (ColumnType::Int, Value::Int(_)) | (ColumnType::Uuid, Value::Uuid(_)) => true,
        (ColumnType::Text(most), Value::Text(text)) => text.len() <= most as usize && !text.contains('\0'),
        _ => false,
    }
}

/// A place in an index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The tenant and the parts of the prefix.
    pub prefix: Prefix,
    /// The place among the entries of that prefix.
    pub seek: Seek,
}

/// Which entries of an index to read: those of a tenant that have these parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefix {
    /// The tenant whose entries they are.
    pub tenant: Tenant,
    /// A value for each [`Part::Is`] of the index, of the type of its column.
    pub parts: Vec<Value>,
}

impl Prefix {
    /// Begins a prefix of a tenant. Add the parts with [`Prefix::text`] and [`Prefix::uuid`].
    #[must_use]
    pub fn new(tenant: &Tenant) -> Self {
        Self { tenant: tenant.clone(), parts: Vec::new() }
    }

    /// Adds this text as the next part.
    #[must_use]
    pub fn text(mut self, part: impl AsRef<str>) -> Self {
        self.parts.push(Value::Text(part.as_ref().to_owned().into()));
        self
    }

    /// Adds this id as the next part.
    #[must_use]
    pub fn uuid(mut self, part: Uuid) -> Self {
        self.parts.push(Value::Uuid(part));
        self
    }
}

/// A place among the entries of a prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Seek {
    /// The value of the ordering column.
    pub at: i64,
    /// The id of the record.
    pub id: Uuid,
}

/// Which part of a prefix's entries to read, and in which direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Range {
    /// From this value of the ordering column on.
    pub from: Option<i64>,
    /// Up to this value, and without it.
    pub until: Option<i64>,
    /// Behind this place in the direction of reading, for the next page.
    pub after: Option<Seek>,
    /// Whether the smallest comes first; otherwise the greatest does.
    pub ascending: bool,
}

impl Range {
    /// All entries, greatest first, so that the newest come first.
    #[must_use]
    pub const fn newest() -> Self {
        Self { from: None, until: None, after: None, ascending: false }
    }

    /// All entries, smallest first, so that the oldest come first.
    #[must_use]
    pub const fn oldest() -> Self {
        Self { from: None, until: None, after: None, ascending: true }
    }

    /// Whether a place lies inside the range.
    #[must_use]
    pub fn contains(&self, seek: Seek) -> bool {
        self.from.is_none_or(|from| seek.at >= from)
            && self.until.is_none_or(|until| seek.at < until)
            && self.after.is_none_or(|after| if self.ascending { seek > after } else { seek < after })
    }
}
