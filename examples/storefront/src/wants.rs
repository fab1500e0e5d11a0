//! Who wants a page, and who wants JSON.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// What the other side reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wants {
    Page,
    Json,
}

impl Wants {
    /// JSON if the request names it and does not prefer a page. Browsers never name JSON when they ask for a page.
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

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
