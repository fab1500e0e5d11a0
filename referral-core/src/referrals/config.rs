//! Everything about a handle that does not change.

use std::sync::Arc;

use super::guard::Guard;
use super::hook::{Failure, Hook};
use crate::link::LinkSettings;
use crate::source::{Clock, IdSource};
use crate::token::KeyRing;
use crate::visit::VisitSettings;

pub(crate) type Observer = Box<dyn Fn(&Failure<'_>) + Send + Sync>;

/// Everything about a handle that does not change, whatever the site.
pub(crate) struct Config {
    pub(crate) keys: KeyRing,
    pub(crate) links: LinkSettings,
    pub(crate) visits: VisitSettings,
    pub(crate) hooks: Vec<Box<dyn Hook>>,
    pub(crate) guards: Vec<Box<dyn Guard>>,
    pub(crate) observer: Option<Observer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
}
