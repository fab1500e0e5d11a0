//! Changing links.

use super::alias::Alias;
use super::link::{Limits, Link, LinkId, NaturalKey, Status};
use super::links::Links;
use super::refusal::LinkRefusal;
use crate::catalogue::Unique;
use crate::referrals::{Contended, Error};
use crate::store::{Change, Changeset, Conflict, Outcome, Read as _};
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
        if link.natural.is_some() {
            let (owner, target) = (link.owner.as_ref(), link.target.as_ref());
            link.natural = Some(NaturalKey::of(owner, &link.label, &link.destination, target));
        }
    }
}

impl Links<'_> {
    /// Changes a link. Two edits at once are both applied, one after the other, each to the fields that it names.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived`, `RedirectError`, `LinkRefusal::Loop`, `LinkRefusal::Exists` if
    /// another link is what this one would become, [`StoreError`](crate::store::StoreError).
    pub async fn edit(&self, link: LinkId, edit: LinkEdit) -> Result<Link, Error> {
        if let Some(destination) = &edit.destination {
            self.check_destination(destination.as_str())?;
        }
        self.change(link, |link| edit.apply(link)).await
    }

    /// Switches a link on again.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived`, [`StoreError`](crate::store::StoreError).
    pub async fn enable(&self, link: LinkId) -> Result<Link, Error> {
        self.change(link, |link| link.status = Status::Active).await
    }

    /// Switches a link off: its codes stay taken, and lead nowhere until it is enabled again. Its history stays.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived`, [`StoreError`](crate::store::StoreError).
    pub async fn disable(&self, link: LinkId) -> Result<Link, Error> {
        self.change(link, |link| link.status = Status::Disabled).await
    }

    /// Puts a link away for good. Its history stays and its codes stay taken, but an equal link may be made again.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived` if it is already, [`StoreError`](crate::store::StoreError).
    pub async fn archive(&self, link: LinkId) -> Result<Link, Error> {
        self.change(link, |link| {
            link.status = Status::Archived;
            link.natural = None;
        })
        .await
    }

    /// Reads, changes and writes a link, again if somebody else did in between.
    async fn change(&self, id: LinkId, change: impl Fn(&mut Link)) -> Result<Link, Error> {
        for _ in 0..self.referrals.config.links.attempts {
            let was = self.link_to_change(id).await?;
            let mut link = was.clone();
            change(&mut link);
            if link == was {
                return Ok(link);
            }
            let changeset = Changeset::new([Self::update(&link)]);
            match self.referrals.commit(&changeset).await? {
                Outcome::Applied => {
                    link.version = was.version.next();
                    self.applied(&link, changeset).await;
                    return Ok(link);
                }
                Outcome::Conflict { conflict: Conflict::Taken { holder, .. }, .. } => {
                    return Err(LinkRefusal::Exists { link: LinkId::from_uuid(holder.uuid) }.into());
                }
                Outcome::Conflict { .. } => {}
            }
        }
        Err(Contended.into())
    }

    /// Gives a link another code and makes it the one that its URL shows. The earlier codes still work.
    ///
    /// # Errors
    /// `LinkRefusal::NotFound`, `LinkRefusal::Archived`, `CodeError`, `LinkRefusal::CodeTaken` if the code leads to another
    /// link, [`StoreError`](crate::store::StoreError).
    pub async fn add_code(&self, link: LinkId, code: Code) -> Result<Link, Error> {
        self.choose(&code)?;
        let alias = self.alias(link, code.clone(), false);
        for _ in 0..self.referrals.config.links.attempts {
            let mut link = self.link_to_change(link).await?;
            if link.code == code {
                return Ok(link);
            }
            let shown = std::mem::replace(&mut link.code, code.clone());
            let both = [Change::Insert(alias.clone().into()), Self::update(&link)];
            let mut changeset = Changeset::new(both);
            let mut outcome = self.referrals.commit(&changeset).await?;
            if let Outcome::Conflict { conflict: Conflict::Taken { key, .. }, .. } = &outcome {
                let held = self
                    .referrals
                    .uncached
                    .find(std::slice::from_ref(key))
                    .await?
                    .into_iter()
                    .flatten()
                    .next();
                let held = held.and_then(|record| Alias::try_from(record).ok());
                match held {
                    // The link's own, from before, in this spelling: only the primary one changes.
                    Some(alias)
                        if alias.link == link.id
                            && (key.unique == Unique::AliasFolded || alias.code == code) =>
                    {
                        link.code = alias.code.clone();
                        if link.code == shown {
                            return Ok(link);
                        }
                        changeset = Changeset::new([Self::update(&link)]);
                        outcome = self.referrals.commit(&changeset).await?;
                    }
                    Some(_) => return Err(LinkRefusal::CodeTaken { code }.into()),
                    None => continue,
                }
            }
            if outcome == Outcome::Applied {
                link.version = link.version.next();
                self.applied(&link, changeset).await;
                return Ok(link);
            }
        }
        Err(Contended.into())
    }
}
