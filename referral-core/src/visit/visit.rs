//! One request, as far as referrals are concerned.

use std::fmt;
use std::net::IpAddr;

use crate::token::Token;
use crate::value::{RequestId, Timestamp, UserId, VisitorId};
use crate::visit::fetch::FetchMetadata;

/// One request of a visitor, as far as referrals are concerned.
///
/// Fill in what the framework knows. Everything is optional. What a visitor sent may
/// be anything and of any length: it is shortened where it is stored, and never makes
/// a click fail.
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
    /// What the visitor's token says, after it was verified. Never put anything else
    /// here, such as an id from the query or the body.
    pub token: Option<Token>,
    /// Who is signed in.
    pub user: Option<UserId>,
    /// When the account of that user was made, if the host knows it. A touch did not
    /// bring an account that is older than itself.
    pub user_since: Option<Timestamp>,
    /// The host's own name for this request, if the host may make it twice. What it records is then recorded once.
    pub request: Option<RequestId>,
    /// The method of the request.
    pub method: Method,
    /// The scheme of the request, as received. Nothing trusts it, because the public URL
    /// is configuration.
    pub scheme: Option<String>,
    /// The host that was asked for, as received. Nothing trusts it.
    pub host: Option<String>,
    /// The path and the query, as received.
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
    /// Makes a request with this method, path and query, of which nothing else is known.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), ..Self::default() }
    }

    /// Adds what the visitor's token says, after it was verified.
    #[must_use]
    pub const fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Adds the user who is signed in.
    #[must_use]
    pub fn with_user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// Adds the time at which the user's account was made.
    #[must_use]
    pub const fn with_user_since(mut self, since: Timestamp) -> Self {
        self.user_since = Some(since);
        self
    }

    /// Adds the host's own name for this request. If the same verb is called again with the same name, it gets the first
    /// answer and counts once. One name stands for one thing, so two actions need two names.
    ///
    /// Give a name that only this request has, such as the number of an order, and never one that a visitor may choose. A
    /// name that is used again for something else, or for somebody else, is refused.
    #[must_use]
    pub fn with_request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// Adds the scheme and the host of the request, as received.
    #[must_use]
    pub fn with_origin(mut self, scheme: impl Into<String>, host: impl Into<String>) -> Self {
        self.scheme = Some(scheme.into());
        self.host = Some(host.into());
        self
    }

    /// Adds the visitor's address.
    #[must_use]
    pub const fn with_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Adds the `User-Agent` header.
    #[must_use]
    pub fn with_agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    /// Adds the `Referer` header.
    #[must_use]
    pub fn with_referrer(mut self, referrer: impl Into<String>) -> Self {
        self.referrer = Some(referrer.into());
        self
    }

    /// Adds what the browser says about the reason of the request.
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

/// The method of a request, as far as methods are told apart here.
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
