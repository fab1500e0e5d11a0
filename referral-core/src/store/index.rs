//! Indexes: the only ways to page over records.

use uuid::Uuid;

use super::error::StoreError;
use crate::record::{Kind, Record, Tenant, Value};

/// One way to page over the records of a kind.
///
/// A prefix names all parts; then records come in the order of (an integer column, id), in either direction. An
/// entry exists only where its parts do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Index {
    /// The links of an owner.
    LinksOfOwner = 1,
    /// The links of an owner to an object of the host's.
    LinksOfTarget = 2,
    /// The links in a state.
    LinksByStatus = 3,
    /// All links of a tenant.
    Links = 4,
    /// All links of all tenants.
    LinksEverywhere = 5,
    /// The codes of a link.
    AliasesOfLink = 6,
    /// All codes of a tenant.
    Aliases = 7,
    /// All codes of all tenants.
    AliasesEverywhere = 8,
    /// What came through a link.
    ResponsesOfLink = 9,
    /// What came through the links of an owner.
    ResponsesOfOwner = 10,
    /// What a user did.
    ResponsesOfUser = 11,
    /// What a visitor did that no user has claimed.
    ResponsesUnclaimed = 12,
    /// All responses of a tenant.
    Responses = 13,
    /// All responses of all tenants.
    ResponsesEverywhere = 14,
}

/// One part of an index's prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The column equals the prefix's value.
    Is(&'static str),
    /// The column is null; takes no value of the prefix. A column of its own in the index, because partial indexes
    /// are not to be had everywhere.
    Null(&'static str),
}

impl Part {
    /// The column.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Is(column) | Self::Null(column) => column,
        }
    }
}

/// What an index is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// The kind it pages over.
    pub kind: Kind,
    /// Its name in databases that name them.
    pub name: &'static str,
    /// Whether the tenant begins it.
    pub tenant: bool,
    /// What follows.
    pub parts: &'static [Part],
    /// The integer column that orders it, before the id.
    pub order: &'static str,
}

impl Index {
    /// Every index.
    pub const ALL: &'static [Self] = &[
        Self::LinksOfOwner,
        Self::LinksOfTarget,
        Self::LinksByStatus,
        Self::Links,
        Self::LinksEverywhere,
        Self::AliasesOfLink,
        Self::Aliases,
        Self::AliasesEverywhere,
        Self::ResponsesOfLink,
        Self::ResponsesOfOwner,
        Self::ResponsesOfUser,
        Self::ResponsesUnclaimed,
        Self::Responses,
        Self::ResponsesEverywhere,
    ];

    /// The number in stored keys.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The indexes over a kind.
    pub fn of(kind: Kind) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |index| index.shape().kind == kind)
    }

    /// What it is made of.
    #[must_use]
    pub const fn shape(self) -> Shape {
        use Kind::{Alias, Link, Response};
        use Part::{Is, Null};
        match self {
            Self::LinksOfOwner => by(Link, "link_owner", &[Is("owner")]),
            Self::LinksOfTarget => {
                by(Link, "link_target", &[Is("owner"), Is("target_kind"), Is("target_id")])
            }
            Self::LinksByStatus => by(Link, "link_status", &[Is("status")]),
            Self::Links => by(Link, "link_created", &[]),
            Self::LinksEverywhere => everywhere(Link, "link_everywhere"),
            Self::AliasesOfLink => by(Alias, "alias_link", &[Is("link")]),
            Self::Aliases => by(Alias, "alias_created", &[]),
            Self::AliasesEverywhere => everywhere(Alias, "alias_everywhere"),
            Self::ResponsesOfLink => by(Response, "response_link", &[Is("link")]),
            Self::ResponsesOfOwner => by(Response, "response_owner", &[Is("owner")]),
            Self::ResponsesOfUser => by(Response, "response_user", &[Is("user")]),
            Self::ResponsesUnclaimed => by(Response, "response_unclaimed", &[Is("visitor"), Null("user")]),
            Self::Responses => by(Response, "response_created", &[]),
            Self::ResponsesEverywhere => everywhere(Response, "response_everywhere"),
        }
    }

    /// Where in this index a record stands; `None` where it has no entry. `values` are those of
    /// [`Record::values`].
    #[must_use]
    pub fn entry(self, record: &Record, values: &[Value]) -> Option<Entry> {
        let shape = self.shape();
        if record.id().kind != shape.kind {
            return None;
        }
        let at = |column| values.get(shape.kind.position(column)?);
        let mut parts = Vec::with_capacity(shape.parts.len());
        for part in shape.parts {
            match (part, at(part.column())?) {
                (Part::Is(_), Value::Null) => return None,
                (Part::Is(_), value) => parts.push(value.clone()),
                (Part::Null(_), Value::Null) => {}
                (Part::Null(_), _) => return None,
            }
        }
        let Value::Int(order) = at(shape.order)? else { return None };
        let tenant = shape.tenant.then(|| record.tenant().clone());
        Some(Entry { prefix: Prefix { tenant, parts }, seek: Seek { at: *order, id: record.id().uuid } })
    }

    /// Whether a prefix, a range and a limit are ones that this index can answer; every store asks this first.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](super::ErrorKind::Invalid).
    pub fn check(self, prefix: &Prefix, limit: u32) -> Result<(), StoreError> {
        let shape = self.shape();
        let wanted = shape.parts.iter().filter(|part| matches!(part, Part::Is(_))).count();
        if prefix.tenant.is_some() != shape.tenant || prefix.parts.len() != wanted {
            return Err(StoreError::invalid("page", format!("the prefix does not fit {}", shape.name)));
        }
        if limit > super::MAX_PAGE {
            return Err(StoreError::invalid("page", format!("at most {} records a page", super::MAX_PAGE)));
        }
        Ok(())
    }
}

