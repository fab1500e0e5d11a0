//! What a line of the list of indexes becomes.

/// One part of an index's prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The column holds the value that the prefix gives.
    Is(&'static str),
    /// The column is null, and the prefix gives no value for it. It is a column of the index, because not every database
    /// has partial indexes.
    Null(&'static str),
}

impl Part {
    /// The name of the column.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Is(column) | Self::Null(column) => column,
        }
    }
}

macro_rules! indexes {
    ($($(#[$doc:meta])+ $index:ident = $code:literal $name:literal: $kind:ident [$($part:expr),*] by $order:literal;)+) => {
        /// What an index is made of: the tenant, then the parts, then the ordering column and the id.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct Shape {
            /// The kind whose records it orders.
            pub kind: Kind,
            /// The name of the index, in databases that name indexes.
            pub name: &'static str,
            /// The parts that follow the tenant.
            pub parts: &'static [Part],
            /// The integer column that orders it, before the id.
            pub order: &'static str,
        }

        /// One way to page over the records of a kind.
        ///
        /// A prefix names all parts. The records then come in the order of an integer column and the id, in either
        /// direction. A record has an entry only if it has all the parts.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Index {
            $($(#[$doc])+ $index = $code,)+
        }

        impl Index {
            /// All indexes.
            pub const ALL: &'static [Self] = &[$(Self::$index),+];

            /// The number that stands in stored keys.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// What the index is made of.
            #[must_use]
            pub const fn shape(self) -> Shape {
                #[allow(unused_imports)]
                use Part::{Is, Null};
                match self {
                    $(Self::$index => {
                        Shape { kind: Kind::$kind, name: $name, parts: &[$($part),*], order: $order }
                    }),+
                }
            }

            /// The indexes over the records of a kind.
            pub fn of(kind: Kind) -> impl Iterator<Item = Self> {
                Self::ALL.iter().copied().filter(move |index| index.shape().kind == kind)
            }
        }
    };
}
pub(super) use indexes;
