//! What finds the site of a request.

use std::sync::Arc;

use http::request::Parts;
use referral_core::Site;

use crate::request;

/// Finds the site of a request. [`PathSites`](crate::PathSites) and [`HostSites`](crate::HostSites) are two that are
/// ready to use.
///
/// It is asked once for each request, before anything else, so it should read what it has in memory. Sites that come
/// and go while the program runs are possible: then [`listed`](Self::listed) names those that stay, or none.
///
/// ```
/// use std::sync::Arc;
/// use http::request::Parts;
/// use referral_core::Site;
/// use referral_tower::Sites;
///
/// /// What the host's own middleware found out.
/// #[derive(Clone)]
/// struct Customer(Arc<Site>);
///
/// struct Customers;
///
/// impl Sites for Customers {
///     fn site(&self, request: &Parts) -> Option<Arc<Site>> {
///         request.extensions.get::<Customer>().map(|customer| Arc::clone(&customer.0))
///     }
/// }
/// ```
pub trait Sites: Send + Sync + 'static {
    /// The site that a request is for, or nothing for the default site. For its path, ask [`path_of`].
    ///
    /// A site that is not [listed](Self::listed) is set up anew for each request, which costs some microseconds. If its
    /// cookie cannot work, its requests are answered with 500, and the reason is logged.
    fn site(&self, request: &Parts) -> Option<Arc<Site>>;

    /// The sites that are known when the layer is built. Their cookies are then compared, it is made sure that a
    /// request for a link of each is for that site, and [`routes`](crate::routes) follows their links. Return clones
    /// of the same `Arc`s that [`site`](Self::site) returns. Default: none.
    fn listed(&self) -> Vec<Arc<Site>> {
        Vec::new()
    }
}

/// The path of a request as the browser asked for it, also inside of a router that took a prefix away.
#[must_use]
pub fn path_of(request: &Parts) -> &str {
    request::uri(request).path()
}
