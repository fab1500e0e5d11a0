//! What a line of the list of indexes becomes.

/// One part of an index's prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The column equals the prefix's value.
    Is(&'static str),
    /// The column is null; takes no value of the prefix. A column of its own in the index, because partial indexes
    /// are not to be had everywhere.
    Null(&'static str),
}

impl Part {
    /// The column.
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
            /// Its name in databases that name them.
            pub name: &'static str,
            /// What follows the tenant.
            pub parts: &'static [Part],
            /// The integer column that orders it, before the id.
            pub order: &'static str,
        }

        /// One way to page over the records of a kind.
        ///
        /// A prefix names all parts; then records come in the order of (an integer column, id), in either direction.
        /// An entry exists only where its parts do.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Index {
            $($(#[$doc])+ $index = $code,)+
        }

        impl Index {
            /// Every index.
            pub const ALL: &'static [Self] = &[$(Self::$index),+];

            /// The number in stored keys.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// What it is made of.
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

            /// The indexes over a kind.
            pub fn of(kind: Kind) -> impl Iterator<Item = Self> {
                Self::ALL.iter().copied().filter(move |index| index.shape().kind == kind)
            }
        }
    };
}
pub(super) use indexes;
