//! Referral links with exact, explainable, exactly-once attribution, on the host's own database.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod code;
pub mod facade;
pub mod layer;
pub mod memory;
pub mod read;
pub mod record;
pub mod redirect;
pub mod source;
pub mod store;
pub mod token;
pub mod visit;

pub use async_trait::async_trait;
pub use code::{Code, CodeGenerator};
pub use facade::{Error, Hook, HookError, Referrals};
pub use record::*;
