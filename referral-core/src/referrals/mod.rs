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

pub use builder::Builder;
pub use effects::Effects;
pub(crate) use effects::Event;
pub use error::{BuildError, Error};
pub use guard::{Guard, Verdict};
pub use handle::Referrals;
pub use hook::{Failure, Hook, HookError};
pub use scope::Scope;
