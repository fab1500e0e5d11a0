//! Changing links.

use super::alias::Alias;
use super::alive::DeadCode;
use super::link::{Limits, Link, LinkId, NaturalKey, Status};
use super::links::Links;
use super::refusal::LinkRefusal;
use crate::catalogue::Unique;
use crate::referrals::{Contended, Error};
use crate::store::{Change, Changeset, Conflict, Outcome, Read as _, UniqueKey, Version};
use crate::value::{Code, Destination, Label, Metadata, Target, Timestamp, UserId};

/// What shall be different about a link. Everything that is not named stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct LinkEdit {
    /// Another owner, or nobody.
    pub owner: Option<Option<UserId>>,
    /// Another label.
    pub label: Option<Label>,
    /// Another destination; the policy is asked again.
    pub destination: Option<Destination>,
    /// Another object of the host's, or none.
    pub target: Option<Option<Target>>,
    /// Another end, or none.
    pub expires_at: Option<Option<Timestamp>>,
    /// Other limits.
    pub limits: Option<Limits>,
    /// Other fields of the host's, which replace all that were there.
    pub metadata: Option<Metadata>,
    /// Switched on, switched off or put away.
    pub status: Option<Status>,
    /// Another code, which its URL then shows. The earlier codes still work.
    pub code: Option<Code>,
    /// The version that whoever edits has seen. If the link has moved on since, nothing is changed.
    pub version: Option<Version>,
}

impl LinkEdit {
    /// Gives it another owner, or none. Earlier responses keep the owner of their time.
    #[must_use]
    pub fn with_owner(mut self, owner: Option<UserId>) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Another label.
    #[must_use]
    pub fn with_label(mut self, label: Label) -> Self {
        self.label = Some(label);
        self
    }

    /// Another destination.
    #[must_use]
    pub fn with_destination(mut self, destination: Destination) -> Self {
        self.destination = Some(destination);
        self
    }

    /// Another object of the host's, or none.
    #[must_use]
    pub fn with_target(mut self, target: Option<Target>) -> Self {
        self.target = Some(target);
        self
    }

    /// Another end, or none.
    #[must_use]
    pub const fn with_expiry(mut self, at: Option<Timestamp>) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Other fields of the host's.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Switched on, switched off or put away; see [`Links::enable`], [`Links::disable`] and [`Links::archive`].
    #[must_use]
    pub const fn with_status(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }

    /// Another code, which its URL then shows. The earlier codes still work.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// Only if the link is still at this version, so that an edit reverts nothing that somebody else has changed since.
    #[must_use]
    pub const fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// All but the code, which an alias stands for.
    fn apply(&self, link: &mut Link) {
        fn set<T: Clone>(field: &mut T, to: Option<&T>) {
            if let Some(to) = to {
                *field = to.clone();
            }
        }
        set(&mut link.owner, self.owner.as_ref());
        set(&mut link.label, self.label.as_ref());
        set(&mut link.destination, self.destination.as_ref());
        set(&mut link.target, self.target.as_ref());
        set(&mut link.expires_at, self.expires_at.as_ref());
        set(&mut link.limits, self.limits.as_ref());
        set(&mut link.metadata, self.metadata.as_ref());
        set(&mut link.status, self.status.as_ref());
        if link.status == Status::Archived {
            link.natural = None;
        }
        if link.natural.is_some() {
            let (owner, target) = (link.owner.as_ref(), link.target.as_ref());
            link.natural = Some(NaturalKey::of(owner, &link.label, &link.destination, target));
        }
    }
}

