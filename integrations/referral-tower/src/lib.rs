//! Referral links for everything built on tower: a layer, and for axum the routes and an extractor.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod auth;
mod cookie;
pub mod filters;
mod layer;
pub mod pages;
pub mod problem;
mod query;
mod request;
mod same_origin;
mod visitor;

#[cfg(feature = "axum")]
mod extract;
#[cfg(feature = "axum")]
mod routes;

pub use auth::{AuthError, Authenticator, NoUsers};
pub use cookie::CookieMode;
pub use layer::{
    AddressSource, DeadCodes, LayerError, ReferralFuture, ReferralLayer, ReferralLayerBuilder,
    ReferralService, UnknownCode,
};
pub use pages::Pages;
pub use problem::Problem;
pub use referral_core;
pub use request::Peer;
#[cfg(feature = "axum")]
pub use routes::routes;
pub use visitor::{IntoAction, Visitor};
