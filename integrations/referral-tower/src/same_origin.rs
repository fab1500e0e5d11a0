//! Whether a request that changes something comes from the site itself.

use http::HeaderMap;
use http::header::{HeaderName, ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// `Sec-Fetch-Site: same-origin`, else `Origin` equal to the site's; with neither it is no browser.
///
/// Browsers set both themselves ([Fetch Metadata](https://www.w3.org/TR/fetch-metadata/), [RFC 6454,
/// 7](https://www.rfc-editor.org/rfc/rfc6454#section-7)) and let no page change them. A sandboxed page sends `null`.
pub(crate) fn is_same_origin(headers: &HeaderMap, site: &str) -> bool {
    let fetch = headers.get(SEC_FETCH_SITE);
    let origin = headers.get(ORIGIN);
    if fetch.is_none() && origin.is_none() {
        return true;
    }
    fetch.is_some_and(|value| value.as_bytes() == b"same-origin")
        || origin.is_some_and(|value| value.as_bytes() == site.as_bytes())
}
