//! How a record looks to a database: columns, values, and the way back.
//!
//! Core describes every kind once. Tables, statements, documents and key-value entries derive from that, so that one
//! more kind of record costs a store nothing.

use std::borrow::Cow;

use uuid::Uuid;

use crate::value::code::Code;
use crate::value::id::VisitorId;
use crate::value::metadata::Metadata;
use crate::value::text::{
    Action, Address, Agent, Destination, Label, LandingUrl, Referrer, RequestId, Target, TargetId,
    TargetKind, Tenant, UserId,
};
use crate::value::time::{Timestamp, Version};

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnType {
    /// A UUID, which has sixteen bytes.
    Uuid,
    /// A signed 64-bit integer. Booleans are 0 and 1, and times are milliseconds.
    Int,
    /// UTF-8 without NUL, of at most this many bytes. Two texts are equal only if their bytes are.
    Text(u32),
}

/// One column of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name, which is the same in every store.
    pub name: &'static str,
    /// What it holds.
    pub holds: ColumnType,
    /// Whether it may be null.
    pub nullable: bool,
    /// The only texts that it may hold, if it holds one of a few names; otherwise empty.
    pub names: &'static [&'static str],
}

/// One value of a column.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Value {
    /// Null.
    Null,
    /// An integer, a boolean, a time, a version or a set of flags.
    Int(i64),
    /// An id.
    Uuid(Uuid),
    /// A text.
    Text(Cow<'static, str>),
}

/// What a store gave back is no record of this kind. Something other than this library wrote it, or a newer version.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("column {column} of {kind} holds what it cannot: {problem}")]
pub struct ColumnError {
    /// The kind that was read.
    pub kind: &'static str,
    /// The column that did not fit.
    pub column: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// Walks the values of one record in the order of its columns.
pub(crate) struct Reader {
    kind: &'static str,
    columns: std::slice::Iter<'static, Column>,
    values: std::iter::Peekable<std::vec::IntoIter<Value>>,
    current: &'static str,
}

impl Reader {
    pub(crate) fn new(kind: &'static str, columns: &'static [Column], values: Vec<Value>) -> Self {
        Self { kind, columns: columns.iter(), values: values.into_iter().peekable(), current: "id" }
    }

    pub(crate) fn next_is_null(&mut self) -> bool {
        matches!(self.values.peek(), Some(Value::Null))
    }

    pub(crate) fn take(&mut self) -> Result<Value, ColumnError> {
        if let Some(column) = self.columns.next() {
            self.current = column.name;
        }
        self.values.next().ok_or_else(|| self.wrong("the row is too short"))
    }

    pub(crate) fn wrong(&self, problem: impl Into<String>) -> ColumnError {
        ColumnError { kind: self.kind, column: self.current, problem: problem.into() }
    }
}

/// A field of a record that knows its columns.
pub(crate) trait Field: Sized {
    const WIDTH: usize = 1;

    fn describe(name: &'static str, nullable: bool, out: &mut Vec<Column>);
    fn write(&self, out: &mut Vec<Value>);
    fn read(reader: &mut Reader) -> Result<Self, ColumnError>;

    /// How many bytes its values take, about.
    fn weight(&self) -> usize {
        Self::WIDTH.saturating_mul(16)
    }
}

impl<T: Field> Field for Option<T> {
    const WIDTH: usize = T::WIDTH;

    fn describe(name: &'static str, _: bool, out: &mut Vec<Column>) {
        T::describe(name, true, out);
    }

    fn write(&self, out: &mut Vec<Value>) {
        match self {
            Some(field) => field.write(out),
            None => out.extend(std::iter::repeat_n(Value::Null, Self::WIDTH)),
        }
    }

    fn read(reader: &mut Reader) -> Result<Self, ColumnError> {
        if reader.next_is_null() {
            for _ in 0..Self::WIDTH {
                reader.take()?;
            }
            return Ok(None);
        }
        T::read(reader).map(Some)
    }

    fn weight(&self) -> usize {
        self.as_ref().map_or(Self::WIDTH.saturating_mul(16), T::weight)
    }
}

/// What is known of one field of a kind: its columns, and whether a patch may set it.
#[derive(Clone, Copy)]
pub(crate) struct FieldRule {
    /// How many columns it has.
    pub(crate) width: usize,
    /// The fields that a derived one is made of; `None` for one that stands in the record itself.
    pub(crate) made_of: Option<&'static [&'static str]>,
    /// Reads values and writes them again; they are the same, or nobody wrote them.
    pub(crate) rewrite: fn(&mut Reader) -> Result<Vec<Value>, ColumnError>,
}

impl FieldRule {
    pub(crate) fn of<T: Field>(made_of: Option<&'static [&'static str]>) -> Self {
        let rewrite = |reader: &mut Reader| {
            let mut values = Vec::with_capacity(T::WIDTH);
            T::read(reader)?.write(&mut values);
            Ok(values)
        };
        Self { width: T::WIDTH, made_of, rewrite }
    }
}

macro_rules! field {
    ($type:ty, $holds:expr, |$self:ident| $write:expr, $pattern:pat => $read:expr
        $(, weight |$one:ident| $weight:expr)? $(, names $names:expr)?) => {
        impl $crate::value::column::Field for $type {
            fn describe(name: &'static str, nullable: bool, out: &mut Vec<$crate::value::column::Column>) {
                const NAMES: &[&[&str]] = &[$($names)?];
                let names = NAMES.first().copied().unwrap_or_default();
                out.push($crate::value::column::Column { name, holds: $holds, nullable, names });
            }

            fn write(&self, out: &mut Vec<$crate::value::column::Value>) {
                let $self = self;
                out.push($write);
            }

            fn read(
                reader: &mut $crate::value::column::Reader,
            ) -> Result<Self, $crate::value::column::ColumnError> {
                match reader.take()? {
                    $pattern => $read.map_err(|e: String| reader.wrong(e)),
                    _ => Err(reader.wrong("another type was expected")),
                }
            }

            $(fn weight(&self) -> usize {
                let $one = self;
                $weight
            })?
        }
    };
}
pub(crate) use field;

