//! Where a visitor may be sent: one checker for stored and run-time destinations.
//!
//! A redirector on the host's domain that leads anywhere helps phishing. So every
//! destination has to pass a [`RedirectPolicy`], whether an owner stored it or a
//! visitor brought it along as `?redirect_to=`. The result is a [`SafeDestination`],
//! and only its [`location`](SafeDestination::location) goes into a header. That is
//! the checked text itself, percent-encoded, and is never assembled from parsed parts.
//! For example, a parser may normalise `/.//evil.example`, and if its path were sent,
//! the visitor would end up at `evil.example`. So the check and the output are one unit.

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
