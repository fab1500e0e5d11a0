//! The layer: what happens to a request before its handler runs, and to the response afterwards.

pub(crate) mod arrive;
mod builder;
mod service;

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use referral_core::Referrals;
use tower_layer::Layer;

pub use builder::{AddressSource, DeadCodes, LayerError, ReferralLayerBuilder, UnknownCode};
pub(crate) use builder::{Addresses, Settings};
pub use service::{ReferralFuture, ReferralService};

use crate::Pages;
use crate::auth::Authenticator;
use crate::cookie::VisitorCookie;
use crate::same_origin;

/// The tower layer. Cheap to clone; [`routes`](crate::routes) are made from it too.
///
/// For every request, in this order:
///
/// 1. the visitor's token is read, the [`Authenticator`] is asked, and a [`Visit`](referral_core::visit::Visit) is
///    made of both;
/// 2. a signed-in user who carries a token is identified with it, on any `GET` or `POST` that is not speculative:
///    the visitor's responses become the user's, once, and the cookie goes after the commit;
/// 3. a `GET` with `?ref=CODE` is recorded and redirected to the same URL without the parameter, in one hop, before
///    any handler runs;
/// 4. the handler runs, with a [`Visitor`](crate::Visitor) in the request's extensions;
/// 5. what became of the token is appended to the response.
///
/// It never fails a request: whatever a visitor sends is at worst ignored, and a store that fails costs the
/// attribution and not the visit. Two of these layers around each other act as the outer one alone.
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

struct Inner {
    referrals: Referrals,
    authenticator: Box<dyn Authenticator>,
    cookie: VisitorCookie,
    /// The origin of the public URL, as browsers write it.
    origin: String,
    settings: Settings,
}

impl ReferralLayer {
    /// Begins to set up a layer over a facade, with the host's word on who is signed in.
    pub fn builder(referrals: Referrals, authenticator: impl Authenticator) -> ReferralLayerBuilder {
        ReferralLayerBuilder::new(referrals, Box::new(authenticator))
    }

    /// The facade.
    #[must_use]
    pub fn referrals(&self) -> &Referrals {
        &self.0.referrals
    }

    /// The name of the visitor's cookie, such as `__Host-referral`.
    #[must_use]
    pub fn cookie_name(&self) -> &str {
        self.0.cookie.name()
    }

    /// The pages that people see.
    #[must_use]
    pub fn pages(&self) -> &dyn Pages {
        self.0.settings.pages.as_ref()
    }

    /// Whether a request that changes something comes from the site itself: `Sec-Fetch-Site` says `same-origin`, or
    /// else `Origin` is that of the public URL. With neither header it does not come from a browser, and passes. For
    /// the host's own forms; the routes of this crate ask it themselves.
    #[must_use]
    pub fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        same_origin::is_same_origin(headers, &self.0.origin)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn cookie(&self) -> &VisitorCookie {
        &self.0.cookie
    }

    /// The path of the public URL, without a slash at its end: where the site lives on its host. Mostly empty.
    pub(crate) fn base(&self) -> &str {
        self.0.referrals.public_url().path().trim_end_matches('/')
    }

    /// The path of the links page on the host: `/r`.
    pub(crate) fn links_path(&self) -> String {
        format!("{}{}", self.base(), self.0.referrals.route())
    }
}

impl<S> Layer<S> for ReferralLayer {
    type Service = ReferralService<S>;

    fn layer(&self, inner: S) -> ReferralService<S> {
        ReferralService::new(self.clone(), inner)
    }
}

impl fmt::Debug for ReferralLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReferralLayer")
            .field("referrals", &self.0.referrals)
            .field("cookie", &self.cookie_name())
            .finish_non_exhaustive()
    }
}
