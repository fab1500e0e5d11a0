//! Hooks, which are told, and guards, which are asked.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::Referrals;
use crate::record::{Link, LinkDraft, Response, UserId, VisitorId};
use crate::store::Change;

/// Whatever a hook wants to fail with.
pub type HookError = Box<dyn Error + Send + Sync>;

/// Is told what happened, after the commit, once for each record that a call changed, in order.
///
/// A hook that fails is reported to the observer and undoes nothing. A crash between commit and hook loses the call:
/// a hook is for what may be lost.
///
/// ```
/// use referral_core::{HookError, Link, Response, async_trait, facade::Hook};
///
/// struct Welcome;
///
/// #[async_trait]
/// impl Hook for Welcome {
///     async fn user_linked_to_response(&self, response: &Response, link: &Link) -> Result<(), HookError> {
///         println!("{:?} came through {}", response.user, link.code);
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
#[allow(unused_variables)]
pub trait Hook: Send + Sync {
    /// A link was made. Not for one that `get_or_create` found.
    async fn link_created(&self, link: &Link) -> Result<(), HookError> {
        Ok(())
    }

    /// A link was edited, enabled, disabled, archived or given a code.
    async fn link_changed(&self, link: &Link) -> Result<(), HookError> {
        Ok(())
    }

    /// A response was recorded, flagged or not.
    async fn response_recorded(&self, response: &Response, link: &Link) -> Result<(), HookError> {
        Ok(())
    }

    /// A response of a visitor turned out to be this user's (`response.user`). Once for each response, ever.
    async fn user_linked_to_response(&self, response: &Response, link: &Link) -> Result<(), HookError> {
        Ok(())
    }
}

/// What a guard says.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Go on.
    Allow,
    /// Go on, but flag the response as suspect: it is kept and does not count. Elsewhere the same as `Allow`.
    Flag,
    /// Do not.
    Deny {
        /// Why, for the host's staff.
        reason: String,
    },
}

/// Is asked before the commit, and may veto.
#[async_trait]
#[allow(unused_variables)]
pub trait Guard: Send + Sync {
    /// May this link be made?
    async fn may_create(&self, draft: &LinkDraft) -> Verdict {
        Verdict::Allow
    }

    /// May this response be recorded? A veto still redirects the visitor.
    async fn may_record(&self, response: &Response, link: &Link) -> Verdict {
        Verdict::Allow
    }

    /// May this user claim what this visitor did?
    async fn may_claim(&self, visitor: VisitorId, user: &UserId) -> Verdict {
        Verdict::Allow
    }
}

/// Trouble that no caller is told of, because a visitor or a committed change must not suffer from it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trouble<'a> {
    /// A hook failed.
    Hook {
        /// Which of its methods.
        event: &'static str,
        /// With what.
        error: &'a (dyn Error + 'static),
    },
    /// A visitor was redirected without attribution because something failed.
    Landing {
        /// What failed.
        error: &'a super::Error,
    },
}

/// Something that happened, for the hooks.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    LinkCreated(Arc<Link>),
    LinkChanged(Arc<Link>),
    ResponseRecorded(Arc<Response>, Arc<Link>),
    UserLinked(Arc<Response>, Arc<Link>),
}

impl Event {
    const fn name(&self) -> &'static str {
        match self {
            Self::LinkCreated(_) => "link_created",
            Self::LinkChanged(_) => "link_changed",
            Self::ResponseRecorded(..) => "response_recorded",
            Self::UserLinked(..) => "user_linked_to_response",
        }
    }

    async fn tell(&self, hook: &dyn Hook) -> Result<(), HookError> {
        match self {
            Self::LinkCreated(link) => hook.link_created(link).await,
            Self::LinkChanged(link) => hook.link_changed(link).await,
            Self::ResponseRecorded(response, link) => hook.response_recorded(response, link).await,
            Self::UserLinked(response, link) => hook.user_linked_to_response(response, link).await,
        }
    }
}

/// What a host's transaction has still to do once it is committed: run hooks and forget cached links.
///
/// Dropping it loses the hooks of that transaction.
#[must_use = "hand it to Referrals::committed once the transaction is committed"]
#[derive(Debug, Default)]
pub struct Effects {
    pub(crate) events: Vec<Event>,
    pub(crate) changes: Vec<Change>,
}

impl Effects {
    /// How many hooks wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether none does.
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

impl Referrals {
    /// Tells the hooks, now or when the host's transaction is committed.
    pub(crate) async fn happened(&self, changes: &[Change], events: Vec<Event>) {
        match &self.sink {
            Sink::Now => self.tell(&events).await,
            Sink::Later(effects) => {
                let mut effects = effects.lock().unwrap_or_else(PoisonError::into_inner);
                effects.changes.extend_from_slice(changes);
                effects.events.extend(events);
            }
        }
    }

    async fn tell(&self, events: &[Event]) {
        for event in events {
            for hook in &self.config.hooks {
                if let Err(error) = event.tell(hook.as_ref()).await {
                    self.report(&Trouble::Hook { event: event.name(), error: error.as_ref() });
                }
            }
        }
    }

    pub(crate) fn report(&self, trouble: &Trouble<'_>) {
        if let Some(observer) = &self.config.observer {
            observer(trouble);
        }
    }

    pub(crate) async fn run(&self, effects: Effects) {
        if let Some(cache) = &self.cache {
            cache.forget(&effects.changes);
        }
        self.tell(&effects.events).await;
    }
}
