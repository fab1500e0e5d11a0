//! Between HTTP and the pages: what a form holds, and how an answer is made.

use askama::Template;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use crate::error_page::ErrorPage;
use crate::wants::Wants;

/// A page, or the data that it shows.
pub(crate) fn answer<P: Template + Serialize>(wants: Wants, page: &P) -> Result<Response, ErrorPage> {
    answer_with(StatusCode::OK, wants, page)
}

/// A page with another status than 200, or the data that it shows.
pub(crate) fn answer_with<P: Template + Serialize>(
    status: StatusCode,
    wants: Wants,
    page: &P,
) -> Result<Response, ErrorPage> {
    match wants {
        Wants::Page => Ok((status, Html(page.render().map_err(ErrorPage::broken)?)).into_response()),
        Wants::Json => Ok((status, axum::Json(page)).into_response()),
    }
}

/// What a form answers: a page to go on to, or what came of it as JSON.
pub(crate) fn done(wants: Wants, to: &str, data: &impl Serialize) -> Response {
    match (wants, HeaderValue::from_str(to)) {
        (Wants::Page, Ok(to)) => (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(),
        _ => axum::Json(data).into_response(),
    }
}

/// The fields of a form, or of a JSON object with texts and numbers in it. The first of several wins.
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// A field without the white space around it; empty where it is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// A field without the white space around it, where the form has it.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim())
    }

    fn of_json(bytes: &[u8]) -> Option<Self> {
        let serde_json::Value::Object(object) = serde_json::from_slice(bytes).ok()? else { return None };
        let text = |value| match value {
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Some(Self(object.into_iter().filter_map(|(key, value)| Some((key, text(value)?))).collect()))
    }
}

/// The most bytes that a form may have. No form of this shop has nearly as many.
const BODY_MAX: usize = 16 * 1024;

/// The most bytes that are read before a form is refused. A browser whose form is cut off shows its own error and not
/// ours.
const BODY_READ: usize = 1024 * 1024;

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ErrorPage;

    async fn from_request(request: Request, _: &S) -> Result<Self, ErrorPage> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let json = kind.to_ascii_lowercase().starts_with("application/json");
        let read = axum::body::to_bytes(request.into_body(), BODY_READ).await.ok();
        let Some(bytes) = read.filter(|bytes| bytes.len() <= BODY_MAX) else {
            return Err(ErrorPage::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "That is too much",
                "The form holds more than this shop reads. Go back and make it shorter.",
            ));
        };
        if !json {
            // Bytes that are no UTF-8 become replacement characters, which no field of ours allows.
            return Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()));
        }
        Self::of_json(&bytes).ok_or_else(|| {
            ErrorPage::new(
                StatusCode::BAD_REQUEST,
                "That is no JSON object",
                "Send an object with the form's fields.",
            )
        })
    }
}
