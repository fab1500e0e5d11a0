//! What a web framework tells about one request, and what is made of it.
//!
//! A [`Visit`] is a plain struct that any framework can fill. A [`Classifier`] says
//! what it is worth: a person's visit is credited, a preview bot's is recorded and
//! not counted, a prefetch leaves no trace. [`ClientAddress`] finds the visitor's
//! address behind proxies, and [`AddressStorage`] decides what of it is kept, by
//! default nothing.

mod action;
mod address;
mod bots;
mod classify;
mod fetch;
mod identify;
mod landing;
mod numbers;
mod reads;
mod request;
mod response;
mod statistics;
mod storage;
mod touch;

pub use address::{ClientAddress, Header, TrustedProxies};
pub use classify::{Class, Classifier, DefaultClassifier};
pub use fetch::FetchMetadata;
pub use identify::{Identified, SignedIn};
pub use landing::Landing;
pub use reads::{ResponseFilter, ResponseReads};
pub use request::{Method, Visit};
pub use response::{Flags, Response, ResponseId, Via};
pub use statistics::{ActionCount, Statistics};
pub use storage::AddressStorage;
pub use touch::{DeadCode, TokenChange, Touch, TouchOutcome};

#[cfg(test)]
mod tests;
