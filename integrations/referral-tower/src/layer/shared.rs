//! The layer itself, and how it finds the site of a request.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use referral_core::{Referrals, Site};

use super::served::ServedSite;
use super::settings::Settings;
use crate::auth::Authenticator;
use crate::cookie::CookieMode;
use crate::error::LayerError;
use crate::pages::Pages;
use crate::sites::Sites;

/// The tower layer. Cheap to clone; [`routes`](crate::routes) are made from it too.
///
/// For every request, in this order:
///
/// 1. the [site](crate::sites) of the request is found, the visitor's token is read from the site's cookie, the
///    [`Authenticator`] is asked, and both go into a [`Visit`](referral_core::visit::Visit);
/// 2. a signed-in user who carries a token is identified with it, on any `GET` or `POST` that is not speculative:
///    the visitor's responses become the user's, once, and the cookie is cleared after the commit;
/// 3. a `GET` with `?ref=CODE` is recorded and redirected to the same URL without the parameter, in one hop, before
///    any handler runs;
/// 4. the handler runs, with a [`Visitor`](crate::Visitor) in the request's extensions;
/// 5. if the token has changed, `Set-Cookie` is appended to the response.
///
/// It never fails a request because of what a visitor sends, or because the store fails: then the request goes on
/// without attribution. Two of these layers around each other act as the outer one alone.
///
/// ```
/// use referral_core::{KeyRing, Referrals};
/// use referral_core::memory::MemoryStore;
/// use referral_tower::{NoUsers, ReferralLayer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let referrals = Referrals::builder(MemoryStore::new(), KeyRing::generate()?, "https://shop.example").build()?;
/// let layer = ReferralLayer::builder(referrals, NoUsers).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ReferralLayer(Arc<Inner>);

pub(super) struct Inner {
    pub(super) default: Arc<ServedSite>,
    pub(super) sites: Option<Box<dyn Sites>>,
    /// The sites that the resolver lists, in the order of their addresses: it answers with the same `Arc`s.
    pub(super) listed: Vec<(Arc<Site>, Arc<ServedSite>)>,
    pub(super) authenticator: Box<dyn Authenticator>,
    pub(super) mode: CookieMode,
    pub(super) settings: Settings,
}

impl ReferralLayer {
    /// The handle for the default site. In a handler, [`Visitor::referrals`](crate::Visitor::referrals) is the one for
    /// the site of the request.
    #[must_use]
    pub fn referrals(&self) -> &Referrals {
        self.0.default.referrals()
    }

    /// The name of the visitor's cookie at the default site, such as `__Host-referral`.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.0.default.cookie().name()
    }

    /// The pages that people see.
    #[must_use]
    pub fn pages(&self) -> &dyn Pages {
        self.0.settings.pages.as_ref()
    }

    /// Whether a request that changes something comes from the default site itself: `Sec-Fetch-Site` says
    /// `same-origin`, and `Origin` is that of the public URL, each where it is sent. With neither header it does not
    /// come from a browser, and passes. It is meant for the host's own forms; the routes of this crate check it themselves. Where there are
    /// several sites, ask [`Visitor::is_same_origin`](crate::Visitor::is_same_origin).
    #[must_use]
    pub fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        self.0.default.is_same_origin(headers)
    }

    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn authenticator(&self) -> &dyn Authenticator {
        self.0.authenticator.as_ref()
    }

    /// Whether there are sites besides the default one.
    pub(crate) fn has_sites(&self) -> bool {
        self.0.sites.is_some()
    }

    /// The sites that are known: the default one first.
    pub(crate) fn known(&self) -> impl Iterator<Item = &ServedSite> {
        std::iter::once(&self.0.default)
            .chain(self.0.listed.iter().map(|(_, served)| served))
            .map(AsRef::as_ref)
    }

    /// The site that a request is for.
    ///
    /// # Errors
    /// What makes a site unusable that is not on the list; those that are were checked when the layer was built.
    pub(crate) fn site_of(&self, request: &Parts) -> Result<Arc<ServedSite>, LayerError> {
        let Some(site) = self.0.sites.as_ref().and_then(|sites| sites.site(request)) else {
            return Ok(Arc::clone(&self.0.default));
        };
        let at = self.0.listed.binary_search_by_key(&Arc::as_ptr(&site), |(listed, _)| Arc::as_ptr(listed));
        if let Some((_, served)) = at.ok().and_then(|at| self.0.listed.get(at)) {
            return Ok(Arc::clone(served));
        }
        let served = ServedSite::new(self.referrals().for_site(&site), self.0.mode.clone())?;
        for other in self.known() {
            served.check_beside(other)?;
        }
        Ok(Arc::new(served))
    }
}

impl fmt::Debug for ReferralLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReferralLayer")
            .field("referrals", self.referrals())
            .field("cookie", &self.cookie_name())
            .field("listed_sites", &self.0.listed.len())
            .finish_non_exhaustive()
    }
}
