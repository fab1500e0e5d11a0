//! Unique keys: what no two records may hold at once.

use crate::record::{Kind, Record, Tenant, Value};

/// One rule of uniqueness. Its columns follow the tenant; a record in which one of them is null holds no such key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Unique {
    /// `link.natural`: two equal get-or-create calls give one link.
    LinkNatural = 1,
    /// `alias.code`: a code leads to one link.
    AliasCode = 2,
    /// `alias.folded`: nor do two codes that look alike lead to two.
    AliasFolded = 3,
}

impl Unique {
    /// Every rule.
    pub const ALL: &'static [Self] = &[Self::LinkNatural, Self::AliasCode, Self::AliasFolded];

    /// The number in stored keys.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The rule of a stored number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|unique| unique.code() == code)
    }

    /// The kind whose records hold such keys.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::LinkNatural => Kind::Link,
            Self::AliasCode | Self::AliasFolded => Kind::Alias,
        }
    }

    /// The name of the constraint in databases that name them.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LinkNatural => "link_natural",
            Self::AliasCode => "alias_code",
            Self::AliasFolded => "alias_folded",
        }
    }

    /// The columns after the tenant.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::LinkNatural => &["natural"],
            Self::AliasCode => &["code"],
            Self::AliasFolded => &["folded"],
        }
    }

    /// The rules for a kind.
    pub fn of(kind: Kind) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |unique| unique.kind() == kind)
    }
}

/// One key that a record holds, or that is looked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UniqueKey {
    /// By which rule.
    pub unique: Unique,
    /// Whose.
    pub tenant: Tenant,
    /// A value for each of [`Unique::columns`], none of them null.
    pub parts: Vec<Value>,
}

impl UniqueKey {
    /// The key that a record holds by a rule, if any. `values` are those of [`Record::values`].
    #[must_use]
    pub fn held(unique: Unique, tenant: &Tenant, values: &[Value]) -> Option<Self> {
        let mut parts = Vec::with_capacity(unique.columns().len());
        for column in unique.columns() {
            match values.get(unique.kind().position(column)?)? {
                Value::Null => return None,
                value => parts.push(value.clone()),
            }
        }
        Some(Self { unique, tenant: tenant.clone(), parts })
    }

    /// Every key that a record holds.
    #[must_use]
    pub fn all_of(record: &Record) -> Vec<Self> {
        let values = record.values();
        Unique::of(record.id().kind)
            .filter_map(|unique| Self::held(unique, record.tenant(), &values))
            .collect()
    }
}
