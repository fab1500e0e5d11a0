//! Guards, which are asked first.

use async_trait::async_trait;

use crate::link::{Link, LinkDraft};
use crate::value::{UserId, VisitorId};
use crate::visit::Response;

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