impl Links<'_> {
    /// Changes a link: everything that the edit names, or nothing. Two edits at once are both applied, one after the
    /// other, each to the fields that it names, unless they name the version that they have seen: then one is.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived`, `LinkRefusal::Changed` if the link is at another version than the
    /// edit names, `RedirectError`, `LinkRefusal::Loop`, `LinkRefusal::Exists` if another link is what this one would
    /// become, `CodeError`, `LinkRefusal::CodeTaken` if the code leads to another link,
    /// [`StoreError`](crate::store::StoreError).
    pub async fn edit(&self, link: LinkId, edit: LinkEdit) -> Result<Link, Error> {
        if let Some(destination) = &edit.destination {
            self.check_destination(destination.as_str())?;
        }
        let mut wanted = edit.code.clone().map(|code| Wanted::New(self.alias(link, code, false)));
        if let Some(code) = &edit.code {
            self.choose(code)?;
        }
        for _ in 0..self.referrals.config.links.attempts {
            let was = self.link_to_change(link).await?;
            if edit.version.is_some_and(|version| version != was.version) {
                return Err(LinkRefusal::Changed { version: was.version }.into());
            }
            let mut link = was.clone();
            edit.apply(&mut link);
            let mut changes = Vec::new();
            match &wanted {
                Some(Wanted::New(alias)) if alias.code != was.code => {
                    link.code = alias.code.clone();
                    changes.push(Change::Insert(alias.clone().into()));
                }
                Some(Wanted::Own(code)) => link.code = code.clone(),
                _ => {}
            }
            if link == was {
                return Ok(link);
            }
            changes.push(Self::update(&link));
            let changeset = Changeset::new(changes);
            match self.referrals.commit(&changeset).await? {
                Outcome::Applied => {
                    link.version = was.version.next();
                    self.applied(&link, changeset).await;
                    return Ok(link);
                }
                Outcome::Conflict { conflict: Conflict::Taken { key, holder }, .. } => {
                    if key.unique == Unique::LinkNatural {
                        return Err(LinkRefusal::Exists { link: LinkId::from_uuid(holder.uuid) }.into());
                    }
                    if let Some(own) = self.own_code(&link, &key).await? {
                        wanted = Some(Wanted::Own(own));
                    }
                }
                Outcome::Conflict { .. } => {}
            }
        }
        Err(Contended.into())
    }

    /// The code by which a link holds a key already, in the spelling that it has; none if nobody holds it any more.
    async fn own_code(&self, link: &Link, key: &UniqueKey) -> Result<Option<Code>, Error> {
        let held = self.referrals.uncached.find(std::slice::from_ref(key)).await?;
        let held = held.into_iter().flatten().next().and_then(|record| Alias::try_from(record).ok());
        let Some(alias) = held else { return Ok(None) };
        // Exactly this spelling, or one that nobody else may have.
        if alias.link == link.id && (key.unique == Unique::AliasFolded || alias.code == link.code) {
            return Ok(Some(alias.code));
        }
        Err(LinkRefusal::CodeTaken { code: link.code.clone() }.into())
    }

    /// Switches a link on again.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived`, [`StoreError`](crate::store::StoreError).
    pub async fn enable(&self, link: LinkId) -> Result<Link, Error> {
        self.edit(link, LinkEdit::default().with_status(Status::Active)).await
    }

    /// Switches a link off: its codes stay taken, and lead nowhere until it is enabled again. Its history stays.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived`, [`StoreError`](crate::store::StoreError).
    pub async fn disable(&self, link: LinkId) -> Result<Link, Error> {
        self.edit(link, LinkEdit::default().with_status(Status::Disabled)).await
    }

    /// Makes a link lead somewhere again, for an owner who asks for it to share it: switches it on, and takes an end away
    /// that has passed. A link that leads somewhere stays as it is.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived`, `LinkRefusal::Exhausted` if it was used as often as it may be,
    /// [`StoreError`](crate::store::StoreError).
    pub async fn revive(&self, link: &Link) -> Result<Link, Error> {
        let edit = match self.dead(link).await? {
            None => return Ok(link.clone()),
            Some(DeadCode::Exhausted) => return Err(LinkRefusal::Exhausted.into()),
            Some(_) => LinkEdit::default().with_status(Status::Active),
        };
        let over = link.expires_at.is_some_and(|end| self.referrals.now() >= end);
        self.edit(link.id, if over { edit.with_expiry(None) } else { edit }).await
    }

    /// Puts a link away for good. Its history stays and its codes stay taken, but an equal link may be made again.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived` if it is already, [`StoreError`](crate::store::StoreError).
    pub async fn archive(&self, link: LinkId) -> Result<Link, Error> {
        self.edit(link, LinkEdit::default().with_status(Status::Archived)).await
    }

    /// Gives a link another code and makes it the one that its URL shows. The earlier codes still work.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived`, `CodeError`, `LinkRefusal::CodeTaken` if the code leads to another
    /// link, [`StoreError`](crate::store::StoreError).
    pub async fn add_code(&self, link: LinkId, code: Code) -> Result<Link, Error> {
        self.edit(link, LinkEdit::default().with_code(code)).await
    }
}

/// The code that an edit asks for.
enum Wanted {
    /// It becomes the link's with this alias.
    New(Alias),
    /// The link has it already, in this spelling.
    Own(Code),
}
