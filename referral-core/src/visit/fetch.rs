//! What a browser says about the reason of a request.

/// The request headers in which a browser says why it asks: Fetch Metadata
/// (`Sec-Fetch-*`) and the marks of loads that happen before anybody clicked.
///
/// Browsers send `Sec-` headers themselves and let no script change them; other
/// programs may send whatever they like. A missing header means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FetchMetadata {
    /// `Sec-Fetch-Mode`: `navigate` for a page that is being opened.
    pub mode: Option<String>,
    /// `Sec-Fetch-Dest`: `document` for a page, `iframe`, `image`, `empty` and so on.
    pub dest: Option<String>,
    /// `Sec-Fetch-Site`: `same-origin`, `same-site`, `cross-site` or `none`.
    pub site: Option<String>,
    /// `Sec-Purpose`: `prefetch` or `prefetch;prerender` before a click.
    pub sec_purpose: Option<String>,
    /// `Purpose`, an older name of the same header, or `X-Purpose`, which is older still.
    pub purpose: Option<String>,
    /// `X-Moz`, the same header of old Firefox.
    pub x_moz: Option<String>,
}

impl FetchMetadata {
    /// Reads the headers by a function that gives the value of one by its lower-case
    /// name. Values that are no text count as missing.
    pub fn read<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        // All known values are short; nothing is gained by keeping more of the others.
        let header = |name| header(name).map(|value| value.chars().take(64).collect::<String>());
        Self {
            mode: header("sec-fetch-mode"),
            dest: header("sec-fetch-dest"),
            site: header("sec-fetch-site"),
            sec_purpose: header("sec-purpose"),
            purpose: header("purpose").or_else(|| header("x-purpose")),
            x_moz: header("x-moz"),
        }
    }

    /// Whether this was loaded before anybody clicked: prefetched, prerendered, or for a preview.
    pub fn is_speculative(&self) -> bool {
        // Both are lists with parameters, such as `prefetch;prerender`.
        let says = |value: &Option<String>, words: &[&str]| {
            value
                .as_deref()
                .unwrap_or_default()
                .split([';', ',', ' '])
                .any(|part| words.iter().any(|word| part.trim().eq_ignore_ascii_case(word)))
        };
        says(&self.sec_purpose, &["prefetch", "prerender", "preview"])
            || says(&self.purpose, &["prefetch", "prerender", "preview"])
            || says(&self.x_moz, &["prefetch"])
    }

    /// Whether this is anything but a page that is opened in a window of its own. It is
    /// false if the browser does not say.
    pub fn is_embedded(&self) -> bool {
        let other_than = |value: &Option<String>, word: &str| {
            value.as_deref().is_some_and(|value| !value.trim().eq_ignore_ascii_case(word))
        };
        other_than(&self.mode, "navigate") || other_than(&self.dest, "document")
    }
}
