//! What has passed a policy, and what of it stands in a header.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What RFC 3986 has no place for in a URL at all, short of `[ ] ^ ` { | }`, which
/// browsers leave alone in queries and servers are used to. A `%` stays, so that
/// what is already encoded is not encoded again.
const UNFIT: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\');

/// A destination that passed a [`RedirectPolicy`](super::RedirectPolicy).
///
/// Only a policy makes one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SafeDestination {
    given: String,
    location: String,
}

impl SafeDestination {
    /// Only to be called by the policy, which then checks what comes out.
    pub(super) fn encode(given: &str) -> Self {
        Self { given: given.to_owned(), location: utf8_percent_encode(given, UNFIT).to_string() }
    }

    /// The value of the `Location` header. It is the text that was checked, in which
    /// bytes outside of ASCII, spaces, `"`, `<`, `>` and `\` are percent-encoded and
    /// every other byte is kept. It is visible ASCII only, so it always fits a header.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The text that was checked, as it was given.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// Whether it is a path of the site itself, and not an absolute URL.
    pub fn is_path(&self) -> bool {
        self.given.starts_with('/')
    }
}

impl fmt::Display for SafeDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.location)
    }
}

impl fmt::Debug for SafeDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Paths may hold secrets and queries personal data; whether it leaves the site,
        // and for which host, is what helps in a log.
        let host = self.location.split(['?', '#']).next().unwrap_or_default().split('/').nth(2);
        match host {
            Some(host) if !self.is_path() => write!(f, "SafeDestination({host})"),
            _ => f.write_str("SafeDestination(path)"),
        }
    }
}
