//! `GET /r/{code}`.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, Uri};
use percent_encoding::percent_decode_str;

use super::answer;
use super::here::Here;
use crate::headers::redirect;
use crate::layer::DeadCodes;
use crate::pages::DeadLinkPage;

/// Follows a link. Whatever stands there instead of a code is a code that nobody has.
pub(super) async fn land(here: Here, uri: Uri) -> Response {
    let layer = here.layer();
    let landing = here.visitor().land(&last_segment(&uri)).await;
    if landing.fallback && landing.dead().is_some() && layer.settings().dead_codes == DeadCodes::NotFound {
        let page = DeadLinkPage { home: format!("{}/", here.base()) };
        return answer::page(StatusCode::NOT_FOUND, layer.pages().dead_link(&page));
    }
    // A checked destination is visible ASCII, which every header takes.
    let location = HeaderValue::from_str(landing.redirect.location());
    redirect(location.unwrap_or_else(|_| HeaderValue::from_static("/"))).map(Body::from)
}

/// The last segment of the path, decoded. The extractor of axum's answers 400 where this is no UTF-8, but a visitor
/// gets no error page.
pub(super) fn last_segment(uri: &Uri) -> String {
    let path = uri.path().trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    percent_decode_str(last).decode_utf8_lossy().into_owned()
}
