//! What a line of the list of kinds becomes.

macro_rules! kinds {
    ($($kind:ident($id:ident) = $code:literal $name:literal;)+) => {
        /// A kind of record.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Kind {
            $(#[doc = concat!("A [`", stringify!($kind), "`].")] $kind = $code,)+
        }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The number that stands in stored keys.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The kind that a number in a stored key stands for.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$kind),)+ _ => None }
            }

            /// The name, in lower case. SQL tables and collections are named after it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }

            /// The columns, in the order in which [`Record::values`] gives them. The first four are `id`,
            /// `tenant`, `version` and `created_at`.
            #[must_use]
            pub fn columns(self) -> &'static [$crate::value::Column] {
                use std::sync::LazyLock;
                match self {
                    $(Self::$kind => {
                        static COLUMNS: LazyLock<Vec<$crate::value::Column>> = LazyLock::new($kind::describe);
                        &COLUMNS
                    }),+
                }
            }

            /// The position of a column among [`Kind::columns`].
            #[must_use]
            pub fn position(self, column: &str) -> Option<usize> {
                self.columns().iter().position(|c| c.name == column)
            }

            /// The fields that these columns belong to, in the same order.
            pub(crate) fn fields(self) -> &'static [$crate::value::column::FieldRule] {
                use std::sync::LazyLock;
                match self {
                    $(Self::$kind => {
                        static FIELDS: LazyLock<Vec<$crate::value::column::FieldRule>> =
                            LazyLock::new($kind::fields);
                        &FIELDS
                    }),+
                }
            }
        }

        /// The address of one record in a store: its kind and its UUID.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct RecordId {
            /// Which kind of record.
            pub kind: Kind,
            /// The id, which is unique within the kind and over all tenants.
            pub uuid: uuid::Uuid,
        }

        impl std::fmt::Display for RecordId {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{} {}", self.kind.name(), self.uuid)
            }
        }

        /// A record of any kind: what a store keeps. The enum is exhaustive, so that a store that handles each kind by
        /// itself fails to compile when a kind is added, instead of losing its records.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Record {
            $(#[doc = concat!("A [`", stringify!($kind), "`].")] $kind($kind),)+
        }

        impl Record {
            /// The address of the record.
            #[must_use]
            pub fn id(&self) -> RecordId {
                match self { $(Self::$kind(r) => RecordId { kind: Kind::$kind, uuid: r.id.as_uuid() }),+ }
            }

            /// The tenant that it belongs to.
            #[must_use]
            pub fn tenant(&self) -> &$crate::value::Tenant {
                match self { $(Self::$kind(r) => &r.tenant),+ }
            }

            /// How often it was written, beginning with 1.
            #[must_use]
            pub fn version(&self) -> $crate::value::Version {
                match self { $(Self::$kind(r) => r.version),+ }
            }

            /// When the record was made.
            #[must_use]
            pub fn created_at(&self) -> $crate::value::Timestamp {
                match self { $(Self::$kind(r) => r.created_at),+ }
            }

            /// The same record at another version.
            #[must_use]
            pub fn at_version(mut self, version: $crate::value::Version) -> Self {
                match &mut self { $(Self::$kind(r) => r.version = version),+ }
                self
            }

            /// This record with the tenant and `created_at` of the one that it replaces, because these never change.
            #[must_use]
            pub fn replacing(mut self, old: &Self) -> Self {
                match &mut self {
                    $(Self::$kind(r) => {
                        r.tenant = old.tenant().clone();
                        r.created_at = old.created_at();
                    })+
                }
                self
            }

            /// The values of the record, one for each of [`Kind::columns`].
            #[must_use]
            pub fn values(&self) -> Vec<$crate::value::Value> {
                match self { $(Self::$kind(r) => r.values()),+ }
            }

            /// About how many bytes its values take.
            #[must_use]
            pub fn weight(&self) -> usize {
                match self { $(Self::$kind(r) => r.weight()),+ }
            }

            /// Makes the record that has these values, one for each of [`Kind::columns`].
            ///
            /// # Errors
            /// Values that no version of this library wrote.
            pub fn from_values(
                kind: Kind,
                values: Vec<$crate::value::Value>,
            ) -> Result<Self, $crate::value::ColumnError> {
                let mut reader = $crate::value::column::Reader::new(kind.name(), kind.columns(), values);
                match kind { $(Kind::$kind => $kind::read(&mut reader).map(Self::$kind)),+ }
            }
        }

        $(
            impl From<$kind> for Record {
                fn from(record: $kind) -> Self {
                    Self::$kind(record)
                }
            }

            impl TryFrom<Record> for $kind {
                type Error = RecordId;

                /// # Errors
                /// The id of the record, if it is of another kind.
                fn try_from(record: Record) -> Result<Self, RecordId> {
                    match record {
                        Record::$kind(record) => Ok(record),
                        #[allow(unreachable_patterns)]
                        other => Err(other.id()),
                    }
                }
            }

            impl From<$id> for RecordId {
                fn from(id: $id) -> Self {
                    Self { kind: Kind::$kind, uuid: id.as_uuid() }
                }
            }
        )+
    };
}
pub(super) use kinds;
