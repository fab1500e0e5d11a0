//! The one list of everything that is stored: kinds of records, unique keys, indexes, and families of numbers.
//!
//! Tables, statements, documents and key-value entries derive from it. One more kind of record is its file, a line in
//! each list it appears in, and one `.sql` for each dialect. Every number here is part of stored keys: it is never
//! used again for something else.

mod family;
mod index;
mod kind;
mod unique;

pub use index::Part;

use crate::link::{Alias, AliasId, Link, LinkId};
use crate::visit::{Response, ResponseId};

kind::kinds! {
    Link(LinkId) = 1 "link";
    Alias(AliasId) = 2 "alias";
    Response(ResponseId) = 3 "response";
}

unique::uniques! {
    /// Two equal get-or-create calls give one link.
    LinkNatural = 1 "link_natural": Link ["natural"];
    /// A code leads to one link.
    AliasCode = 2 "alias_code": Alias ["code"];
    /// Two codes that look alike lead to one link.
    AliasFolded = 3 "alias_folded": Alias ["folded"];
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
    /// What came through a link.
    ResponsesOfLink = 5 "response_link": Response [Is("link")] by "created_at";
    /// What came through the links of an owner.
    ResponsesOfOwner = 6 "response_owner": Response [Is("owner")] by "created_at";
    /// What a user did.
    ResponsesOfUser = 7 "response_user": Response [Is("user")] by "created_at";
    /// What a visitor did that no user has claimed.
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
    /// Flagged responses. Parts: link, action.
    Flagged = 4 tallied;
    /// Flagged responses of an hour. Parts and bucket as [`Family::ResponsesByHour`].
    FlaggedByHour = 5 tallied;
}

#[cfg(test)]
mod tests;
