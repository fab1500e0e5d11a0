//! What a web framework tells about one request, and what is made of it.
//!
//! A [`Visit`] is a plain struct that any framework can fill. A [`Classifier`] says
//! what it is worth: a person's visit is credited, a preview bot's is recorded and
//! not counted, a prefetch leaves no trace. [`ClientAddress`] finds the visitor's
//! address behind proxies, and [`AddressStorage`] decides what of it is kept, by
//! default nothing.

mod address;
mod bots;
mod classify;
mod fetch;
mod storage;
#[expect(clippy::module_inception, reason = "the module is about visits, and this is the struct")]
mod visit;

pub use address::{ClientAddress, Header, TrustedProxies};
pub use classify::{Class, Classifier, DefaultClassifier};
pub use fetch::FetchMetadata;
pub use storage::AddressStorage;
pub use visit::{Method, Visit};

#[cfg(test)]
mod tests;
