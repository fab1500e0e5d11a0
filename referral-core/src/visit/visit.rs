//! One request, as far as referrals are concerned.

use std::fmt;
use std::net::IpAddr;

use crate::token::Token;
use crate::value::{RequestId, Timestamp, UserId, VisitorId};
use crate::visit::fetch::FetchMetadata;

/// One request of a visitor, as far as referrals are concerned.
///
/// Fill in what the framework knows. Everything is optional, and whatever a visitor
/// sent may be anything at any length: it is cut where it is stored and never
/// fails a click.
///
/// ```
/// # use referral_core::Visit;
/// # use referral_core::visit::{FetchMetadata, Method};
/// # let headers = std::collections::HashMap::from([("user-agent", "Mozilla/5.0")]);
/// let header = |name: &str| headers.get(name).copied();
/// let mut visit = Visit::new(Method::from_name("GET"), "/r/k7m2xq9vtb?utm_source=mail")
///     .with_fetch(FetchMetadata::read(header));
/// visit.agent = header("user-agent").map(str::to_owned);
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Visit {
    /// What the visitor's token says, once it was verified. Anything else, such as
    /// an id from the query or the body, must not get in here.
    pub token: Option<Token>,
    /// Who is signed in.
    pub user: Option<UserId>,
    /// When the account of that user was made, where the host knows it: an account
    /// older than the touch was not referred by it.
    pub user_since: Option<Timestamp>,
    /// The host's own name for this request, where the host may send it twice: what it records is then recorded once.
    pub request: Option<RequestId>,
    /// The method of the request.
    pub method: Method,
    /// The scheme of the request, as received. Trusted for nothing: what the site is
    /// called is configuration.
    pub scheme: Option<String>,
    /// The host that was asked for, as received. Trusted for nothing.
    pub host: Option<String>,
    /// Path and query, as received.
    pub url: String,
    /// The visitor's address, see [`ClientAddress`](super::ClientAddress).
    pub address: Option<IpAddr>,
    /// The `User-Agent` header.
    pub agent: Option<String>,
    /// The `Referer` header.
    pub referrer: Option<String>,
    /// What the browser says about the reason of the request.
    pub fetch: FetchMetadata,
}

impl Visit {
    /// A request of this method for this path and query, and nothing else known.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), ..Self::default() }
    }

    /// With what the visitor's token says, once it was verified.
    #[must_use]
    pub const fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// With the user who is signed in.
    #[must_use]
    pub fn with_user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// With the time at which the user's account was made.
    #[must_use]
    pub const fn with_user_since(mut self, since: Timestamp) -> Self {
        self.user_since = Some(since);
        self
    }

    /// With the host's own name for this request: made again, the same verb with the same name gets the first answer
    /// and counts once. What a handler records under one name is one thing; two actions need two names.
    #[must_use]
    pub fn with_request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// With the scheme and the host of the request, as received.
    #[must_use]
    pub fn with_origin(mut self, scheme: impl Into<String>, host: impl Into<String>) -> Self {
        self.scheme = Some(scheme.into());
        self.host = Some(host.into());
        self
    }

    /// With the visitor's address.
    #[must_use]
    pub const fn with_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// With the `User-Agent` header.
    #[must_use]
    pub fn with_agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    /// With the `Referer` header.
    #[must_use]
    pub fn with_referrer(mut self, referrer: impl Into<String>) -> Self {
        self.referrer = Some(referrer.into());
        self
    }

    /// With what the browser says about the reason of the request.
    #[must_use]
    pub fn with_fetch(mut self, fetch: FetchMetadata) -> Self {
        self.fetch = fetch;
        self
    }

    /// Which visitor it is, if the browser carries a token.
    pub fn visitor(&self) -> Option<VisitorId> {
        self.token.map(|token| token.visitor)
    }
}

impl fmt::Debug for Visit {
    /// Without anything that tells who it was: no user, address, agent or referrer. Of
    /// the URL only the first segment of the path, because the keys of invitations
    /// stand in the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        let first = path.split('/').find(|segment| !segment.is_empty()).unwrap_or_default();
        f.debug_struct("Visit")
            .field("method", &self.method)
            .field("path", &format_args!("/{first}/…"))
            .field("token", &self.token.is_some())
            .field("user", &self.user.is_some())
            .field("fetch", &self.fetch)
            .finish_non_exhaustive()
    }
}

/// The method of a request, as far as it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Method {
    /// `GET`
    #[default]
    Get,
    /// `HEAD`
    Head,
    /// `OPTIONS`
    Options,
    /// `POST`
    Post,
    /// Any other.
    Other,
}

impl Method {
    /// The method of this name. Names are case-sensitive (RFC 9110, section 9.1).
    pub fn from_name(name: &str) -> Self {
        match name {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "OPTIONS" => Self::Options,
            "POST" => Self::Post,
            _ => Self::Other,
        }
    }
}