const fn by(kind: Kind, name: &'static str, parts: &'static [Part]) -> Shape {
    Shape { kind, name, tenant: true, parts, order: "created_at" }
}

const fn everywhere(kind: Kind, name: &'static str) -> Shape {
    Shape { kind, name, tenant: false, parts: &[], order: "created_at" }
}

/// A place in an index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The tenant and the parts.
    pub prefix: Prefix,
    /// The place among the entries of that prefix.
    pub seek: Seek,
}

/// Which entries of an index to read: those of these parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefix {
    /// Whose; `None` exactly for the indexes over all tenants.
    pub tenant: Option<Tenant>,
    /// A value for each [`Part::Is`] of the index.
    pub parts: Vec<Value>,
}

impl Prefix {
    /// The entries of a tenant; add the parts with [`Prefix::text`] and [`Prefix::uuid`].
    #[must_use]
    pub fn new(tenant: &Tenant) -> Self {
        Self { tenant: Some(tenant.clone()), parts: Vec::new() }
    }

    /// The entries of all tenants.
    #[must_use]
    pub const fn everywhere() -> Self {
        Self { tenant: None, parts: Vec::new() }
    }

    /// The next part is this text.
    #[must_use]
    pub fn text(mut self, part: impl AsRef<str>) -> Self {
        self.parts.push(Value::Text(part.as_ref().to_owned().into()));
        self
    }

    /// The next part is this id.
    #[must_use]
    pub fn uuid(mut self, part: Uuid) -> Self {
        self.parts.push(Value::Uuid(part));
        self
    }
}

/// A place among the entries of a prefix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Seek {
    /// The value of the ordering column.
    pub at: i64,
    /// The id of the record.
    pub id: Uuid,
}

/// Which part of a prefix's entries to read, and in which direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Range {
    /// From this value of the ordering column on.
    pub from: Option<i64>,
    /// Up to, and without, this value.
    pub until: Option<i64>,
    /// Behind this place, in the direction of reading; for the next page.
    pub after: Option<Seek>,
    /// Smallest first; else greatest first.
    pub ascending: bool,
}

impl Range {
    /// All, greatest first: the newest.
    #[must_use]
    pub const fn newest() -> Self {
        Self { from: None, until: None, after: None, ascending: false }
    }

    /// All, smallest first: the oldest.
    #[must_use]
    pub const fn oldest() -> Self {
        Self { from: None, until: None, after: None, ascending: true }
    }

    /// Whether a place lies inside.
    #[must_use]
    pub fn contains(&self, seek: Seek) -> bool {
        self.from.is_none_or(|from| seek.at >= from)
            && self.until.is_none_or(|until| seek.at < until)
            && self.after.is_none_or(|after| if self.ascending { seek > after } else { seek < after })
    }
}
