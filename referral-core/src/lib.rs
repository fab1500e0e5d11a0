//! Referral links with exact, explainable, exactly-once attribution, on the host's own database.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod code;
pub mod memory;
pub mod record;
pub mod redirect;
pub mod source;
pub mod store;
pub mod token;
pub mod visit;

pub use async_trait::async_trait;
pub use record::*;
pub mod layer;
pub mod read;
