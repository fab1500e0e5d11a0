//! Guards, which are asked first.

use async_trait::async_trait;

use crate::link::{Link, LinkDraft};
use crate::value::{UserId, VisitorId};
use crate::visit::Response;

/// What a guard says.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Allows it.
    Allow,
    /// Allows it, but flags the response as suspect, so that it is kept and does not count. If there is no response, this is
    /// the same as `Allow`.
    Flag,
    /// Forbids it.
    Deny {
        /// The reason, for the host's staff.
        reason: String,
    },
}

/// Is asked before the commit, and may veto.
#[async_trait]
#[allow(unused_variables)]
pub trait Guard: Send + Sync {
    /// Whether this link may be made.
    async fn may_create(&self, draft: &LinkDraft) -> Verdict {
        Verdict::Allow
    }

    /// Whether this response may be recorded. The visitor is redirected in any case.
    async fn may_record(&self, response: &Response, link: &Link) -> Verdict {
        Verdict::Allow
    }

    /// Whether this user may claim the responses of this visitor.
    async fn may_claim(&self, visitor: VisitorId, user: &UserId) -> Verdict {
        Verdict::Allow
    }
}
