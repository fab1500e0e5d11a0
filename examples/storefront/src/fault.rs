//! What went wrong, in words for the person in front of it.

use std::error::Error as StdError;

use askama::Template;
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use referral_core::Error;
use serde_json::json;

use crate::shop::ShopError;
use crate::web::Wants;

/// Instead of the page that was asked for: what is wrong, and what to do.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    status: StatusCode,
    title: String,
    detail: String,
}

impl Fault {
    pub(crate) fn new(status: StatusCode, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { status, title: title.into(), detail: detail.into() }
    }

    /// Something in a form does not fit.
    pub(crate) fn form(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "That does not fit", detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::of(StatusCode::NOT_FOUND)
    }

    pub(crate) fn signed_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Sign in first", "This page is for those with an account.")
    }

    /// Our own trouble: logged with its causes, shown without them.
    pub(crate) fn broken(error: impl StdError) -> Self {
        tracing::error!("{}", causes(&error));
        Self::of(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What a status says to a person.
    fn of(status: StatusCode) -> Self {
        let (title, detail) = match status {
            StatusCode::NOT_FOUND => (
                "There is no such page",
                "The address may be misspelt, or what stood here is gone. The shelf is a good place to start again.",
            ),
            StatusCode::METHOD_NOT_ALLOWED => (
                "Not like this",
                "This address takes another kind of request. Go back and use the form there.",
            ),
            StatusCode::FORBIDDEN => (
                "That did not come from here",
                "The form was sent by another site. Open the shop and try there.",
            ),
            StatusCode::UNAUTHORIZED => return Self::signed_out(),
            StatusCode::SERVICE_UNAVAILABLE => (
                "One moment, please",
                "The shop cannot reach its book right now. Try again in a few seconds.",
            ),
            status if status.is_server_error() => (
                "Something broke on our side",
                "It is not your doing, and it is in our log. Please try again.",
            ),
            _ => ("That did not work", "Something about the request does not fit. Go back and try again."),
        };
        Self::new(status, title, detail)
    }

    fn page(&self, wants: Wants) -> Response {
        let problem = || {
            let body = json!({
                "type": "about:blank", "title": self.title, "status": self.status.as_u16(), "detail": self.detail,
            });
            ([(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
        };
        let page = FaultPage { status: self.status.as_u16(), title: &self.title, detail: &self.detail };
        let mut response = match (wants, page.render()) {
            (Wants::Page, Ok(text)) => Html(text).into_response(),
            _ => problem(),
        };
        *response.status_mut() = self.status;
        response
    }
}

/// An error with everything that led to it, for the log.
pub(crate) fn causes(error: &dyn StdError) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    said
}

#[derive(Template)]
#[template(path = "fault.html")]
pub(crate) struct FaultPage<'a> {
    pub(crate) status: u16,
    pub(crate) title: &'a str,
    pub(crate) detail: &'a str,
}

impl IntoResponse for Fault {
    /// Only the status; [`finish`], which knows what the other side reads, makes the page of it.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ShopError> for Fault {
    fn from(error: ShopError) -> Self {
        Self::broken(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let form = |title: &str, detail: &str| Self::new(StatusCode::UNPROCESSABLE_ENTITY, title, detail);
        match &error {
            Error::CodeTaken { code } => Self::new(
                StatusCode::CONFLICT,
                "That code is taken",
                format!("Somebody has {code}, or one that looks like it. Go back and choose another."),
            ),
            Error::Exists { .. } => Self::new(
                StatusCode::CONFLICT,
                "You have that link already",
                "Another link of yours has the same label and leads to the same place.",
            ),
            Error::Archived => Self::new(
                StatusCode::CONFLICT,
                "That link is put away",
                "An archived link cannot be changed.",
            ),
            Error::Code(_) => form(
                "That is no code to choose",
                "A code has 3 to 64 letters, digits, - or _, and is none of the words that the shop needs itself. \
                 Go back and choose another, or leave it empty.",
            ),
            Error::Destination(_) => form(
                "A link cannot lead there",
                "Links lead to pages of this shop: write a path such as /products/3.",
            ),
            Error::Text(_) => form("That is too long", "A label has at most 100 bytes, a path 2048."),
            Error::Cursor(_) => Self::new(
                StatusCode::BAD_REQUEST,
                "That page cannot be found again",
                "The list may have changed since. Begin with the newest on your page.",
            ),
            Error::NoLink => Self::not_found(),
            Error::Refused { .. } => {
                Self::new(StatusCode::FORBIDDEN, "Not allowed", "The shop does not allow this.")
            }
            error if error.is_retryable() || error.is_unavailable() => {
                tracing::warn!("the referrals are out of reach: {}", causes(error));
                Self::of(StatusCode::SERVICE_UNAVAILABLE)
            }
            _ => Self::broken(error),
        }
    }
}

/// Styles from here, forms to here, and nothing else at all.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// The outermost layer: gives every fault its page, and every answer the headers that keep browsers safe.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    let wants = Wants::of(request.headers());
    let mut response = next.run(request).await;
    let status = response.status();
    let fault = response.extensions_mut().remove::<Fault>();
    let bare = || status.is_client_error() || status.is_server_error();
    if let Some(fault) = fault.or_else(|| (bare() && !is_made(response.headers())).then(|| Fault::of(status)))
    {
        let page = fault.page(wants);
        let before = std::mem::replace(&mut response, page);
        for name in [SET_COOKIE, ALLOW] {
            for value in before.headers().get_all(&name) {
                response.headers_mut().append(&name, value.clone());
            }
        }
    }
    secure(response.headers_mut());
    response
}

/// Whether an error has a page or a problem of its own already.
fn is_made(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/html") || kind.starts_with("application/problem+json")
}

fn secure(headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(HeaderName::from_static("content-security-policy"), POLICY);
    set(HeaderName::from_static("x-content-type-options"), "nosniff");
    // Not `no-referrer`: browsers would then send forms with `Origin: null`.
    set(HeaderName::from_static("referrer-policy"), "strict-origin-when-cross-origin");
    headers.append(VARY, HeaderValue::from_static("Accept, Cookie"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
}
