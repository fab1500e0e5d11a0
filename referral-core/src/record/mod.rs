//! The records: what a store keeps, and how each of them looks to a database.

mod alias;
pub(crate) mod column;
mod id;
mod link;
mod metadata;
mod response;
mod text;
mod time;

use std::sync::LazyLock;

pub use alias::{Alias, AliasId};
pub use column::{Column, ColumnError, ColumnType, Value};
pub use id::{IdError, RecordId, VisitorId};
pub use link::{Limits, Link, LinkDraft, LinkId, NaturalKey, Status};
pub use metadata::Metadata;
pub use response::{Flags, Response, ResponseId, Via};
pub use text::{
    Action, Address, Agent, Destination, KeyPart, Label, Landing, Referrer, Target, TargetId, TargetKind,
    Tenant, TextError, UserId,
};
pub use time::{Timestamp, Version};

/// The one list of kinds: a line here and a file beside this one is what core needs for one more.
macro_rules! kinds {
    ($($kind:ident($id:ident) = $code:literal $name:literal, $static:ident;)+) => {
        /// Which kind of record. The number is part of stored keys and never changes.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Kind {
            $(#[doc = concat!("A [`", stringify!($kind), "`].")] $kind = $code,)+
        }

        $(static $static: LazyLock<Vec<Column>> = LazyLock::new($kind::describe);)+

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The kind of a number in a stored key.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$kind),)+ _ => None }
            }

            /// The name in lower case; SQL tables and collections are called after it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }

            /// The columns, in the order in which [`Record::values`] gives them. The first four are `id`,
            /// `tenant`, `version` and `created_at`.
            #[must_use]
            pub fn columns(self) -> &'static [Column] {
                match self { $(Self::$kind => &$static),+ }
            }
        }

        /// What a store keeps. Exhaustive: a store that handles each kind by itself fails to compile when one is
        /// added, instead of losing it.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Record {
            $(#[doc = concat!("A [`", stringify!($kind), "`].")] $kind($kind),)+
        }

        impl Record {
            /// Its address.
            #[must_use]
            pub fn id(&self) -> RecordId {
                match self { $(Self::$kind(r) => RecordId { kind: Kind::$kind, uuid: r.id.as_uuid() }),+ }
            }

            /// Whose it is.
            #[must_use]
            pub fn tenant(&self) -> &Tenant {
                match self { $(Self::$kind(r) => &r.tenant),+ }
            }

            /// How often it was written.
            #[must_use]
            pub fn version(&self) -> Version {
                match self { $(Self::$kind(r) => r.version),+ }
            }

            /// When it was made.
            #[must_use]
            pub fn created_at(&self) -> Timestamp {
                match self { $(Self::$kind(r) => r.created_at),+ }
            }

            /// The same record at another version.
            #[must_use]
            pub fn at_version(mut self, version: Version) -> Self {
                match &mut self { $(Self::$kind(r) => r.version = version),+ }
                self
            }

            /// This record with what never changes taken from the one that it replaces: tenant and `created_at`.
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

            /// Its values, one for each of [`Kind::columns`].
            #[must_use]
            pub fn values(&self) -> Vec<Value> {
                match self { $(Self::$kind(r) => r.values()),+ }
            }

            /// The record of these values, one for each of [`Kind::columns`].
            ///
            /// # Errors
            /// Values that no version of this library wrote.
            pub fn from_values(kind: Kind, values: Vec<Value>) -> Result<Self, ColumnError> {
                let mut reader = column::Reader::new(kind.name(), kind.columns(), values);
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
                /// The id of the record that is of another kind.
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

kinds! {
    Link(LinkId) = 1 "link", LINK;
    Alias(AliasId) = 2 "alias", ALIAS;
    Response(ResponseId) = 3 "response", RESPONSE;
}

impl Kind {
    /// Where a column stands among [`Kind::columns`].
    #[must_use]
    pub fn position(self, column: &str) -> Option<usize> {
        self.columns().iter().position(|c| c.name == column)
    }
}
