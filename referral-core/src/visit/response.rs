//! Responses: one touch or action of a visitor through a link.

use std::fmt;

use super::tags::Tags;
use crate::link::LinkId;
use crate::value::column::{columns, field, id_field, named};
use crate::value::id::id;
use crate::value::{
    Action, Address, Agent, ColumnType, LandingUrl, Referrer, Target, Tenant, Timestamp, UserId, Value,
    Version, VisitorId,
};

id! {
    /// The id of a [`Response`].
    ResponseId
}
id_field!(ResponseId);

/// One touch or action of a visitor through a link. Only a claim changes it.
///
/// It is *unclaimed* while it has a visitor and no user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// Its id.
    pub id: ResponseId,
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// How often it was written.
    pub version: Version,
    /// When it happened.
    pub created_at: Timestamp,
    /// The link that gets the credit.
    pub link: LinkId,
    /// The link's owner at that moment.
    pub owner: Option<UserId>,
    /// The browser it came from.
    pub visitor: Option<VisitorId>,
    /// The user it came from, who was known at once or claimed it later.
    pub user: Option<UserId>,
    /// When it was claimed. Absent while it is unclaimed, and also if the user was known at once.
    pub claimed_at: Option<Timestamp>,
    /// When the user's account was made, if the host said so. A touch did not bring an account that is older than itself.
    pub account_at: Option<Timestamp>,
    /// How the visitor came.
    pub via: Via,
    /// What happened.
    pub action: Action,
    /// The object of the host's that it happened to.
    pub target: Option<Target>,
    /// The page the visitor came from, as much of it as [`VisitStorage`](super::VisitStorage) keeps.
    pub referrer: Option<Referrer>,
    /// The user agent, as much of it as [`VisitStorage`](super::VisitStorage) keeps.
    pub agent: Option<Agent>,
    /// The URL landed on, as much of it as [`VisitStorage`](super::VisitStorage) keeps.
    pub landing: Option<LandingUrl>,
    /// The network address, masked or hashed, if the host keeps it.
    pub address: Option<Address>,
    /// The parameters of the URL landed on that the host keeps.
    pub tags: Option<Tags>,
    /// Why it may not count.
    pub flags: Flags,
    /// Whether it counts in the statistics.
    pub counted: bool,
}

columns! {
    Response {
        id: ResponseId,
        tenant: Tenant,
        version: Version,
        created_at: Timestamp,
        link: LinkId,
        owner: Option<UserId>,
        visitor: Option<VisitorId>,
        user: Option<UserId>,
        claimed_at: Option<Timestamp>,
        account_at: Option<Timestamp>,
        via: Via,
        action: Action,
        target: Option<Target>,
        referrer: Option<Referrer>,
        agent: Option<Agent>,
        landing: Option<LandingUrl>,
        address: Option<Address>,
        tags: Option<Tags>,
        flags: Flags,
        counted: bool,
    }
}

impl Response {
    /// Whether a claim may still give it to a user.
    #[must_use]
    pub fn is_unclaimed(&self) -> bool {
        self.visitor.is_some() && self.user.is_none()
    }
}

/// How a visitor came to a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Via {
    /// The visitor followed its URL.
    Click,
    /// The visitor typed its code.
    Code,
    /// The visitor used its code as a coupon.
    Coupon,
    /// The visitor accepted an invitation.
    Invitation,
    /// A person of the host's staff said so.
    Manual,
    /// The host's server said so, without a browser.
    Server,
}

named!(Via {
    Click = "click",
    Code = "code",
    Coupon = "coupon",
    Invitation = "invitation",
    Manual = "manual",
    Server = "server",
});

/// Why a response may not count: a set, stored as the sum of the values given here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Flags(i64);

impl Flags {
    /// No reason: it counts.
    pub const NONE: Self = Self(0);
    /// 1: a known bot.
    pub const BOT: Self = Self(1);
    /// 2: a speculative load, where the host chose to record these.
    pub const SPECULATIVE: Self = Self(2);
    /// 4: the same visitor followed the same link within the hour before.
    pub const DUPLICATE: Self = Self(4);
    /// 8: the response of the link's owner.
    pub const OWN_LINK: Self = Self(8);
    /// 16: a guard of the host's flagged it.
    pub const SUSPECT: Self = Self(16);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::BOT, "bot"),
        (Self::SPECULATIVE, "speculative"),
        (Self::DUPLICATE, "duplicate"),
        (Self::OWN_LINK, "own_link"),
        (Self::SUSPECT, "suspect"),
    ];

    /// The flags of a number that a store kept.
    #[must_use]
    pub const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// The number, for a store to keep.
    #[must_use]
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// These flags and `more`.
    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether all flags of `those` are among these.
    #[must_use]
    pub const fn contains(self, those: Self) -> bool {
        self.0 & those.0 == those.0
    }

    /// Whether there is no reason against counting.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the reasons, in order: `bot`, `speculative`, `duplicate`, `own_link`, `suspect`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

field!(Flags, ColumnType::Int, |flags| Value::Int(flags.bits()), Value::Int(bits) => Ok(Flags(bits)));
