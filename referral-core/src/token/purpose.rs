//! What a key is used for.

/// What a signature or a keyed hash is for. Each purpose has a key of its own, which
/// is derived from the secrets of the ring. So what was made for one purpose proves
/// nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Purpose {
    /// The token in a visitor's cookie. The audience is the cookie's name and the tenant.
    Visitor,
    /// A short-lived token that travels with the visitor: in OAuth state, an
    /// e-mail link or an app. The audience names the place.
    Portable,
    /// The keys of invitations.
    Invitation,
    /// The hash of an address that an invitation is bound to.
    InvitedAddress,
    /// The hash of a client address, see [`AddressStorage`](crate::visit::AddressStorage).
    ClientAddress,
    /// The cursors of pages.
    Cursor,
    /// The fields of forms that must come back as they were.
    Form,
}

impl Purpose {
    /// Every purpose there is.
    pub const ALL: &'static [Self] = &[
        Self::Visitor,
        Self::Portable,
        Self::Invitation,
        Self::InvitedAddress,
        Self::ClientAddress,
        Self::Cursor,
        Self::Form,
    ];

    /// The name that goes into keys and signatures. Never changes: a new name would
    /// make every existing token and hash of that purpose worthless.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Portable => "portable",
            Self::Invitation => "invitation",
            Self::InvitedAddress => "invited-address",
            Self::ClientAddress => "client-address",
            Self::Cursor => "cursor",
            Self::Form => "form",
        }
    }
}
