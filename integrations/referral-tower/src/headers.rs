//! Headers that several answers of ours share.

use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

/// `X-Robots-Tag`, which the `http` crate does not name.
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// A redirect that nobody keeps and no search engine lists.
pub(crate) fn redirect(location: HeaderValue) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    unlisted(headers);
    response
}

/// `Cache-Control: no-store` and `X-Robots-Tag: noindex`.
pub(crate) fn unlisted(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ROBOTS, HeaderValue::from_static("noindex"));
}
