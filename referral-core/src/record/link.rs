//! Links: a code, an owner and a destination.

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::column::{Column, ColumnError, ColumnType, Field, Reader, Value, columns, field, id_field, named};
use super::id::{IdError, id};
use super::{Destination, Label, Metadata, Target, Tenant, Timestamp, UserId, Version};
use crate::code::Code;

id! {
    /// The id of a [`Link`].
    LinkId
}
id_field!(LinkId);

/// A code with an owner and a destination.
///
/// Unique key: `natural`, where set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Its id.
    pub id: LinkId,
    /// Whose it is.
    pub tenant: Tenant,
    /// How often it was written.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// The code that its URL shows. Every code of a link, also this one, is an alias.
    pub code: Code,
    /// The user who gets the credit; nobody for a campaign.
    pub owner: Option<UserId>,
    /// What the owner calls it; may be empty.
    pub label: Label,
    /// Where it leads. Checked by the redirect policy when written and again when used.
    pub destination: Destination,
    /// The object of the host's that it is about.
    pub target: Option<Target>,
    /// Whether it works.
    pub status: Status,
    /// From this moment on it is dead; never, where absent.
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
    /// It does.
    Active,
    /// Switched off; can be switched on again.
    Disabled,
    /// Put away for good. Its history stays; its codes stay taken, its natural key is free again.
    Archived,
}

named!(Status { Active = "active", Disabled = "disabled", Archived = "archived" });

/// How much a link may be used. Decided by a counter, so exact under any race.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// The most counted clicks; without limit where absent.
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

/// Two links with the same natural key are the same link: SHA-256 over owner, label, destination and target,
/// each with a byte that says whether it is there and its length, so that nothing can be confused with nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NaturalKey(String);

impl NaturalKey {
    /// The natural key of these four.
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

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

field!(NaturalKey, ColumnType::Text(64), |key| Value::Text(key.0.clone().into()),
    Value::Text(text) => Ok(NaturalKey(text.into_owned())));

/// What a new link shall be. The destination is required, the rest has defaults.
///
/// ```
/// use referral_core::{LinkDraft, UserId};
///
/// let draft = LinkDraft::to("/products/7")?.with_owner(UserId::new("ada")?).with_label("Newsletter")?;
/// # Ok::<(), referral_core::TextError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LinkDraft {
    /// Where it shall lead.
    pub destination: Destination,
    /// The code that the owner chose; made by the generator where absent.
    pub code: Option<Code>,
    /// Whether only the very spelling of `code` shall lead there.
    pub case_exact: bool,
    /// Who gets the credit.
    pub owner: Option<UserId>,
    /// What the owner calls it.
    pub label: Label,
    /// The object of the host's that it is about.
    pub target: Option<Target>,
    /// From when on it is dead.
    pub expires_at: Option<Timestamp>,
    /// How much it may be used.
    pub limits: Limits,
    /// The host's own fields.
    pub metadata: Metadata,
}

impl LinkDraft {
    /// A link to a path of the site, or to a URL that the redirect policy allows.
    ///
    /// # Errors
    /// A destination over 2,048 bytes or with a NUL. The policy itself is asked when the link is made.
    pub fn to(destination: impl Into<std::borrow::Cow<'static, str>>) -> Result<Self, super::TextError> {
        Ok(Self {
            destination: Destination::new(destination)?,
            code: None,
            case_exact: false,
            owner: None,
            label: Label::default(),
            target: None,
            expires_at: None,
            limits: Limits::default(),
            metadata: Metadata::default(),
        })
    }

    /// With a code of the owner's choice instead of a generated one.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// With a code that only its exact spelling finds; `abc` and `ABC` can then be two links.
    #[must_use]
    pub fn with_exact_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self.case_exact = true;
        self
    }

    /// Credited to this user.
    #[must_use]
    pub fn with_owner(mut self, owner: UserId) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Called so by its owner.
    ///
    /// # Errors
    /// A label over 100 bytes or with a NUL.
    pub fn with_label(
        mut self,
        label: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Result<Self, super::TextError> {
        self.label = Label::new(label)?;
        Ok(self)
    }

    /// About this object of the host's.
    #[must_use]
    pub fn with_target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Dead from this moment on.
    #[must_use]
    pub fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Dead after so many counted clicks.
    #[must_use]
    pub fn with_click_limit(mut self, clicks: u32) -> Self {
        self.limits.clicks = Some(clicks);
        self
    }

    /// With fields of the host's own.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }
}
