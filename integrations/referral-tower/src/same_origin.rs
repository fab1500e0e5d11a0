//! Whether a request that changes something comes from the site itself.

use http::HeaderMap;
use http::header::{HeaderName, ORIGIN};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What was sent of `Sec-Fetch-Site: same-origin` and an `Origin` equal to the site's agrees; who sends neither is no
/// browser.
///
/// Browsers set both themselves ([Fetch Metadata](https://www.w3.org/TR/fetch-metadata/), [RFC 6454,
/// 7](https://www.rfc-editor.org/rfc/rfc6454#section-7)) and let no page change them. A sandboxed page sends `null`.
/// `Sec-Fetch-Site` alone says too little: behind a proxy that serves two names from one address, a page of the other
/// name is of the same origin as what it asks for. A header that is sent twice has to agree twice.
pub(crate) fn is_same_origin(headers: &HeaderMap, site: &str) -> bool {
    let all_are =
        |name, wanted: &str| headers.get_all(name).iter().all(|value| value.as_bytes() == wanted.as_bytes());
    all_are(SEC_FETCH_SITE, "same-origin") && all_are(ORIGIN, site)
}
