//! What a line of the list of unique keys becomes.

macro_rules! uniques {
    ($($(#[$doc:meta])+ $unique:ident = $code:literal $name:literal: $kind:ident [$($column:literal),+];)+) => {
        /// One rule of uniqueness. A key is made of the tenant and then of the columns of the rule. A record in which one
        /// of these columns is null holds no such key.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Unique {
            $($(#[$doc])+ $unique = $code,)+
        }

        impl Unique {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$unique),+];

            /// The number that stands in stored keys.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The rule that a number in a stored key stands for.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$unique),)+ _ => None }
            }

            /// The kind whose records hold such keys.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$unique => Kind::$kind),+ }
            }

            /// The name of the constraint, in databases that name constraints.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$unique => $name),+ }
            }

            /// The columns after the tenant.
            #[must_use]
            pub const fn columns(self) -> &'static [&'static str] {
                match self { $(Self::$unique => &[$($column),+]),+ }
            }

            /// The rules for a kind.
            pub fn of(kind: Kind) -> impl Iterator<Item = Self> {
                Self::ALL.iter().copied().filter(move |unique| unique.kind() == kind)
            }
        }
    };
}
pub(super) use uniques;
