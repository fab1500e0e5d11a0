//! Between HTTP and the pages: who wants JSON, what a form holds, and how an answer is made.

use askama::Template;
use axum::extract::{FromRequest, Request};
use axum::http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use crate::fault::Fault;

/// What the other side reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wants {
    Page,
    Json,
}

impl Wants {
    /// JSON where it is named and no page is wanted more; browsers never name it for a page.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let (mut json, mut html) = (0.0_f32, 0.0_f32);
        for line in headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok()) {
            for range in line.split(',') {
                let mut parts = range.split(';').map(str::trim);
                let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
                let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
                match kind.as_str() {
                    "application/json" | "application/problem+json" => json = json.max(quality),
                    "text/html" | "application/xhtml+xml" => html = html.max(quality),
                    _ => {}
                }
            }
        }
        if json > html { Self::Json } else { Self::Page }
    }
}

/// A page, or the data that it shows.
pub(crate) fn answer<P: Template + Serialize>(wants: Wants, page: &P) -> Result<Response, Fault> {
    answer_with(StatusCode::OK, wants, page)
}

/// A page with another status than 200, or the data that it shows.
pub(crate) fn answer_with<P: Template + Serialize>(
    status: StatusCode,
    wants: Wants,
    page: &P,
) -> Result<Response, Fault> {
    match wants {
        Wants::Page => Ok((status, Html(page.render().map_err(Fault::broken)?)).into_response()),
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

/// No form of ours comes near it.
const BODY_MAX: usize = 16 * 1024;

/// So much is read to the end before it is refused: a browser whose form is cut off shows its own error, not ours.
const BODY_READ: usize = 1024 * 1024;

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let json = kind.to_ascii_lowercase().starts_with("application/json");
        let read = axum::body::to_bytes(request.into_body(), BODY_READ).await.ok();
        let Some(bytes) = read.filter(|bytes| bytes.len() <= BODY_MAX) else {
            return Err(Fault::new(
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
            Fault::new(
                StatusCode::BAD_REQUEST,
                "That is no JSON object",
                "Send an object with the form's fields.",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_those_who_name_it() {
        let wants = |accept: &str| {
            Wants::of(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(accept).unwrap())]))
        };
        assert_eq!(wants("application/json"), Wants::Json);
        assert_eq!(wants("application/json, text/plain, */*"), Wants::Json);
        assert_eq!(wants("*/*"), Wants::Page);
        assert_eq!(wants("text/html,application/xhtml+xml,*/*;q=0.8"), Wants::Page);
        assert_eq!(wants("text/html;q=0.5, application/json;q=0.9"), Wants::Json);
        assert_eq!(Wants::of(&HeaderMap::new()), Wants::Page);
    }
}
