//! What follows a commit, as data: events for the hooks, and changesets that the link cache has to forget.

use std::sync::{Arc, Mutex};

use crate::link::Link;
use crate::referrals::hook::{Hook, HookError};
use crate::store::Changeset;
use crate::visit::Response;

/// Something that happened, for the hooks.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    LinkCreated(Arc<Link>),
    LinkChanged(Arc<Link>),
    ResponseRecorded(Arc<Response>, Arc<Link>),
    UserLinked(Arc<Response>, Arc<Link>),
}

impl Event {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::LinkCreated(_) => "link_created",
            Self::LinkChanged(_) => "link_changed",
            Self::ResponseRecorded(..) => "response_recorded",
            Self::UserLinked(..) => "user_linked_to_response",
        }
    }

    pub(super) async fn tell(&self, hook: &dyn Hook) -> Result<(), HookError> {
        match self {
            Self::LinkCreated(link) => hook.link_created(link).await,
            Self::LinkChanged(link) => hook.link_changed(link).await,
            Self::ResponseRecorded(response, link) => hook.response_recorded(response, link).await,
            Self::UserLinked(response, link) => hook.user_linked_to_response(response, link).await,
        }
    }
}

/// What is still to be done once a host's transaction is committed: run hooks, and forget cached links.
///
/// Dropping it loses the hooks of that transaction.
#[must_use = "hand it to Referrals::committed once the transaction is committed"]
#[derive(Debug, Default)]
pub struct Effects {
    pub(crate) events: Vec<Event>,
    pub(crate) changesets: Vec<Changeset>,
}

impl Effects {
    /// How many events wait for the hooks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether no event waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// Where effects go: to the hooks at once, or into the scope of a host's transaction.
#[derive(Clone, Debug)]
pub(crate) enum Sink {
    Now,
    Later(Arc<Mutex<Effects>>),
}
