//! What a verb can answer instead of a result.

use std::error::Error as StdError;
use std::fmt;

use crate::link::GeneratorError;
use crate::redirect::{HostError, RedirectError};
use crate::store::{CursorError, ListError, StoreError, StoreErrorKind};
use crate::value::{CodeError, TextError};

/// Why a verb did not do what it was asked to. Nothing stored has changed, with two exceptions: after
/// [`ErrorKind::UnknownOutcome`] nobody knows, and what `identify` had claimed stays claimed.
///
/// `Display` gives the reason. If a program needs to know more than the kind, it asks for the typed detail:
///
/// ```
/// # use referral_core::{Code, Error};
/// # use referral_core::link::LinkRefusal;
/// # fn show(error: Error) {
/// if let Some(LinkRefusal::CodeTaken { code }) = error.detail() {
///     println!("{code} belongs to somebody else");
/// }
/// # }
/// ```
pub struct Error {
    kind: ErrorKind,
    detail: Box<dyn StdError + Send + Sync>,
}

/// What kind of error it is. The kinds are the same in all areas.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What the caller passed cannot be used, and passing it again will not help.
    InvalidInput,
    /// There is no such record in this tenant.
    NotFound,
    /// Something that exists is in the way.
    Conflict,
    /// A guard of the host's said no. The detail is a [`Refused`].
    Refused,
    /// Others kept changing the same records; try again.
    Contended,
    /// The database is away or full; try again later.
    Unavailable,
    /// The answer of the database was lost, so nobody knows whether the change was made.
    UnknownOutcome,
    /// Something failed that trying again will not mend.
    Internal,
}

/// What an [`Error`] is made of: a typed detail that knows its kind.
pub trait Detail: StdError + Send + Sync + 'static {
    /// The kind of error that it is.
    fn error_kind(&self) -> ErrorKind;
}

impl<D: Detail> From<D> for Error {
    fn from(detail: D) -> Self {
        Self { kind: detail.error_kind(), detail: Box::new(detail) }
    }
}

impl Error {
    /// What kind of error it is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The detail, if it is of this type. The types are [`LinkRefusal`](crate::link::LinkRefusal),
    /// [`VisitRefusal`](crate::visit::VisitRefusal), [`Refused`], [`TextError`], [`CodeError`], [`RedirectError`],
    /// [`GeneratorError`], [`CursorError`] or [`StoreError`].
    #[must_use]
    pub fn detail<D: Detail>(&self) -> Option<&D> {
        self.detail.downcast_ref()
    }

    /// Whether the same call may work when made again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Contended | ErrorKind::Unavailable | ErrorKind::UnknownOutcome)
    }

    /// Whether something that exists is in the way.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self.kind, ErrorKind::Conflict)
    }

    /// Whether there is no such record.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self.kind, ErrorKind::NotFound)
    }

    /// Whether a guard said no.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        matches!(self.kind, ErrorKind::Refused)
    }

    /// Whether the database is away or full.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable)
    }

    /// Whether what the caller passed cannot be used.
    #[must_use]
    pub const fn is_invalid_input(&self) -> bool {
        matches!(self.kind, ErrorKind::InvalidInput)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.detail.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("kind", &self.kind).field("detail", &self.detail).finish()
    }
}

impl StdError for Error {
    /// The cause behind the detail. The detail itself is what this error prints.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.detail.source()
    }
}

/// A guard of the host's said no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("refused: {reason}")]
pub struct Refused {
    /// The reason that the guard gave, for the host's staff.
    pub reason: String,
}

/// Others kept changing the same records for as many attempts as there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("others keep changing the same record; try again")]
pub(crate) struct Contended;

macro_rules! details {
    ($($detail:ty => $kind:ident),+ $(,)?) => {$(
        impl Detail for $detail {
            fn error_kind(&self) -> ErrorKind {
                ErrorKind::$kind
            }
        }
    )+};
}

details! {
    Refused => Refused,
    Contended => Contended,
    TextError => InvalidInput,
    CodeError => InvalidInput,
    RedirectError => InvalidInput,
    CursorError => InvalidInput,
    GeneratorError => Internal,
}

impl Detail for StoreError {
    fn error_kind(&self) -> ErrorKind {
        match self.kind() {
            StoreErrorKind::Unavailable | StoreErrorKind::Full => ErrorKind::Unavailable,
            StoreErrorKind::Contended => ErrorKind::Contended,
            StoreErrorKind::UnknownOutcome => ErrorKind::UnknownOutcome,
            StoreErrorKind::Invalid | StoreErrorKind::Corrupt | StoreErrorKind::Other => ErrorKind::Internal,
        }
    }
}

impl From<ListError> for Error {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Store(error) => error.into(),
            ListError::Cursor(error) => error.into(),
        }
    }
}

/// Why [`Builder::build`](super::Builder::build) or a [`Site`](super::Site) cannot use a setting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The public URL is not an absolute `http` or `https` URL.
    #[error("{url:?} is no public URL: http(s)://host, without query, fragment or credentials")]
    PublicUrl {
        /// What was given.
        url: String,
    },
    /// An allowed host is no host.
    #[error("an allowed host is no host")]
    Host(#[from] HostError),
    /// The name of an action is empty, too long, or holds a NUL.
    #[error("an action's name does not fit")]
    Action(#[from] TextError),
    /// The route or the fallback is no path of the site.
    #[error("{path:?} is no path of the site")]
    Path {
        /// What was given.
        path: String,
    },
    /// The name of the visitor's cookie is no name that a cookie can have.
    #[error(
        "{name:?} is no name for the visitor's cookie: 1 to 64 letters, digits, - or _, no __ at the beginning"
    )]
    Cookie {
        /// What was given.
        name: String,
    },
}
