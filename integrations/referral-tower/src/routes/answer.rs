//! Pages for people, documents for programs.

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::here::Here;
use crate::headers::unlisted;
use crate::pages::{PageError, ProblemPage};
use crate::problem::Problem;

/// What a request wants to get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wants {
    Page,
    Json,
}

impl Wants {
    /// A page, if `Accept` names `text/html` with a weight above that of JSON (RFC 9110, 12.5.1).
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let (mut html, mut json) = (0.0_f32, 0.0_f32);
        for value in headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()) {
            for range in value.split(',') {
                let mut parts = range.split(';').map(str::trim);
                let name = parts.next().unwrap_or_default();
                let weight = parts
                    .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                    .map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0));
                if name.eq_ignore_ascii_case("text/html")
                    || name.eq_ignore_ascii_case("application/xhtml+xml")
                {
                    html = html.max(weight);
                } else if name.eq_ignore_ascii_case("application/json")
                    || name.eq_ignore_ascii_case(Problem::MEDIA_TYPE)
                {
                    json = json.max(weight);
                }
            }
        }
        if html > json { Self::Page } else { Self::Json }
    }

    /// A problem, as a page or as a document.
    pub(super) fn refuse(self, here: &Here, problem: Problem) -> Response {
        let mut response = match self {
            Self::Json => problem.into_response(),
            Self::Page => {
                let page = ProblemPage { problem: problem.clone(), back: here.links_path() };
                match here.layer().pages().problem(&page) {
                    Ok(html) => {
                        let mut response = self::page(StatusCode::OK, Ok(html));
                        problem.head(&mut response);
                        response
                    }
                    Err(error) => {
                        report(&error);
                        problem.into_response()
                    }
                }
            }
        };
        varies(&mut response);
        response
    }
}

/// A page that is nobody else's business.
pub(super) fn page(status: StatusCode, html: Result<String, PageError>) -> Response {
    let mut response = match html {
        Ok(html) => Response::new(Body::from(html)),
        Err(error) => {
            report(&error);
            return Problem::internal().into_response();
        }
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    unlisted(headers);
    varies(&mut response);
    response
}

/// A document that is nobody else's business.
pub(super) fn json<T: Serialize>(document: &T) -> Response {
    let mut response = Json(document).into_response();
    unlisted(response.headers_mut());
    varies(&mut response);
    response
}

/// 303: after a form, to a page.
pub(super) fn see_other(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    // A checked destination is visible ASCII, which every header takes.
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    unlisted(response.headers_mut());
    varies(&mut response);
    response
}

/// 303 to the sign-in page, and from there to `next`.
pub(super) fn sign_in(here: &Here, next: &str) -> Response {
    let to = here.layer().settings().sign_in.location();
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    let join = if to.contains('?') { '&' } else { '?' };
    see_other(&format!("{to}{join}{query}"))
}

fn varies<B>(response: &mut Response<B>) {
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
}

fn report(error: &PageError) {
    tracing::error!(error = error.as_ref() as &dyn std::error::Error, "a page could not be made");
}
