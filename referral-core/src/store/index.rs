//! Places in an index, and which part of it to read.

use uuid::Uuid;

use crate::catalogue::{Index, Kind, Part, Record};
use crate::store::error::StoreError;
use crate::value::{Column, ColumnType, Tenant, Value};

impl Index {
    /// Where in this index a record stands; `None` where it has no entry. `values` are those of
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

    /// Whether a prefix and a limit are ones that this index can answer; every store asks this first.
    ///
    /// The prefix has one value for each [`Part::Is`], of the type of its column: never null, no text with NUL, and
    /// none that is longer than the column.
    ///
    /// # Errors
    /// [`StoreErrorKind::Invalid`](super::StoreErrorKind::Invalid).
    pub fn check(self, prefix: &Prefix, limit: u32) -> Result<(), StoreError> {
        let shape = self.shape();
        let wanted = shape.parts.iter().filter(|part| matches!(part, Part::Is(_)));
        let columns = wanted.map(|part| part.column());
        check_parts("page", shape.name, shape.kind, columns, &prefix.parts)?;
        if limit > super::MAX_PAGE {
            return Err(StoreError::invalid("page", format!("at most {} records a page", super::MAX_PAGE)));
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
    /// The tenant and the parts.
    pub prefix: Prefix,
    /// The place among the entries of that prefix.
    pub seek: Seek,
}

/// Which entries of an index to read: those of these parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefix {
    /// Whose.
    pub tenant: Tenant,
    /// A value for each [`Part::Is`] of the index, of the type of its column.
    pub parts: Vec<Value>,
}

impl Prefix {
    /// The entries of a tenant; add the parts with [`Prefix::text`] and [`Prefix::uuid`].
    #[must_use]
    pub fn new(tenant: &Tenant) -> Self {
        Self { tenant: tenant.clone(), parts: Vec::new() }
    }

    /// The next part is this text.
    #[must_use]
    pub fn text(mut self, part: impl AsRef<str>) -> Self {
        self.parts.push(Value::Text(part.as_ref().to_owned().into()));
        self
    }

    /// The next part is this id.
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
    /// Up to, and without, this value.
    pub until: Option<i64>,
    /// Behind this place, in the direction of reading; for the next page.
    pub after: Option<Seek>,
    /// Smallest first; else greatest first.
    pub ascending: bool,
}

impl Range {
    /// All, greatest first: the newest.
    #[must_use]
    pub const fn newest() -> Self {
        Self { from: None, until: None, after: None, ascending: false }
    }

    /// All, smallest first: the oldest.
    #[must_use]
    pub const fn oldest() -> Self {
        Self { from: None, until: None, after: None, ascending: true }
    }

    /// Whether a place lies inside.
    #[must_use]
    pub fn contains(&self, seek: Seek) -> bool {
        self.from.is_none_or(|from| seek.at >= from)
            && self.until.is_none_or(|until| seek.at < until)
            && self.after.is_none_or(|after| if self.ascending { seek > after } else { seek < after })
    }
}
