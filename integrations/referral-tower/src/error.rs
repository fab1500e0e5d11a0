//! Why a layer cannot be built.

use referral_core::redirect::RedirectError;

/// Why [`ReferralLayerBuilder::build`](crate::ReferralLayerBuilder::build) made nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The cookie would be insecure although the site is not `http`.
    #[error("an insecure cookie is for development on plain http only, not for {url}")]
    InsecureCookie {
        /// The public URL.
        url: String,
    },
    /// The host of the public URL is not in the cookie's domain.
    #[error("{host:?} is not in the domain {domain:?}, so browsers would refuse the cookie")]
    CookieDomain {
        /// The domain that was given.
        domain: String,
        /// The host of the public URL.
        host: String,
    },
    /// Two sites of different tenants have one cookie between them: browsers send it to both.
    #[error(
        "{first} and {second} would overwrite each other's cookie {name:?}; give one of them another name"
    )]
    SharedCookie {
        /// The name of the cookie, with its prefix.
        name: String,
        /// The public URL of one site.
        first: String,
        /// The public URL of the other one.
        second: String,
    },
    /// A request for a URL of one site is taken for a request of another one, so the site's links would not work.
    #[error("a request for {url} would reach another site")]
    UnreachableSite {
        /// The URL.
        url: String,
    },
    /// The route is the root of the site, or it is not plain text.
    #[error("links cannot live under {route:?}")]
    Route {
        /// The route of the site.
        route: String,
    },
    /// A parameter has no name.
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
