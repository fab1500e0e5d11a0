//! Links: a code, an owner and a destination.

use sha2::{Digest, Sha256};

use crate::value::column::{Field, Reader, columns, field, id_field, named};
use crate::value::id::id;
use crate::value::{
    Code, Column, ColumnError, ColumnType, Destination, KeyPart, Label, Metadata, Target, Tenant, Timestamp,
    UserId, Value, Version,
};

id! {
    /// The id of a [`Link`].
    LinkId
}
id_field!(LinkId);

impl LinkId {
    /// The id as a part of a counter's key.
    #[must_use]
    pub fn key_part(self) -> KeyPart {
        // A UUID in text has 36 bytes and no NUL.
        KeyPart::new(self.to_string()).unwrap_or(KeyPart::NONE)
    }
}

/// A code with an owner and a destination.
///
/// Unique key: `natural`, where set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// The tenant that it belongs to.
    pub tenant: Tenant,
    /// How often it was written.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// The code that its URL shows. There is an alias for every code of a link, also for this one.
    pub code: Code,
    /// The user who gets the credit; nobody for a campaign.
    pub owner: Option<UserId>,
    /// What the owner calls it. It may be empty.
    pub label: Label,
    /// Where it leads. Checked by the redirect policy when written and again when used.
    pub destination: Destination,
    /// The object of the host's that it is about.
    pub target: Option<Target>,
    /// Whether it works.
    pub status: Status,
    /// The moment from which on it is dead. Absent if it never expires.
    pub expires_at: Option<Timestamp>,
    /// How much it may be used.
    pub limits: Limits,
    /// The host's own fields.
    pub metadata: Metadata,
    /// Set by get-or-create only, so that two equal calls give one link.
    pub natural: Option<NaturalKey>,
}

columns! {
    Link {
        id: LinkId,
        tenant: Tenant,
        version: Version,
        created_at: Timestamp,
        code: Code,
        owner: Option<UserId>,
        label: Label,
        destination: Destination,
        target: Option<Target>,
        status: Status,
        expires_at: Option<Timestamp>,
        limits: Limits,
        metadata: Metadata,
        natural: Option<NaturalKey>,
    }
}

/// Whether a link works.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Status {
    /// It works.
    Active,
    /// It is switched off, and can be switched on again.
    Disabled,
    /// It is put away for good. Its history stays and its codes stay taken, but its natural key is free again.
    Archived,
}

named!(Status { Active = "active", Disabled = "disabled", Archived = "archived" });

/// How much a link may be used. A counter decides it, so it is exact under any race.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// The most counted clicks. Absent if there is no limit.
    pub clicks: Option<u32>,
}

impl Field for Limits {
    fn describe(_: &'static str, _: bool, out: &mut Vec<Column>) {
        i64::describe("click_limit", true, out);
    }

    fn write(&self, out: &mut Vec<Value>) {
        self.clicks.map(i64::from).write(out);
    }

    fn read(reader: &mut Reader) -> Result<Self, ColumnError> {
        let clicks = Option::<i64>::read(reader)?;
        let clicks = clicks.map(u32::try_from).transpose().map_err(|_| reader.wrong("out of range"))?;
        Ok(Self { clicks })
    }
}

/// What two equal links have in common: SHA-256 over owner, label, destination and target. Each is hashed with its length
/// and a byte that says whether it is there, so that an absent part differs from an empty one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NaturalKey(String);

impl NaturalKey {
    /// The natural key of these four parts.
    #[must_use]
    pub fn of(
        owner: Option<&UserId>,
        label: &Label,
        destination: &Destination,
        target: Option<&Target>,
    ) -> Self {
        let parts = [
            owner.map(UserId::as_str),
            Some(label.as_str()),
            Some(destination.as_str()),
            target.map(|t| t.kind.as_str()),
            target.map(|t| t.id.as_str()),
        ];
        let mut hash = Sha256::new();
        for part in parts {
            hash.update([u8::from(part.is_some())]);
            let bytes = part.unwrap_or_default().as_bytes();
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The key as 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

field!(NaturalKey, ColumnType::Text(64), |key| Value::Text(key.0.clone().into()),
    Value::Text(text) => Ok(NaturalKey(text.into_owned())));
