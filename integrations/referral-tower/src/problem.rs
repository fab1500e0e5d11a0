//! What a caller of an API gets if a request cannot be done ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
//!
//! Following a link never ends in a problem. Only the routes that make, list or change something answer with one. The
//! type of each problem is a URL into this page.
//!
//! | Type | Status | Meaning |
//! | --- | --- | --- |
//! | `sign-in` | 401 | Somebody has to be signed in. |
//! | `cross-site` | 403 | The request comes from another site. |
//! | `refused` | 403 | A guard of the host's refused it. |
//! | `not-found` | 404 | There is no such link, or it is somebody else's. |
//! | `code-taken` | 409 | Another link has this code, or one that looks like it. |
//! | `exists` | 409 | Another link of the owner's has this destination, label and target already. |
//! | `archived` | 409 | The link is archived and cannot be changed. |
//! | `exhausted` | 409 | The link was used as often as it may be. |
//! | `changed` | 412 | The link is at another version than `If-Match` or the field `version` names. |
//! | `conflict` | 409 | It conflicts with something else, such as a link that was used as often as it may be. |
//! | `too-large` | 413 | The body is larger than the limit. |
//! | `media-type` | 415 | The body is neither a form nor JSON. |
//! | `malformed` | 400 | The body is not what its type says. |
//! | `bad-input` | 422 | A field does not fit; `detail` says which and why. |
//! | `misconfigured` | 500 | The application is not set up correctly. |
//! | `internal` | 500 | Something failed, and trying again will not help. |
//! | `unavailable` | 503 | The database is away or busy; `Retry-After` says when to try again. |

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use referral_core::link::LinkRefusal;
use referral_core::redirect::RedirectError;
use referral_core::visit::VisitRefusal;
use referral_core::{CodeError, CursorError, Error, ErrorKind, TextError};
use serde::Serialize;

use crate::headers::unlisted;

/// A problem: a status, a type and what to tell the caller. Every [`Error`] turns into one, so a handler can use `?`.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

const TYPES: &str = "https://docs.rs/referral-tower/latest/referral_tower/problem/index.html#";

/// Seconds after which something that is away or busy may be asked again.
const RETRY_SECONDS: u32 = 2;

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl Problem {
    /// The media type of a problem as JSON.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    pub(crate) const fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Self {
        Self { status, kind, title, detail: None, source: None }
    }

    /// The same problem with what it was in this case.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    pub(crate) const fn sign_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "sign-in", "Somebody has to be signed in")
    }

    pub(crate) const fn cross_site() -> Self {
        Self::new(StatusCode::FORBIDDEN, "cross-site", "The request comes from another site")
    }

    pub(crate) const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such link")
    }

    pub(crate) const fn bad_input() -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-input", "A field does not fit")
    }

    pub(crate) const fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now")
    }

    pub(crate) const fn misconfigured() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "misconfigured",
            "The application is not set up correctly",
        )
    }

    pub(crate) const fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something failed")
    }

    /// The status of the response.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The last part of the type, such as `code-taken`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// What all problems of this type are called.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.title
    }

    /// What it was in this case, if the caller may know.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The response, as `application/problem+json`.
    #[must_use]
    pub fn to_response(&self) -> Response<String> {
        let document = Document {
            r#type: format!("{TYPES}{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail(),
        };
        let mut response = Response::new(serde_json::to_string(&document).unwrap_or_default());
        self.head(&mut response);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE));
        response
    }

    /// Status and headers that belong to it.
    pub(crate) fn head<B>(&self, response: &mut Response<B>) {
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        unlisted(headers);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, 15.5.2 wants a challenge; browsers ignore one of a scheme that they do not know.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Cookie realm=\"referral\""));
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let problem = of_kind(&error);
        if problem.status.is_server_error() {
            tracing::error!(error = &error as &dyn StdError, "a request failed");
        }
        // Nobody outside is told what failed inside, nor a guard's reason, which is for the host's staff.
        let problem = if error.is_invalid_input() || error.is_conflict() {
            problem.with_detail(told(&error))
        } else {
            problem
        };
        problem.caused_by(error)
    }
}

/// The problem that an error is, by its kind, and for a conflict by its detail.
fn of_kind(error: &Error) -> Problem {
    let conflict = |kind, title| Problem::new(StatusCode::CONFLICT, kind, title);
    match error.kind() {
        ErrorKind::InvalidInput => Problem::bad_input(),
        ErrorKind::NotFound => Problem::not_found(),
        ErrorKind::Conflict => match error.detail::<LinkRefusal>() {
            Some(LinkRefusal::CodeTaken { .. }) => conflict("code-taken", "The code is taken"),
            Some(LinkRefusal::Exists { .. }) => conflict("exists", "Such a link exists already"),
            Some(LinkRefusal::Archived) => conflict("archived", "The link is archived"),
            Some(LinkRefusal::Exhausted) => conflict("exhausted", "The link is used up"),
            Some(LinkRefusal::Changed { .. }) => {
                Problem::new(StatusCode::PRECONDITION_FAILED, "changed", "The link was changed since")
            }
            _ => conflict("conflict", "It conflicts with something that exists"),
        },
        ErrorKind::Refused => Problem::new(StatusCode::FORBIDDEN, "refused", "Not allowed"),
        _ if error.is_unavailable() || error.is_retryable() => Problem::unavailable(),
        _ => Problem::internal(),
    }
}

macro_rules! problems {
    ($($detail:ty),+ $(,)?) => {$(
        impl From<$detail> for Problem {
            fn from(detail: $detail) -> Self {
                Error::from(detail).into()
            }
        }
    )+};
}

problems!(TextError, CodeError, RedirectError, CursorError, LinkRefusal, VisitRefusal);

/// An error and its causes, in one line.
fn told(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title)
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
