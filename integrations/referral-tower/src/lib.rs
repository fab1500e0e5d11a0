//! Referral links for everything built on tower: a layer, and for axum the routes and an extractor.
//!
#![cfg_attr(feature = "axum", doc = "```")]
#![cfg_attr(not(feature = "axum"), doc = "```ignore")]
//! use axum::{Router, http::request::Parts, routing::post};
//! use referral_core::{KeyRing, Referrals, UserId, async_trait};
//! use referral_core::memory::MemoryStore;
//! use referral_core::visit::SignedIn;
//! use referral_tower::{AuthError, Authenticator, Problem, ReferralLayer, Visitor, routes};
//!
//! /// Tells who is signed in, which only the host knows.
//! struct Sessions;
//!
//! #[async_trait]
//! impl Authenticator for Sessions {
//!     async fn signed_in(&self, request: &Parts) -> Result<Option<SignedIn>, AuthError> {
//!         Ok(request.extensions.get::<UserId>().map(SignedIn::from))
//!     }
//! }
//!
//! async fn sign_up(visitor: Visitor, name: String) -> Result<&'static str, Problem> {
//!     let user = UserId::new(name)?; // … after the host stored the account
//!     visitor.identify(&user).await?;
//!     visitor.record("SIGNED_UP", None).await?;
//!     Ok("welcome")
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let referrals = Referrals::builder(MemoryStore::new(), KeyRing::generate()?, "https://shop.example").build()?;
//! let layer = ReferralLayer::builder(referrals, Sessions).build()?;
//! let app: Router = Router::new().route("/signup", post(sign_up)).merge(routes(&layer)).layer(layer);
//! # Ok(()) }
//! ```
//!
//! # What it promises
//!
//! - Nothing that a visitor sends makes a request fail. A cookie whose token does not verify is ignored and cleared, a
//!   code that nobody has leads to the fallback, and if the store is away, the visit goes on without attribution.
//! - Every redirect leads to the site itself or to a destination that the site's policy allows.
//! - The cookie is `__Host-`, `HttpOnly`, `Secure` and `SameSite=Lax` unless the host says otherwise. It holds a random
//!   visitor id, signed, and neither a session nor a user. `Set-Cookie` is added to the host's own.
//! - `?ref=CODE` is taken out of a URL in one hop, and every other byte of it stays.
//! - A `HEAD` request and a speculative load record nothing and set nothing.
//! - A visitor's cookie is cleared with the response to the request that used it up, after the commit, and not before.
//! - With several [sites](crate::sites), a token of one is worthless at every other, and a visit to one neither uses nor
//!   clears the cookie of another.
//!
//! # What it does not
//!
//! - It does not limit rates, and it does not hide which codes exist: codes are public.
//! - It cannot tell the scanner of a mail server from a person.
//! - It does not know who is signed in: an [`Authenticator`] that is wrong makes attributions wrong.
//!
//! # Map
//!
//! | | |
//! | --- | --- |
//! | [`ReferralLayer`] | what happens around every request |
//! | [`Authenticator`], [`CookieMode`] | what the host tells about its users and its hosts |
//! | [`sites`] | several customers of the host's, each with a public URL and a cookie of its own |
//! | [`Visitor`] | the visitor of a request, in a handler and inside the host's own transaction |
//! | [`routes()`] | following, making, listing and changing links |
//! | [`Pages`], [`filters`] | what people see |
//! | [`Problem`] | what programs see when something is wrong |
//!
//! # Features
//!
//! `axum`, on by default: the routes, the extractor, and [`Problem`] as a response. Leave it off with any other
//! framework on tower. The layer then serves every body that can be made from a `String`, and a handler finds the
//! [`Visitor`] in the request's extensions.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(feature = "axum"),
    allow(dead_code, reason = "only the routes need everything that there is")
)]

mod auth;
mod cookie;
mod error;
pub mod filters;
mod headers;
mod layer;
mod link_form;
pub mod pages;
pub mod problem;
mod query;
mod request;
mod same_origin;
mod service;
pub mod sites;
mod visitor;

#[cfg(feature = "axum")]
mod extract;
#[cfg(feature = "axum")]
mod routes;

pub use auth::{AuthError, Authenticator, NoUsers};
pub use cookie::{CookieMode, cookie_values};
pub use error::LayerError;
pub use layer::{DeadCodes, ReferralLayer, ReferralLayerBuilder, UnknownCode};
pub use pages::Pages;
pub use problem::Problem;
pub use referral_core;
pub use request::Peer;
#[cfg(feature = "axum")]
pub use routes::routes;
pub use service::{ReferralFuture, ReferralService};
pub use sites::{HostSites, PathSites, Sites};
pub use visitor::{IntoAction, Visitor};

/// Compiles and runs the example of the README, so that it cannot name what does not exist.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
