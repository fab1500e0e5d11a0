//! A site with everything that its requests need.

use http::HeaderMap;
use referral_core::Referrals;

use crate::cookie::{CookieMode, VisitorCookie};
use crate::error::LayerError;
use crate::same_origin;
use crate::sites::is_below;

/// A site with everything that its requests need: made once for each site that is known when the layer is built.
pub(crate) struct ServedSite {
    referrals: Referrals,
    cookie: VisitorCookie,
    /// The origin of the public URL, as browsers write it.
    origin: String,
}

impl ServedSite {
    /// The site that a handle works for.
    pub(crate) fn new(referrals: Referrals, mode: CookieMode) -> Result<Self, LayerError> {
        let cookie = VisitorCookie::new(&referrals, mode)?;
        let origin = referrals.public_url().origin().ascii_serialization();
        Ok(Self { referrals, cookie, origin })
    }

    pub(crate) const fn referrals(&self) -> &Referrals {
        &self.referrals
    }

    pub(crate) const fn cookie(&self) -> &VisitorCookie {
        &self.cookie
    }

    /// The path of the public URL, without a slash at its end: where the site lives on its host. Mostly empty.
    pub(crate) fn base(&self) -> &str {
        self.referrals.public_url().path().trim_end_matches('/')
    }

    /// The path of the links page on the host: `/r`.
    pub(crate) fn links_path(&self) -> String {
        format!("{}{}", self.base(), self.referrals.route())
    }

    /// Whether a path is one of the routes of this site. It may lack the path of the public URL where a proxy in front
    /// took that away.
    pub(crate) fn has_route(&self, path: &str) -> bool {
        is_below(path, self.referrals.route()) || is_below(path, &self.links_path())
    }

    pub(crate) fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        same_origin::is_same_origin(headers, &self.origin)
    }

    /// Refuses two sites whose tokens would overwrite each other in one browser. Sites of one tenant share the token.
    pub(crate) fn check_beside(&self, other: &Self) -> Result<(), LayerError> {
        let one_tenant = self.referrals.tenant() == other.referrals.tenant();
        if one_tenant || !self.cookie.is_shared_with(&other.cookie) {
            return Ok(());
        }
        Err(LayerError::SharedCookie {
            name: self.cookie.name().to_owned(),
            first: self.referrals.public_url().to_string(),
            second: other.referrals.public_url().to_string(),
        })
    }
}
