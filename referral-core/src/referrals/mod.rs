//! The handle: what a host sets up once, and what every verb of every area needs.

mod builder;
mod commit;
mod config;
mod effects;
mod error;
mod guard;
mod handle;
mod hook;
mod notify;
mod scope;
mod site;

pub use builder::Builder;
pub use effects::Effects;
pub(crate) use effects::Event;
pub(crate) use error::Contended;
pub use error::{BuildError, Detail, Error, ErrorKind, Refused};
pub use guard::{Guard, Verdict};
pub use handle::Referrals;
pub use hook::{Failure, Hook, HookError};
pub use scope::Scope;
pub use site::Site;
