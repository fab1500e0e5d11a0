//! Hooks, which are told what happened.

use std::error::Error as StdError;

use async_trait::async_trait;

use crate::link::Link;
use crate::referrals::error::Error;
use crate::visit::Response;

/// The error of a hook, which may be of any type.
pub type HookError = Box<dyn StdError + Send + Sync>;

/// Is told what happened, after the commit, once for each record that a call changed, in order.
///
/// A hook that fails is reported to the observer and undoes nothing. If the program crashes between the commit and the
/// hook, the hook is not called. So use it only for what may be lost.
///
/// ```
/// use referral_core::{Hook, HookError, Link, Response, async_trait};
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
    /// A link was made. It is not called for a link that `get_or_create` found.
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

    /// A response of a visitor was claimed for a user (`response.user`). It is called once for each response.
    async fn user_linked_to_response(&self, response: &Response, link: &Link) -> Result<(), HookError> {
        Ok(())
    }
}

/// A failure that no caller is told of, because a visitor or a committed change must not suffer from it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure<'a> {
    /// A hook failed.
    Hook {
        /// The method that failed.
        event: &'static str,
        /// The error that it gave.
        error: &'a (dyn StdError + 'static),
    },
    /// A visitor was redirected without attribution because something failed.
    Landing {
        /// What went wrong.
        error: &'a Error,
    },
}
