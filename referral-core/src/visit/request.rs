//! Requests: what a host may ask for twice, and wants done once.

use super::response::ResponseId;
use crate::value::column::{columns, id_field, named};
use crate::value::id::id;
use crate::value::{RequestId, Tenant, Timestamp, Version};

id! {
    /// The id of a [`Request`].
    RequestRecordId
}
id_field!(RequestRecordId);

/// A request of the host's that was done. A second try of the same verb with the same request id finds it, and gets the
/// first answer.
///
/// Unique key: verb and request. It is written in the same changeset as the response that it names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Its id.
    pub id: RequestRecordId,
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// How often it was written.
    pub version: Version,
    /// When it was done.
    pub created_at: Timestamp,
    /// The verb that was called.
    pub verb: Verb,
    /// The host's own name for the request.
    pub request: RequestId,
    /// The response that was recorded.
    pub response: ResponseId,
}

columns! {
    Request {
        id: RequestRecordId,
        tenant: Tenant,
        version: Version,
        created_at: Timestamp,
        verb: Verb,
        request: RequestId,
        response: ResponseId,
    }
}

/// A verb that takes a request id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Verb {
    /// [`Referrals::record`](crate::Referrals::record).
    Record,
    /// [`Referrals::respond`](crate::Referrals::respond).
    Respond,
    /// [`Referrals::enter_code`](crate::Referrals::enter_code).
    EnterCode,
    /// [`Referrals::identify`](crate::Referrals::identify), which names each of its claims by itself: of two equal claims at
    /// once, the record tells which one was applied.
    Identify,
}

named!(Verb { Record = "record", Respond = "respond", EnterCode = "enter_code", Identify = "identify" });
