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
mod reads;
mod recording;
mod refusal;
mod request;
mod response;
mod responses;
mod settings;
mod statistics;
mod storage;
mod tags;
mod tallies;
mod touch;
#[expect(clippy::module_inception, reason = "the folder is about visits, and this is one request")]
mod visit;

pub use address::{ClientAddress, Header, TrustedProxies};
pub use classify::{Class, Classifier, DefaultClassifier};
pub use fetch::FetchMetadata;
pub use identify::{Identified, SignedIn};
pub use landing::Landing;
pub use reads::{ResponseFilter, ResponseReads};
pub use refusal::VisitRefusal;
pub use request::{Request, RequestRecordId, Verb};
pub use response::{Flags, Response, ResponseId, Via};
pub use responses::Responses;
pub(crate) use settings::VisitSettings;
pub use statistics::{Numbers, Statistics};
pub use storage::{AddressStorage, Keep, VisitStorage};
pub use tags::Tags;
pub use touch::{TokenChange, Touch, TouchOutcome};
pub use visit::{Method, Visit};

#[cfg(test)]
mod tests;
