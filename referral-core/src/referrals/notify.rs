//! What follows a commit: hooks, and forgetting cached links; at once, or once the host has committed.

use std::sync::PoisonError;

use crate::referrals::effects::{Effects, Event, Sink};
use crate::referrals::handle::Referrals;
use crate::referrals::hook::Failure;
use crate::store::Changeset;

impl Referrals {
    /// Tells the hooks, now or when the host's transaction is committed.
    pub(crate) async fn happened(&self, changeset: Changeset, events: Vec<Event>) {
        match &self.sink {
            Sink::Now => self.tell(&events).await,
            Sink::Later(effects) => {
                let mut effects = effects.lock().unwrap_or_else(PoisonError::into_inner);
                effects.changesets.push(changeset);
                effects.events.extend(events);
            }
        }
    }

    async fn tell(&self, events: &[Event]) {
        for event in events {
            for hook in &self.config.hooks {
                if let Err(error) = event.tell(hook.as_ref()).await {
                    self.report(&Failure::Hook { event: event.name(), error: error.as_ref() });
                }
            }
        }
    }

    /// Tells the host's observer of a failure; without one it is logged.
    pub(crate) fn report(&self, failure: &Failure<'_>) {
        if let Some(observer) = &self.config.observer {
            observer(failure);
            return;
        }
        #[cfg(feature = "tracing")]
        match failure {
            Failure::Hook { event, error } => tracing::error!(event, error = *error, "a hook failed"),
            Failure::Landing { error } => tracing::error!(
                error = *error as &(dyn std::error::Error + 'static),
                "a visitor was sent on without attribution"
            ),
        }
    }

    pub(crate) async fn run(&self, effects: Effects) {
        if let Some(cache) = &self.cache {
            effects.changesets.iter().for_each(|changeset| cache.forget(changeset.changes()));
        }
        self.tell(&effects.events).await;
    }
}
