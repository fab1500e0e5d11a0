//! What the binary carries with it.

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// Where the stylesheet is. The address changes whenever the file does, so that browsers may keep the file for long.
pub(crate) const STYLE: &str = concat!("/assets/style.css?v=", env!("CARGO_PKG_VERSION"), "-2");

/// The shop's mark.
pub(crate) const MARK: &str = include_str!("../assets/icon.svg");

pub(crate) async fn style() -> Response {
    serve("text/css; charset=utf-8", include_str!("../assets/style.css"))
}

pub(crate) async fn icon() -> Response {
    serve("image/svg+xml", MARK)
}

fn serve(kind: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}
