//! The rules of a safe destination.

use url::Url;

use crate::redirect::host::{Host, HostError};
use crate::redirect::safe::SafeDestination;

/// The most characters a destination may have.
const MAX: usize = 2048;

/// Which destinations are safe to send a visitor to.
///
/// By default these are paths of the site itself, and absolute URLs of its own origin.
/// The rules are checked in this order:
///
/// 1. nothing empty, nothing over 2,048 characters, no control character;
/// 2. no `\` before the first `?` or `#`, which browsers read as `/`;
/// 3. one leading `/` and not a second one: a path of the site, allowed;
/// 4. `http://` or `https://` and a host in plain spelling, without credentials,
///    whose scheme, host and port are allowed as the WHATWG URL parser reads them;
/// 5. everything else is denied, also paths relative to the current page and URLs
///    that begin with `//`.
///
/// The `Host` header of a request must never get in here: what the site is called
/// is configuration.
///
/// ```
/// # use referral_core::redirect::RedirectPolicy;
/// # use url::Url;
/// let site = Url::parse("https://shop.example")?;
/// let policy = RedirectPolicy::new(&site).with_host("blog.example")?;
///
/// assert_eq!(policy.check("/café?x=1")?.location(), "/caf%C3%A9?x=1");
/// assert!(policy.check("https://blog.example/post").is_ok());
/// assert!(policy.check("//evil.example").is_err());
/// assert!(policy.check("https://shop.example@evil.example/").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectPolicy {
    hosts: Vec<Host>,
    landing_hosts: Vec<Host>,
    require_https: bool,
}

impl RedirectPolicy {
    /// Allows paths of the site, and absolute URLs of exactly its origin.
    ///
    /// If the site's own URL is `http`, destinations may be `http` too, unless
    /// [`with_require_https`](Self::with_require_https) forbids it.
    pub fn new(public_url: &Url) -> Self {
        let hosts = Host::of_origin(public_url).into_iter().collect();
        Self { hosts, landing_hosts: Vec::new(), require_https: false }
    }

    /// Allows paths of the site and nothing else, not even absolute URLs of its own origin.
    pub const fn paths_only() -> Self {
        Self { hosts: Vec::new(), landing_hosts: Vec::new(), require_https: false }
    }

    /// The policy of one line of `check-redirect`: `base_host` and every entry of
    /// `allowed_hosts`, over `http` too unless `require_https`.
    ///
    /// # Errors
    ///
    /// [`HostError`] with the first entry that is no host.
    pub fn for_case<S: AsRef<str>>(
        base_host: &str,
        allowed_hosts: impl IntoIterator<Item = S>,
        require_https: bool,
    ) -> Result<Self, HostError> {
        let policy = Self::paths_only().with_host(base_host)?.with_require_https(require_https);
        allowed_hosts.into_iter().try_fold(policy, |policy, host| policy.with_host(host.as_ref()))
    }

    /// Allows absolute URLs of another host: `shop.example`, `shop.example:8443`,
    /// `[2001:db8::1]`, `bücher.example`. Without a port, only the default port of
    /// the URL's scheme is meant. Sub-domains are hosts of their own.
    ///
    /// # Errors
    ///
    /// [`HostError`] where the entry is anything else, such as a URL.
    pub fn with_host(mut self, host: &str) -> Result<Self, HostError> {
        self.hosts.push(host.parse()?);
        Ok(self)
    }

    /// Lets stored links lead to this host too, but not destinations that a visitor
    /// brings along. It is meant for operators who send visitors to landing pages on
    /// another host. Only [`check_stored`](Self::check_stored) allows these hosts.
    ///
    /// # Errors
    ///
    /// As [`with_host`](Self::with_host).
    pub fn with_landing_host(mut self, host: &str) -> Result<Self, HostError> {
        self.landing_hosts.push(host.parse()?);
        Ok(self)
    }

    /// Denies `http` URLs. Paths keep the scheme of the site.
    #[must_use]
    pub const fn with_require_https(mut self, require: bool) -> Self {
        self.require_https = require;
        self
    }

    /// Checks a destination that came with a request, after it was decoded once.
    ///
    /// # Errors
    ///
    /// [`RedirectError`] with the rule it breaks. Answer with the link's stored
    /// destination or the fallback, never with an error page.
    pub fn check(&self, destination: &str) -> Result<SafeDestination, RedirectError> {
        self.judge(destination, false)
    }

    /// Checks the destination of a link, when it is stored and again when it is
    /// used: the same rules, and the landing hosts are allowed too.
    ///
    /// # Errors
    ///
    /// [`RedirectError`] with the rule it breaks.
    pub fn check_stored(&self, destination: &str) -> Result<SafeDestination, RedirectError> {
        self.judge(destination, true)
    }

