//! The one list of everything that is stored: kinds of records, unique keys, indexes, and families of numbers.
//!
//! Tables, statements, documents and key-value entries derive from it. One more kind of record costs its file, a line in
//! each list that it appears in, and one `.sql` file for each dialect. Every number here is part of stored keys, and is
//! never used again for something else.

mod family;
mod index;
mod kind;
mod unique;

pub use index::Part;

use crate::link::{Alias, AliasId, Link, LinkId};
use crate::visit::{Request, RequestRecordId, Response, ResponseId};

kind::kinds! {
    Link(LinkId) = 1 "link";
    Alias(AliasId) = 2 "alias";
    Response(ResponseId) = 3 "response";
    Request(RequestRecordId) = 4 "request";
}

unique::uniques! {
    /// Makes two equal get-or-create calls give one link.
    LinkNatural = 1 "link_natural": Link ["natural"];
    /// Makes a code lead to one link.
    AliasCode = 2 "alias_code": Alias ["code"];
    /// Makes two codes that look alike lead to one link.
    AliasFolded = 3 "alias_folded": Alias ["folded"];
    /// Makes a verb be done once for each request of the host's.
    RequestOfVerb = 4 "request_verb": Request ["verb", "request"];
}

index::indexes! {
    /// The links of an owner.
    LinksOfOwner = 1 "link_owner": Link [Is("owner")] by "created_at";
    /// The links of an owner to an object of the host's.
    LinksOfTarget = 2 "link_target": Link [Is("owner"), Is("target_kind"), Is("target_id")] by "created_at";
    /// All links of a tenant.
    Links = 3 "link_created": Link [] by "created_at";
    /// The codes of a link.
    AliasesOfLink = 4 "alias_link": Alias [Is("link")] by "created_at";
    /// The responses that came through a link.
    ResponsesOfLink = 5 "response_link": Response [Is("link")] by "created_at";
    /// The responses that came through the links of an owner.
    ResponsesOfOwner = 6 "response_owner": Response [Is("owner")] by "created_at";
    /// The responses of a user.
    ResponsesOfUser = 7 "response_user": Response [Is("user")] by "created_at";
    /// The responses of a visitor that no user has claimed.
    ResponsesUnclaimed = 8 "response_unclaimed": Response [Is("visitor"), Null("user")] by "created_at";
    /// All responses of a tenant.
    Responses = 9 "response_created": Response [] by "created_at";
}

family::families! {
    /// How often a link with a limit was used. Parts: link.
    LinkUses = 1 counted;
    /// Counted responses. Parts: link, action.
    Responses = 2 tallied;
    /// Counted responses of an hour. Parts: link, action; bucket: the hour's first millisecond, UTC.
    ResponsesByHour = 3 tallied;
    /// Counted responses of a tenant's day. Parts: action; bucket: the day's first millisecond, UTC.
    ResponsesByDay = 4 tallied;
    /// Counted responses of an owner's day, where the host keeps them. Parts: owner, action; bucket: the day.
    ResponsesByOwnerDay = 5 tallied;
    /// Flagged responses. Parts: link, action.
    Flagged = 6 tallied;
    /// Flagged responses of an hour. Parts and bucket as [`Family::ResponsesByHour`].
    FlaggedByHour = 7 tallied;
    /// Flagged responses of a tenant's day. Parts and bucket as [`Family::ResponsesByDay`].
    FlaggedByDay = 8 tallied;
    /// Flagged responses of an owner's day. Parts and bucket as [`Family::ResponsesByOwnerDay`].
    FlaggedByOwnerDay = 9 tallied;
    /// Counted touches by browsers that carried no token. Parts: link, action.
    NewVisitors = 10 tallied;
    /// New visitors of an hour. Parts and bucket as [`Family::ResponsesByHour`].
    NewVisitorsByHour = 11 tallied;
    /// New visitors of a tenant's day. Parts and bucket as [`Family::ResponsesByDay`].
    NewVisitorsByDay = 12 tallied;
    /// New visitors of an owner's day. Parts and bucket as [`Family::ResponsesByOwnerDay`].
    NewVisitorsByOwnerDay = 13 tallied;
}

#[cfg(test)]
mod tests;
