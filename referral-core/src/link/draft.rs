//! What a new link shall be.

use std::borrow::Cow;

use super::link::{Limits, NaturalKey};
use crate::value::{Code, Destination, Label, Metadata, Target, TextError, Timestamp, UserId};

/// What a new link shall be. The destination is required, and the rest has defaults.
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
    /// The code that the owner chose. The generator makes one if it is absent.
    pub code: Option<Code>,
    /// Whether only the exact spelling of `code` shall lead there.
    pub case_exact: bool,
    /// Who gets the credit.
    pub owner: Option<UserId>,
    /// What the owner calls it.
    pub label: Label,
    /// The object of the host's that it is about.
    pub target: Option<Target>,
    /// The moment from which on it is dead.
    pub expires_at: Option<Timestamp>,
    /// How much it may be used.
    pub limits: Limits,
    /// The host's own fields.
    pub metadata: Metadata,
}

impl LinkDraft {
    /// Begins a draft that leads to a path of the site, or to a URL that the redirect policy allows.
    ///
    /// # Errors
    /// A destination that has more than 2,048 bytes or holds a NUL. The policy is asked when the link is made.
    pub fn to(destination: impl Into<Cow<'static, str>>) -> Result<Self, TextError> {
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

    /// Uses a code of the owner's choice instead of a generated one.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// Uses a code that only its exact spelling finds, so that `abc` and `ABC` can be two links.
    #[must_use]
    pub fn with_exact_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self.case_exact = true;
        self
    }

    /// Credits the link to this user.
    #[must_use]
    pub fn with_owner(mut self, owner: UserId) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Gives the link a label.
    ///
    /// # Errors
    /// A label that has more than 100 bytes or holds a NUL.
    pub fn with_label(mut self, label: impl Into<Cow<'static, str>>) -> Result<Self, TextError> {
        self.label = Label::new(label)?;
        Ok(self)
    }

    /// Makes it a link about this object of the host's.
    #[must_use]
    pub fn with_target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Makes the link dead from this moment on.
    #[must_use]
    pub fn with_expiry(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Makes the link dead after this many counted clicks.
    #[must_use]
    pub fn with_click_limit(mut self, clicks: u32) -> Self {
        self.limits.clicks = Some(clicks);
        self
    }

    /// Keeps fields of the host's own with the link.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// What two equal drafts have in common.
    pub(super) fn natural_key(&self) -> NaturalKey {
        NaturalKey::of(self.owner.as_ref(), &self.label, &self.destination, self.target.as_ref())
    }
}
