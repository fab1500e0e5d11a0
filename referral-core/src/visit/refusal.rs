//! Why nothing can be recorded.

use super::response::ResponseId;
use crate::referrals::{Detail, ErrorKind};
use crate::value::RequestId;

/// Why an action cannot be recorded. It is the [detail](crate::Error::detail) of an error.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisitRefusal {
    /// There is neither a visitor nor a user whom it could be recorded for.
    #[error("there is neither a visitor nor a user")]
    Nobody,
    /// The link was used as often as it may be.
    #[error("the link was used as often as it may be")]
    Exhausted,
    /// A request of this name has recorded something else, or the same for somebody else.
    #[error("the request {request} has recorded something else before")]
    RequestReused {
        /// The host's name for the request.
        request: RequestId,
        /// What it recorded.
        response: ResponseId,
    },
}

impl Detail for VisitRefusal {
    fn error_kind(&self) -> ErrorKind {
        match self {
            Self::Nobody => ErrorKind::InvalidInput,
            Self::Exhausted | Self::RequestReused { .. } => ErrorKind::Conflict,
        }
    }
}
