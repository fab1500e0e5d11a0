//! How a layer is set up.

use std::net::IpAddr;
use std::sync::Arc;

use http::Request;
use http::header::HOST;
use http::request::Parts;
use referral_core::visit::ClientAddress;
use referral_core::{Referrals, Site};

use super::served::ServedSite;
use super::settings::{DeadCodes, Settings, UnknownCode};
use super::shared::{Inner, ReferralLayer};
use crate::auth::Authenticator;
use crate::cookie::CookieMode;
use crate::error::LayerError;
use crate::pages::{DefaultPages, Pages};
use crate::request::Addresses;
use crate::sites::Sites;

/// Collects the settings of a layer. Each has a default. Only [`build`](Self::build) can fail.
#[must_use]
pub struct ReferralLayerBuilder {
    referrals: Referrals,
    authenticator: Box<dyn Authenticator>,
    mode: CookieMode,
    sites: Option<Box<dyn Sites>>,
    parameters: Vec<(String, UnknownCode)>,
    dead_codes: DeadCodes,
    addresses: Addresses,
    pages: Box<dyn Pages>,
    sign_in: String,
    body_limit: usize,
}

impl ReferralLayerBuilder {
    fn new(referrals: Referrals, authenticator: Box<dyn Authenticator>) -> Self {
        Self {
            referrals,
            authenticator,
            mode: CookieMode::default(),
            sites: None,
            parameters: vec![("ref".into(), UnknownCode::Pass), ("affiliate_id".into(), UnknownCode::Strip)],
            dead_codes: DeadCodes::default(),
            addresses: Addresses::Client(ClientAddress::default()),
            pages: Box::new(DefaultPages),
            sign_in: "/login".into(),
            body_limit: 16 * 1024,
        }
    }

    /// How the cookie is bound to the site. Default: [`CookieMode::Host`]. The name of the cookie is chosen
    /// [with the handle](referral_core::Builder::with_cookie_name), or [with a site](referral_core::Site::with_cookie_name).
    pub fn with_cookie(mut self, mode: CookieMode) -> Self {
        self.mode = mode;
        self
    }

    /// Several sites behind this layer, and what tells which of them a request is for: see [`sites`](crate::sites).
    /// Default: only the site that the handle works for.
    pub fn with_sites(mut self, sites: impl Sites) -> Self {
        self.sites = Some(Box::new(sites));
        self
    }

    /// Which query parameters hold codes, on any page, and what happens to a code that nobody has. Default: `ref`, which
    /// then passes, and `affiliate_id`, which is then stripped. Names are compared exactly, after percent-decoding.
    pub fn with_parameters<T: Into<String>>(
        mut self,
        parameters: impl IntoIterator<Item = (T, UnknownCode)>,
    ) -> Self {
        self.parameters = parameters.into_iter().map(|(name, unknown)| (name.into(), unknown)).collect();
        self
    }

    /// What the answer to a dead code is. Default: a redirect to the site's fallback.
    pub const fn with_dead_codes(mut self, dead_codes: DeadCodes) -> Self {
        self.dead_codes = dead_codes;
        self
    }

    /// How to find a visitor's address behind proxies. Default: the address of the connection, which has to be in the
    /// request's extensions as axum's `ConnectInfo<SocketAddr>` or as a [`Peer`](crate::Peer).
    pub fn with_client_address(mut self, address: ClientAddress) -> Self {
        self.addresses = Addresses::Client(address);
        self
    }

    /// Finds a visitor's address with a function of the host's instead.
    pub fn with_address_source(
        mut self,
        source: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.addresses = Addresses::Host(Box::new(source));
        self
    }

    /// Replaces the pages that people see. Default: plain ones that need no script.
    pub fn with_pages(mut self, pages: impl Pages) -> Self {
        self.pages = Box::new(pages);
        self
    }

    /// The page where people sign in. Who has to sign in first is redirected to it, with the page to come back to in
    /// `?next=`. Default: `/login`.
    pub fn with_sign_in(mut self, path: impl Into<String>) -> Self {
        self.sign_in = path.into();
        self
    }