    fn judge(&self, destination: &str, stored: bool) -> Result<SafeDestination, RedirectError> {
        if destination.is_empty() {
            return Err(RedirectError::Empty);
        }
        // No text has more characters than bytes, so most need no counting.
        if destination.len() > MAX {
            let length = destination.chars().count();
            if length > MAX {
                return Err(RedirectError::TooLong { length });
            }
        }
        if let Some(position) = destination.bytes().position(|byte| byte.is_ascii_control()) {
            return Err(RedirectError::Control { position });
        }
        let before_query = destination.split(['?', '#']).next().unwrap_or_default();
        if let Some(position) = before_query.find('\\') {
            return Err(RedirectError::Backslash { position });
        }
        let safe = SafeDestination::encode(destination);
        if let Some(path) = destination.strip_prefix('/') {
            return if path.starts_with('/') { Err(RedirectError::Shape) } else { Ok(safe) };
        }
        let authority = authority(before_query).ok_or(RedirectError::Shape)?;
        if authority.contains('@') {
            return Err(RedirectError::Credentials);
        }
        let url = Url::parse(destination).map_err(RedirectError::Malformed)?;
        // What is sent is read once more the way the browser will read it: encoding
        // must not change where it leads.
        let sent = Url::parse(safe.location()).map_err(RedirectError::Malformed)?;
        if !is_plain(authority, &url) || sent.host() != url.host() {
            return Err(RedirectError::Disguised);
        }
        if self.require_https && url.scheme() != "https" {
            return Err(RedirectError::Insecure);
        }
        let allowed = |host: &Host| host.is_of(&url) && host.is_of(&sent);
        if self.hosts.iter().any(allowed) || (stored && self.landing_hosts.iter().any(allowed)) {
            Ok(safe)
        } else {
            Err(RedirectError::Foreign)
        }
    }
}

/// What stands between `http://` or `https://` and the path, if anything does.
fn authority(before_query: &str) -> Option<&str> {
    let (scheme, rest) = before_query.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    rest.split('/').next().filter(|authority| !authority.is_empty())
}

/// Whether the host is written the way it is read, apart from letter case. Full-width
/// letters, `%2e`, `0x7f.1` and the like lead to an allowed host in browsers. But only
/// somebody who hides a host writes it like that, and other programs read it
/// differently.
fn is_plain(authority: &str, url: &Url) -> bool {
    let Some(read) = url.host_str() else { return false };
    let written = authority.to_lowercase();
    // An IPv6 address is in brackets and has many spellings, all of them plain.
    if written.starts_with('[') {
        return true;
    }
    let written = written.split(':').next().unwrap_or_default();
    written == read || written == url::quirks::domain_to_unicode(read)
}

/// Why a destination was denied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// The text is empty, which would lead back to the link itself.
    #[error("the destination is empty")]
    Empty,
    /// More than 2,048 characters.
    #[error("the destination has {length} characters; at most {MAX} are allowed")]
    TooLong {
        /// How many characters were given.
        length: usize,
    },
    /// It holds a control character, which browsers drop or header values cannot hold.
    #[error("the destination has a control character at byte {position}")]
    Control {
        /// Where, in bytes from 0.
        position: usize,
    },
    /// It holds a `\` before the query, which browsers read as `/`.
    #[error("the destination has a backslash at byte {position}")]
    Backslash {
        /// Where, in bytes from 0.
        position: usize,
    },
    /// It is neither a path with one leading `/` nor `http(s)://` with a host.
    #[error("the destination is neither a path of the site nor an http or https URL")]
    Shape,
    /// There is a user name or password before the host.
    #[error("the destination carries credentials")]
    Credentials,
    /// It is no URL that a browser can read.
    #[error("the destination is not a URL")]
    Malformed(#[source] url::ParseError),
    /// The host is written in another way than it is read.
    #[error("the host of the destination is not written plainly")]
    Disguised,
    /// It is `http`, and `https` is required.
    #[error("the destination is not https")]
    Insecure,
    /// Its scheme, host or port is not among the allowed ones.
    #[error("the destination leads to a host that is not allowed")]
    Foreign,
}

impl RedirectError {
    /// Which of the rules of [`RedirectPolicy`] was broken, 1 to 5.
    pub const fn rule(&self) -> u8 {
        match self {
            Self::Empty | Self::TooLong { .. } | Self::Control { .. } => 1,
            Self::Backslash { .. } => 2,
            Self::Credentials | Self::Malformed(_) | Self::Disguised | Self::Insecure | Self::Foreign => 4,
            Self::Shape => 5,
        }
    }
}
