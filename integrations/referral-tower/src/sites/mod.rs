//! Several sites behind one layer: which of them a request is for.
//!
//! A [`Site`](referral_core::Site) is a customer of the host's with a public URL, a route and a cookie of its own. The
//! handle that the layer is built with works for the default site. [`Sites`] finds the others:
//!
//! ```
//! use referral_core::memory::MemoryStore;
//! use referral_core::{KeyRing, Referrals, Site, Tenant};
//! use referral_tower::{NoUsers, PathSites, ReferralLayer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let referrals = Referrals::builder(MemoryStore::new(), KeyRing::generate()?, "https://shop.example").build()?;
//! let acme = Site::new("https://shop.example/acme")?
//!     .with_tenant(Tenant::new("acme")?)
//!     .with_cookie_name("referral-acme")?;
//! let layer = ReferralLayer::builder(referrals, NoUsers).with_sites(PathSites::new([acme])).build()?;
//! // `/acme/r/CODE` follows a link of Acme's, `/r/CODE` one of the default site.
//! # Ok(()) }
//! ```
//!
//! | | The request is for |
//! | --- | --- |
//! | [`PathSites`] | the site whose public URL has the longest path that the request is below |
//! | [`HostSites`] | the site whose public URL has the request's host; of several on one host, as with paths |
//! | a [`Sites`] of the host's own | whatever it says |
//!
//! A request that is for none of them is for the default site.
//!
//! # What a site has of its own
//!
//! Everything that the layer and the routes do for a request, they do for its site: tenant, links, public URL, route,
//! fallback, redirects, cookie, and the origin that requests which change something have to come from.
//! [`Visitor::referrals`](crate::Visitor::referrals) is the handle for that site. A visitor's token is bound to the
//! tenant and to the name of the cookie, so it is worthless at every site of another tenant. The cookies of other sites
//! are neither read nor cleared. Two sites of one tenant with one cookie name share their visitors.
//!
//! Authenticator, pages, parameters, the sign-in page and the mode of the cookie belong to the layer and are the same
//! for all sites.
//!
//! # Why the `Host` header is not enough
//!
//! Whoever sends a request writes its `Host` header. It is trusted for one thing only: to choose among the sites that
//! the host has listed. No URL, redirect or cookie is ever made from it. A proxy in front has to pass it on.

mod host;
mod path;
mod resolve;

pub use host::HostSites;
pub use path::PathSites;
pub(crate) use path::is_below;
pub use resolve::{Sites, path_of};
