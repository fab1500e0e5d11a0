//! How a layer is set up.

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use referral_core::Referrals;
use referral_core::redirect::{RedirectError, SafeDestination};
use referral_core::visit::ClientAddress;

use super::{Inner, ReferralLayer};
use crate::auth::Authenticator;
use crate::cookie::{CookieMode, VisitorCookie};
use crate::pages::{DefaultPages, Pages};

/// The host's own function for the address of a visitor.
pub type AddressSource = Box<dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync>;

/// What happens to a parameter whose value is no code of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UnknownCode {
    /// The request passes untouched: the parameter may be the host's. So it is with `ref`.
    Pass,
    /// The parameter is taken out all the same. So it is with `affiliate_id`.
    Strip,
}

/// What a code that leads nowhere, and for which nothing better is known, answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum DeadCodes {
    /// 302 to the fallback that the facade was built with.
    #[default]
    Fallback,
    /// 404 with [`Pages::dead_link`].
    NotFound,
}

pub(crate) enum Addresses {
    Client(ClientAddress),
    Host(AddressSource),
}

/// Everything about a layer that does not change and needs no facade.
pub(crate) struct Settings {
    pub(crate) parameters: Vec<(String, UnknownCode)>,
    pub(crate) dead_codes: DeadCodes,
    pub(crate) addresses: Addresses,
    pub(crate) pages: Box<dyn Pages>,
    pub(crate) sign_in: SafeDestination,
    pub(crate) body_limit: usize,
}

/// Collects what a host wants to be otherwise than by default. Only [`build`](Self::build) can fail.
#[must_use]
pub struct ReferralLayerBuilder {
    referrals: Referrals,
    authenticator: Box<dyn Authenticator>,
    cookie: CookieMode,
    cookie_name: String,
    parameters: Vec<(String, UnknownCode)>,
    dead_codes: DeadCodes,
    addresses: Addresses,
    pages: Box<dyn Pages>,
    sign_in: String,
    body_limit: usize,
}

impl ReferralLayerBuilder {
    pub(super) fn new(referrals: Referrals, authenticator: Box<dyn Authenticator>) -> Self {
        Self {
            referrals,
            authenticator,
            cookie: CookieMode::default(),
            cookie_name: "referral".into(),
            parameters: vec![("ref".into(), UnknownCode::Pass), ("affiliate_id".into(), UnknownCode::Strip)],
            dead_codes: DeadCodes::default(),
            addresses: Addresses::Client(ClientAddress::default()),
            pages: Box::new(DefaultPages),
            sign_in: "/login".into(),
            body_limit: 16 * 1024,
        }
    }

    /// How the cookie is bound to the site. Default: [`CookieMode::Host`].
    pub fn with_cookie(mut self, mode: CookieMode) -> Self {
        self.cookie = mode;
        self
    }

    /// What the cookie is called after its prefix. Default: `referral`. Another name makes all tokens worthless
    /// that were given out under this one.
    pub fn with_cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// Which query parameters hold codes, on any page. Default: `ref`, unknown ones passing, and `affiliate_id`,
    /// unknown ones stripped. Names are compared exactly, after percent-decoding.
    pub fn with_parameters<T: Into<String>>(
        mut self,
        parameters: impl IntoIterator<Item = (T, UnknownCode)>,
    ) -> Self {
        self.parameters = parameters.into_iter().map(|(name, unknown)| (name.into(), unknown)).collect();
        self
    }

    /// What dead codes answer. Default: a redirect to the fallback.
    pub const fn with_dead_codes(mut self, dead_codes: DeadCodes) -> Self {
        self.dead_codes = dead_codes;
        self
    }

    /// How to find a visitor's address behind proxies. Default: whoever is connected. Who that is must stand in the
    /// request's extensions: axum's `ConnectInfo<SocketAddr>`, or a [`Peer`](crate::Peer).
    pub fn with_client_address(mut self, address: ClientAddress) -> Self {
        self.addresses = Addresses::Client(address);
        self
    }

    /// The host's own function for a visitor's address, instead.
    pub fn with_address_source(
        mut self,
        source: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.addresses = Addresses::Host(Box::new(source));
        self
    }

    /// Replaces pages. Default: plain ones, without a script.
    pub fn with_pages(mut self, pages: impl Pages) -> Self {
        self.pages = Box::new(pages);
        self
    }

    /// Where a person without a session is sent to; `?next=` is added with where to return to. Default: `/login`.
    pub fn with_sign_in(mut self, path: impl Into<String>) -> Self {
        self.sign_in = path.into();
        self
    }

    /// The most bytes of a form or a JSON document. Default: 16 KiB.
    pub const fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The layer.
    ///
    /// # Errors
    /// [`LayerError`]; also where the cookie would not be safe with the public URL.
    pub fn build(self) -> Result<ReferralLayer, LayerError> {
        let cookie = VisitorCookie::new(&self.referrals, self.cookie, &self.cookie_name)?;
        let route = self.referrals.route();
        // In a route of axum these would be more than text.
        if route.is_empty() || route.contains(['{', '}', '*', ':', '?', '#', '%']) {
            return Err(LayerError::Route { route: route.to_owned() });
        }
        if let Some((name, _)) = self.parameters.iter().find(|(name, _)| name.is_empty()) {
            return Err(LayerError::Parameter { name: name.clone() });
        }
        let sign_in = self
            .referrals
            .redirects()
            .check(&self.sign_in)
            .map_err(|source| LayerError::SignIn { path: self.sign_in, source })?;
        let settings = Settings {
            parameters: self.parameters,
            dead_codes: self.dead_codes,
            addresses: self.addresses,
            pages: self.pages,
            sign_in,
            body_limit: self.body_limit,
        };
        let origin = self.referrals.public_url().origin().ascii_serialization();
        let inner =
            Inner { referrals: self.referrals, authenticator: self.authenticator, cookie, origin, settings };
        Ok(ReferralLayer(Arc::new(inner)))
    }
}

/// Why [`ReferralLayerBuilder::build`] made nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// An insecure cookie on a site that is not `http`.
    #[error("an insecure cookie is for development on plain http only, not for {url}")]
    InsecureCookie {
        /// The public URL.
        url: String,
    },
    /// A cookie's domain that the public URL's host is not in.
    #[error("{host:?} is not in the domain {domain:?}, so browsers would refuse the cookie")]
    CookieDomain {
        /// The domain that was given.
        domain: String,
        /// The host of the public URL.
        host: String,
    },
    /// No name for a cookie ([RFC 6265, 4.1.1](https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1)), or one that
    /// brings its own prefix.
    #[error("{name:?} is no name for the visitor's cookie")]
    CookieName {
        /// What was given.
        name: String,
    },
    /// A route that is the root of the site, or not plain text.
    #[error("links cannot live under {route:?}")]
    Route {
        /// The route of the facade.
        route: String,
    },
    /// A parameter without a name.
    #[error("{name:?} is no name of a parameter")]
    Parameter {
        /// What was given.
        name: String,
    },
    /// The redirect policy denies the sign-in page.
    #[error("{path:?} is no place to sign in at")]
    SignIn {
        /// What was given.
        path: String,
        /// Why not.
        source: RedirectError,
    },
}
