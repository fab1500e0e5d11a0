//! Why a link cannot be made, found or changed.

use super::link::LinkId;
use crate::referrals::{Detail, ErrorKind};
use crate::value::{Code, Version};

/// Why a link cannot be made, found or changed. It is the [detail](crate::Error::detail) of an error.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkRefusal {
    /// Another link has this code, or one that looks like it.
    #[error("the code {code} is taken")]
    CodeTaken {
        /// The code that was chosen.
        code: Code,
    },
    /// The generator proposed only codes that are taken.
    #[error("{attempts} generated codes were all taken")]
    CodesExhausted {
        /// How often the generator was asked.
        attempts: u32,
    },
    /// Another link of the same owner, label, destination and target exists.
    #[error("such a link exists already")]
    Exists {
        /// That link.
        link: LinkId,
    },
    /// There is no such link in this tenant.
    #[error("there is no such link")]
    NotFound,
    /// An archived link cannot be changed.
    #[error("the link is archived")]
    Archived,
    /// The link was used as often as it may be.
    #[error("the link was used as often as it may be")]
    Exhausted,
    /// The link is at another version than the one that the edit was made for.
    #[error("the link was changed since")]
    Changed {
        /// The version that it is at now.
        version: Version,
    },
    /// The destination is a link itself, perhaps this one.
    #[error("a link cannot lead to a link")]
    Loop,
}

impl Detail for LinkRefusal {
    fn error_kind(&self) -> ErrorKind {
        match self {
            Self::CodeTaken { .. }
            | Self::Exists { .. }
            | Self::Archived
            | Self::Exhausted
            | Self::Changed { .. } => ErrorKind::Conflict,
            Self::CodesExhausted { .. } => ErrorKind::Contended,
            Self::NotFound => ErrorKind::NotFound,
            Self::Loop => ErrorKind::InvalidInput,
        }
    }
}