macro_rules! text_field {
    ($($type:ident),+) => {$(
        field!($type, ColumnType::Text($type::MAX as u32),
            |text| Value::Text(Cow::Owned(text.as_str().to_owned())),
            Value::Text(text) => $type::new(text.into_owned()).map_err(|e| e.to_string()),
            weight |text| text.as_str().len());
    )+};
}
text_field!(
    Tenant,
    UserId,
    RequestId,
    TargetKind,
    TargetId,
    Label,
    Destination,
    Referrer,
    LandingUrl,
    Agent,
    Address,
    Action
);
field!(Code, ColumnType::Text(64), |code| Value::Text(Cow::Owned(code.as_str().to_owned())),
    Value::Text(text) => Code::new(text.into_owned()).map_err(|e| e.to_string()),
    weight |code| code.as_str().len());

macro_rules! id_field {
    ($($type:ty),+) => {$(
        $crate::value::column::field!($type, $crate::value::column::ColumnType::Uuid,
            |id| $crate::value::column::Value::Uuid(id.as_uuid()),
            $crate::value::column::Value::Uuid(uuid) => Ok(<$type>::from_uuid(uuid)));
    )+};
}
pub(crate) use id_field;
id_field!(VisitorId);

field!(Timestamp, ColumnType::Int, |at| Value::Int(at.as_millis()),
    Value::Int(millis) => Ok(Timestamp::from_millis(millis)));
field!(Version, ColumnType::Int, |version| Value::Int(version.get()),
    Value::Int(number) => Ok(Version::new(number)));
field!(bool, ColumnType::Int, |yes| Value::Int(i64::from(*yes)),
    Value::Int(number) => Ok(number != 0));
field!(i64, ColumnType::Int, |number| Value::Int(*number), Value::Int(number) => Ok(number));
field!(Metadata, ColumnType::Text(Metadata::MAX as u32), |map| Value::Text(map.to_json()),
    Value::Text(text) => Metadata::from_json(&text).map_err(|e| e.to_string()),
    weight |map| map.weight());

/// A kind of target and an id: present together or not at all.
impl Field for Target {
    const WIDTH: usize = 2;

    fn describe(_: &'static str, nullable: bool, out: &mut Vec<Column>) {
        TargetKind::describe("target_kind", nullable, out);
        TargetId::describe("target_id", nullable, out);
    }

    fn write(&self, out: &mut Vec<Value>) {
        self.kind.write(out);
        self.id.write(out);
    }

    fn read(reader: &mut Reader) -> Result<Self, ColumnError> {
        Ok(Self { kind: TargetKind::read(reader)?, id: TargetId::read(reader)? })
    }

    fn weight(&self) -> usize {
        self.kind.weight().saturating_add(self.id.weight())
    }
}

/// An enum that is stored by a short lower-case name a person can read in the database.
macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name that databases and answers show.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The one of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        $crate::value::column::field!($type, $crate::value::column::ColumnType::Text(32),
            |one| $crate::value::column::Value::Text(std::borrow::Cow::Borrowed(one.name())),
            $crate::value::column::Value::Text(name) =>
                $type::from_name(&name).ok_or_else(|| format!("no {} is called {name:?}", stringify!($type))),
            names &[$($name),+]);
    };
}
pub(crate) use named;

/// Writes down once which fields of a record are columns, in order. Derived columns are written for indexes and
/// unique keys, and skipped when reading.
macro_rules! columns {
    (
        $record:ident { $($field:ident: $type:ty),+ $(,)? }
        $(derived { $($derived:ident: $dtype:ty = [$($source:ident),+]),+ $(,)? })?
    ) => {
        impl $record {
            pub(crate) fn describe() -> Vec<$crate::value::column::Column> {
                use $crate::value::column::Field;
                let mut out = Vec::new();
                $(<$type>::describe(stringify!($field), false, &mut out);)+
                $($(<$dtype>::describe(stringify!($derived), false, &mut out);)+)?
                out
            }

            pub(crate) fn fields() -> Vec<$crate::value::column::FieldRule> {
                use $crate::value::column::FieldRule;
                vec![
                    $(FieldRule::of::<$type>(None),)+
                    $($(FieldRule::of::<$dtype>(Some(&[$(stringify!($source)),+])),)+)?
                ]
            }

            pub(crate) fn values(&self) -> Vec<$crate::value::column::Value> {
                use $crate::value::column::Field;
                let mut out = Vec::with_capacity(24);
                $(self.$field.write(&mut out);)+
                $($(self.$derived().write(&mut out);)+)?
                out
            }

            pub(crate) fn weight(&self) -> usize {
                use $crate::value::column::Field;
                0_usize $(.saturating_add(self.$field.weight()))+
            }

            pub(crate) fn read(
                reader: &mut $crate::value::column::Reader,
            ) -> Result<Self, $crate::value::column::ColumnError> {
                use $crate::value::column::Field;
                Ok(Self { $($field: <$type>::read(reader)?),+ })
            }
        }
    };
}
pub(crate) use columns;
