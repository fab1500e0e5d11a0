//! Where a visitor may be sent: one checker for stored and run-time destinations.
//!
//! A redirector on the host's domain that leads anywhere is a phishing tool, so
//! every destination passes a [`RedirectPolicy`], whether an owner stored it or a
//! visitor brought it along as `?redirect_to=`. What comes out is a
//! [`SafeDestination`], the only thing whose [`location`](SafeDestination::location)
//! goes into a header: the checked text itself, percent-encoded, never put
//! together again from parsed parts. A parser that normalises `/.//evil.example`
//! and emits the path sends the visitor to `evil.example`; predicate and emitter
//! are therefore one unit.

mod host;
mod policy;
mod safe;

pub use host::HostError;
pub use policy::{RedirectError, RedirectPolicy};
pub use safe::SafeDestination;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
