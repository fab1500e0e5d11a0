//! Why nothing can be recorded.

use crate::referrals::{Detail, ErrorKind};

/// Why an action cannot be recorded. It is the [detail](crate::Error::detail) of an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisitRefusal {
    /// There is neither a visitor nor a user whom it could be recorded for.
    #[error("there is neither a visitor nor a user")]
    Nobody,
    /// The link was used as often as it may be.
    #[error("the link was used as often as it may be")]
    Exhausted,
}

impl Detail for VisitRefusal {
    fn error_kind(&self) -> ErrorKind {
        match self {
            Self::Nobody => ErrorKind::InvalidInput,
            Self::Exhausted => ErrorKind::Conflict,
        }
    }
}
