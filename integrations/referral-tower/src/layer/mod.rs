//! The layer: what is the same for all requests, and for all requests of a site.

mod builder;
mod served;
mod settings;
mod shared;

pub use builder::ReferralLayerBuilder;
pub(crate) use served::ServedSite;
pub use settings::{DeadCodes, UnknownCode};
pub use shared::ReferralLayer;
