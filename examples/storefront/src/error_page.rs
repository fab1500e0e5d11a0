//! What went wrong, in words for the person in front of it.

use std::error::Error as StdError;

use askama::Template;
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use referral_core::link::LinkRefusal;
use referral_core::redirect::RedirectError;
use referral_core::{CodeError, CursorError, Error, ErrorKind};
use serde_json::json;

use crate::shop::ShopError;
use crate::wants::Wants;

/// Instead of the page that was asked for: what is wrong, and what to do.
#[derive(Clone, Debug)]
pub(crate) struct ErrorPage {
    status: StatusCode,
    title: String,
    detail: String,
}

impl ErrorPage {
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

    /// A failure of our own. It is logged with its causes and shown without them.
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
        let page = ErrorTemplate { status: self.status.as_u16(), title: &self.title, detail: &self.detail };
        let mut response = match (wants, page.render()) {
            (Wants::Page, Ok(text)) => Html(text).into_response(),
            _ => problem(),
        };
        *response.status_mut() = self.status;
        response
    }
}

/// An error with all its causes, for the log.
pub(crate) fn causes(error: &dyn StdError) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some errors say their cause themselves.
        let cause_said = cause.to_string();
        if !said.ends_with(&cause_said) {
            said = format!("{said}: {cause_said}");
        }
        source = cause.source();
    }
    said
}

#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorTemplate<'a> {
    pub(crate) status: u16,
    pub(crate) title: &'a str,
    pub(crate) detail: &'a str,
}

impl IntoResponse for ErrorPage {
    /// Sets only the status. [`finish`] makes the page, because it knows what the other side reads.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ShopError> for ErrorPage {
    fn from(error: ShopError) -> Self {
        Self::broken(error)
    }
}

impl From<Error> for ErrorPage {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput => of_input(&error),
            ErrorKind::Conflict => of_conflict(&error),
            ErrorKind::NotFound => Self::not_found(),
            ErrorKind::Refused => {
                Self::new(StatusCode::FORBIDDEN, "Not allowed", "The shop does not allow this.")
            }
            ErrorKind::Contended | ErrorKind::Unavailable | ErrorKind::UnknownOutcome => {
                tracing::warn!("the referrals are out of reach: {}", causes(&error));
                Self::of(StatusCode::SERVICE_UNAVAILABLE)
            }
            _ => Self::broken(error),
        }
    }
}

/// What does not fit: the library's own reason, and what to do.
fn of_input(error: &Error) -> ErrorPage {
    let why = reason(error);
    let form = |title: &str, advice: &str| {
        ErrorPage::new(StatusCode::UNPROCESSABLE_ENTITY, title, format!("{why} {advice}"))
    };
    if error.detail::<CodeError>().is_some() {
        return form(
            "That is no code to choose",
            "A code has 3 to 64 letters, digits, - or _. Go back and choose another, or leave it empty.",
        );
    }
    let leads_nowhere = error.detail() == Some(&LinkRefusal::Loop);
    if leads_nowhere || error.detail::<RedirectError>().is_some() {
        return form(
            "A link cannot lead there",
            "Links lead to pages of this shop: write a path such as /products/3.",
        );
    }
    if error.detail::<CursorError>().is_some() {
        return ErrorPage::new(
            StatusCode::BAD_REQUEST,
            "That page cannot be found again",
            "The list may have changed since. Begin with the newest on your page.",
        );
    }
    form("That does not fit", "Go back and change it.")
}

/// What stands against a change, and what to do.
fn of_conflict(error: &Error) -> ErrorPage {
    let conflict = |title: &str, detail: String| ErrorPage::new(StatusCode::CONFLICT, title, detail);
    match error.detail() {
        Some(LinkRefusal::CodeTaken { code }) => conflict(
            "That code is taken",
            format!("Somebody has {code}, or one that looks like it. Go back and choose another."),
        ),
        Some(LinkRefusal::Exists { .. }) => conflict(
            "You have that link already",
            "Another link of yours has the same label and leads to the same place.".to_owned(),
        ),
        Some(LinkRefusal::Changed { .. }) => ErrorPage::new(
            StatusCode::PRECONDITION_FAILED,
            "The link has changed since",
            "Somebody, or another tab of yours, has changed it after you opened the form. Look at it again on your page.",
        ),
        Some(LinkRefusal::Exhausted) => conflict(
            "That link is used up",
            "It was used as often as it may be. Make another one.".to_owned(),
        ),
        Some(LinkRefusal::Archived) => {
            conflict("That link is put away", "An archived link cannot be changed.".to_owned())
        }
        _ => conflict("Something stands against it", reason(error)),
    }
}

/// Why the library says no, as a sentence.
fn reason(error: &Error) -> String {
    let text = error.to_string();
    let mut symbols = text.chars();
    let first = symbols.next().into_iter().flat_map(char::to_uppercase);
    first.chain(symbols).chain(['.']).collect()
}

/// Browsers load styles and images from here, send forms to here, and do nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// The outermost layer: gives every error its page, and every answer the headers that keep browsers safe.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    let wants = Wants::of(request.headers());
    let mut response = next.run(request).await;
    let status = response.status();
    let made = response.extensions_mut().remove::<ErrorPage>();
    let bare = || status.is_client_error() || status.is_server_error();
    if let Some(error) =
        made.or_else(|| (bare() && !is_made(response.headers())).then(|| ErrorPage::of(status)))
    {
        let page = error.page(wants);
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
