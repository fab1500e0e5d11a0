//! What the facade's verbs can answer instead of a result.

use crate::link::{GeneratorError, LinkId};
use crate::redirect::RedirectError;
use crate::store::{CursorError, StoreError};
use crate::value::{Code, CodeError, TextError};

/// Why a verb did not do what it was asked to. Nothing stored has changed, but for two: a `Store` error whose kind is
/// `UnknownOutcome` leaves that open, and `identify` keeps what it had claimed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that does not fit.
    #[error("a text does not fit")]
    Text(#[from] TextError),
    /// No code, or not one that may be chosen.
    #[error("this code cannot be used")]
    Code(#[from] CodeError),
    /// The redirect policy denies the destination.
    #[error("this destination is not allowed")]
    Destination(#[from] RedirectError),
    /// Another link has this code, or one that looks like it.
    #[error("the code {code} is taken")]
    CodeTaken {
        /// The code that was chosen.
        code: Code,
    },
    /// The generator proposed only codes that are taken.
    #[error("{attempts} generated codes were all taken")]
    CodesExhausted {
        /// How often it was asked.
        attempts: u32,
    },
    /// The generator failed.
    #[error("no code could be generated")]
    Generator(#[from] GeneratorError),
    /// Another link of the same owner, label, destination and target exists.
    #[error("such a link exists already")]
    Exists {
        /// That link.
        link: LinkId,
    },
    /// There is no such link in this tenant.
    #[error("there is no such link")]
    NoLink,
    /// An archived link is history; it cannot be changed.
    #[error("the link is archived")]
    Archived,
    /// A guard of the host's said no.
    #[error("refused: {reason}")]
    Refused {
        /// Its reason.
        reason: String,
    },
    /// The destination is a link itself, perhaps this one.
    #[error("a link cannot lead to a link")]
    Loop,
    /// The link was used as often as it may be.
    #[error("the link was used as often as it may be")]
    Exhausted,
    /// Neither a visitor nor a user: there is nobody to credit.
    #[error("there is neither a visitor nor a user")]
    Nobody,
    /// A cursor of another listing, or none at all.
    #[error("this page cannot be found")]
    Cursor(#[from] CursorError),
    /// Others kept changing the same record; try again.
    #[error("others keep changing it")]
    Contended,
    /// The store.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Error {
    /// Whether the same call may work when made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Contended | Self::CodesExhausted { .. } => true,
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// Whether something that exists stands against it.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::CodeTaken { .. } | Self::Exists { .. } | Self::Archived | Self::Exhausted)
    }

    /// Whether the database is the trouble.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_unavailable())
    }

    /// Whether what the caller passed is the trouble.
    #[must_use]
    pub const fn is_bad_input(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Code(_) | Self::Destination(_) | Self::Cursor(_) | Self::Loop)
    }
}

impl From<crate::store::ListError> for Error {
    fn from(error: crate::store::ListError) -> Self {
        match error {
            crate::store::ListError::Store(error) => Self::Store(error),
            crate::store::ListError::Cursor(error) => Self::Cursor(error),
        }
    }
}

/// Why [`Builder::build`](super::Builder::build) made nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The public URL is no absolute `http` or `https` URL.
    #[error("{url:?} is no public URL: http(s)://host, without query, fragment or credentials")]
    PublicUrl {
        /// What was given.
        url: String,
    },
    /// An allowed host is no host.
    #[error("an allowed host is no host")]
    Host(#[from] crate::redirect::HostError),
    /// An action's name does not fit.
    #[error("an action's name does not fit")]
    Action(#[from] TextError),
    /// The route or the fallback is no path of the site.
    #[error("{path:?} is no path of the site")]
    Path {
        /// What was given.
        path: String,
    },
}
