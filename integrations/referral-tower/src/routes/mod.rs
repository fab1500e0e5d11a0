//! The routes, for axum.

mod answer;
mod here;
mod input;
mod landing;
mod links;

use std::collections::BTreeSet;

use axum::Router;
use axum::routing::get;

use crate::layer::ReferralLayer;

/// The routes under the site's route, which is `/r` by default. They bring the layer with them, so they work wherever
/// they are merged. The host's session layer still has to be around them.
///
/// | Request | Answer |
/// | --- | --- |
/// | `GET /r/{code}`, also with a slash behind it | 302 to the link's destination, or to a safe `?redirect_to=` (`?next=`); a dead code leads to the fallback, or to 404 with [`DeadCodes::NotFound`](crate::DeadCodes) |
/// | `HEAD` of the same | the same, recording nothing and setting nothing |
/// | `GET /r` | the user's own links, a page of them at a time (`?after=`, `?limit=`) |
/// | `POST /r` | `redirect_to`, `label`, `target_kind`, `target_id`, `code`, as a form or JSON: the link of these, made if there is none |
/// | `PATCH /r/{id}`, `POST /r/{id}` | `label`, `redirect_to`, `expires_at` (milliseconds, RFC 3339 or a date in UTC; `null` or blank for never), `code`, `action` (`edit`, `enable`, `disable`, `archive`) or `status`; only its owner's |
///
/// With several [sites](crate::sites), they are the routes of all that are listed: `/r/{code}` and
/// `/acme/r/{code}` for `https://shop.example` and `https://shop.example/acme`. A site answers under its own route
/// only. Where the default site's own public URL has a path, nest the router there; the paths of the other sites then
/// have to be below it. Sites that are not listed are nested by the host: `.nest("/{customer}", routes(&layer))`.
///
/// Whoever accepts `text/html` gets pages, and after a form 303 to `return_to`; everybody else gets JSON and
/// [problems](crate::Problem). Requests that change something have to come
/// [from the site itself](ReferralLayer::is_same_origin).
///
/// ```
/// # use axum::{Router, routing::get};
/// # use referral_core::{KeyRing, Referrals};
/// # use referral_core::memory::MemoryStore;
/// # use referral_tower::{NoUsers, ReferralLayer, Visitor};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let referrals = Referrals::builder(MemoryStore::new(), KeyRing::generate()?, "https://shop.example").build()?;
/// let layer = ReferralLayer::builder(referrals, NoUsers).build()?;
/// let app: Router = Router::new()
///     .route("/", get(|visitor: Visitor| async move { format!("{:?}", visitor.user()) }))
///     .merge(referral_tower::routes(&layer))
///     .layer(layer);
/// // … .layer(sessions), which the authenticator reads: what is added later is further outside.
/// # Ok(()) }
/// ```
pub fn routes<S: Clone + Send + Sync + 'static>(layer: &ReferralLayer) -> Router<S> {
    let all = || get(links::list).post(links::create);
    let one = || get(landing::land).post(links::change).patch(links::change);
    let mut router = Router::new();
    for route in paths(layer) {
        router = router
            .route(&route, all())
            .route(&format!("{route}/"), all())
            .route(&format!("{route}/{{code}}"), one())
            .route(&format!("{route}/{{code}}/"), one());
    }
    router.route_layer(layer.clone())
}

/// The routes of all known sites, each once, as they are below the path of the default site's public URL: that is where
/// the router is mounted.
fn paths(layer: &ReferralLayer) -> BTreeSet<String> {
    let mut sites = layer.known();
    let Some(default) = sites.next() else { return BTreeSet::new() };
    let mut paths = BTreeSet::from([default.referrals().route().to_owned()]);
    for site in sites {
        let path = site.links_path();
        let below = path.strip_prefix(default.base()).filter(|rest| rest.starts_with('/'));
        paths.insert(below.unwrap_or(&path).to_owned());
    }
    paths
}
