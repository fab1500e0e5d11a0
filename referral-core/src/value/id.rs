//! Ids of records: UUIDv7, made by core, so that keys grow with time.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// Wraps a UUID that core or a store gave out earlier.
            #[must_use]
            pub const fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID.
            #[must_use]
            pub const fn as_uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::value::IdError;

            fn from_str(text: &str) -> Result<Self, $crate::value::IdError> {
                uuid::Uuid::parse_str(text).map(Self).map_err(|_| $crate::value::IdError(()))
            }
        }
    };
}
pub(crate) use id;

/// A text that is no UUID stood where an id was expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an id: a UUID was expected")]
pub struct IdError(pub(crate) ());

id! {
    /// The id of a browser that was given a token.
    ///
    /// It grows with time like every id, because it is indexed. What protects it is the signature of the token, and not
    /// that the id is hard to guess.
    VisitorId
}