    /// The largest form or JSON document that is read, in bytes. Default: 16 KiB.
    pub const fn with_body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The layer with these settings.
    ///
    /// # Errors
    /// [`LayerError`] if a cookie would not be safe with its public URL, if two sites share a cookie or cannot be told
    /// apart, or if a route, a parameter or the sign-in page is not a usable one.
    pub fn build(self) -> Result<ReferralLayer, LayerError> {
        let default = ServedSite::new(self.referrals, self.mode.clone())?;
        let mut listed = Vec::new();
        for site in self.sites.as_ref().map(|sites| sites.listed()).unwrap_or_default() {
            let served = ServedSite::new(default.referrals().for_site(&site), self.mode.clone())?;
            listed.push((site, Arc::new(served)));
        }
        check_sites(&default, &listed, self.sites.as_deref())?;
        listed.sort_by_key(|(site, _)| Arc::as_ptr(site));
        if let Some((name, _)) = self.parameters.iter().find(|(name, _)| name.is_empty()) {
            return Err(LayerError::Parameter { name: name.clone() });
        }
        let sign_in = default
            .referrals()
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
        Ok(ReferralLayer::new(Inner {
            default: Arc::new(default),
            sites: self.sites,
            listed,
            authenticator: self.authenticator,
            mode: self.mode,
            settings,
        }))
    }
}

impl ReferralLayer {
    /// Begins to set up a layer for the site of a handle. The authenticator tells who is signed in.
    pub fn builder(referrals: Referrals, authenticator: impl Authenticator) -> ReferralLayerBuilder {
        ReferralLayerBuilder::new(referrals, Box::new(authenticator))
    }
}

/// Checks the routes of all sites, and that no two sites share a cookie or cannot be told apart.
fn check_sites(
    default: &ServedSite,
    listed: &[(Arc<Site>, Arc<ServedSite>)],
    sites: Option<&dyn Sites>,
) -> Result<(), LayerError> {
    check_route(default.referrals().route())?;
    for (_, served) in listed {
        check_route(served.referrals().route())?;
        check_path(&served.links_path())?;
    }
    let all = || std::iter::once(default).chain(listed.iter().map(|(_, served)| served.as_ref()));
    for (index, served) in all().enumerate() {
        for other in all().skip(index.saturating_add(1)) {
            served.check_beside(other)?;
        }
    }
    let Some(sites) = sites else { return Ok(()) };
    for (site, served) in listed {
        is_found(sites, served, Some(site))?;
    }
    // A resolver that lists nothing may go by what such a request does not hold.
    if listed.is_empty() { Ok(()) } else { is_found(sites, default, None) }
}

/// Asks the resolver for the site of two requests that are surely this site's: for its first page, and for a link.
fn is_found(sites: &dyn Sites, served: &ServedSite, site: Option<&Arc<Site>>) -> Result<(), LayerError> {
    let url = served.referrals().public_url();
    let host = url.as_str().split('/').nth(2).unwrap_or_default();
    for path in [format!("{}/", served.base()), format!("{}/code", served.links_path())] {
        let unreachable = || LayerError::UnreachableSite { url: format!("{}://{host}{path}", url.scheme()) };
        let request = Request::get(path.as_str()).header(HOST, host).body(()).map_err(|_| unreachable())?;
        let found = sites.site(&request.into_parts().0);
        let right = match (&found, site) {
            (Some(found), Some(site)) => Arc::ptr_eq(found, site),
            (None, None) => true,
            _ => false,
        };
        if !right {
            return Err(unreachable());
        }
    }
    Ok(())
}

/// In a route of axum these would be more than text.
fn check_route(route: &str) -> Result<(), LayerError> {
    if route.is_empty() || route.contains(['?', '#', '%']) {
        return Err(LayerError::Route { route: route.to_owned() });
    }
    check_path(route)
}

fn check_path(path: &str) -> Result<(), LayerError> {
    if path.contains(['{', '}', '*', ':']) {
        return Err(LayerError::Route { route: path.to_owned() });
    }
    Ok(())
}
