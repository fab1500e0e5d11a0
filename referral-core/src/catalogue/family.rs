//! What a line of the list of families becomes.

macro_rules! families {
    ($($(#[$doc:meta])+ $family:ident = $code:literal $use:ident;)+) => {
        /// What a number is about. Its family says whether it is counted or tallied.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Family {
            $($(#[$doc])+ $family = $code,)+
        }

        impl Family {
            /// All families.
            pub const ALL: &'static [Self] = &[$(Self::$family),+];

            /// The number that stands in stored keys.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The family that a number in a stored key stands for.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$family),)+ _ => None }
            }

            /// Whether its numbers decide something and are exact under any race
            /// ([`Change::Count`](crate::store::Change::Count)). Otherwise they are statistics
            /// ([`Change::Tally`](crate::store::Change::Tally)).
            #[must_use]
            pub const fn is_counted(self) -> bool {
                match self { $(Self::$family => family::families!(@$use)),+ }
            }
        }
    };
    (@counted) => { true };
    (@tallied) => { false };
}
pub(super) use families;
