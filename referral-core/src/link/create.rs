//! Making links.

use std::sync::Arc;

use super::draft::LinkDraft;
use super::link::{Link, LinkId, NaturalKey, Status};
use super::links::Links;
use super::refusal::LinkRefusal;
use crate::catalogue::{RecordId, Unique};
use crate::referrals::{Contended, Error, Event, Refused, Verdict};
use crate::store::{Change, Changeset, Conflict, Outcome, Version};
use crate::value::Code;

/// What [`Links::get_or_create`] answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Existing {
    /// The link.
    pub link: Link,
    /// Whether this call made the link.
    pub created: bool,
}

/// What became of an attempt to store a new link.
enum Inserted {
    Link(Box<Link>),
    /// Another link holds the natural key.
    Same(RecordId),
    /// The code is taken.
    Taken,
}

impl Links<'_> {
    /// Makes a link, even if an equal one exists.
    ///
    /// # Errors
    /// `RedirectError` if the policy denies the destination, `LinkRefusal::Loop` if it is a link itself, `CodeError` for a
    /// code that may not be chosen, `LinkRefusal::CodeTaken` for a chosen code, `LinkRefusal::CodesExhausted` and
    /// `GeneratorError` for a generated code, `Refused` by a guard, [`StoreError`](crate::store::StoreError).
    pub async fn create(&self, draft: LinkDraft) -> Result<Link, Error> {
        self.admit(&draft).await?;
        match self.insert(&draft, None).await? {
            Inserted::Link(link) => Ok(*link),
            // Without a natural key no other link can be the same.
            Inserted::Same(_) | Inserted::Taken => Err(Contended.into()),
        }
    }

    /// Gives the link of this owner, label, destination and target, and makes it if there is none. Of two equal calls at
    /// once, one makes the link and both get it. A chosen code that the existing link does not have becomes its primary
    /// code.
    ///
    /// # Errors
    /// As [`Links::create`].
    pub async fn get_or_create(&self, draft: LinkDraft) -> Result<Existing, Error> {
        self.admit(&draft).await?;
        let natural = draft.natural_key();
        for _ in 0..self.referrals.config.links.attempts {
            match self.insert(&draft, Some(natural.clone())).await? {
                Inserted::Link(link) => return Ok(Existing { link: *link, created: true }),
                Inserted::Taken => {}
                Inserted::Same(holder) => {
                    let holder = LinkId::from_uuid(holder.uuid);
                    // It may have been archived or edited since; then the key is free again.
                    let Some(link) = self.current(holder).await? else { continue };
                    if link.natural.as_ref() != Some(&natural) {
                        continue;
                    }
                    let link = match draft.code {
                        Some(code) if code != link.code => self.add_code(link.id, code).await?,
                        _ => link,
                    };
                    return Ok(Existing { link, created: false });
                }
            }
        }
        Err(Contended.into())
    }

    async fn admit(&self, draft: &LinkDraft) -> Result<(), Error> {
        self.check_destination(draft.destination.as_str())?;
        // An importer keeps the codes that there are, also short and reserved ones.
        if let Some(code) = draft.code.as_ref().filter(|_| !draft.case_exact) {
            self.choose(code)?;
        }
        for guard in &self.referrals.config.guards {
            if let Verdict::Deny { reason } = guard.may_create(draft).await {
                return Err(Refused { reason }.into());
            }
        }
        Ok(())
    }

    /// Stores a new link, asking for another code as long as codes are taken.
    async fn insert(&self, draft: &LinkDraft, natural: Option<NaturalKey>) -> Result<Inserted, Error> {
        let settings = &self.referrals.config.links;
        if let Some(code) = &draft.code {
            return match self.insert_as(draft, code.clone(), natural).await? {
                Inserted::Taken => Err(LinkRefusal::CodeTaken { code: code.clone() }.into()),
                inserted => Ok(inserted),
            };
        }
        for attempt in 0..settings.attempts {
            let code = settings.codes.code(draft, attempt).await?;
            if settings.reserved.contains(&code) {
                continue;
            }
            match self.insert_as(draft, code, natural.clone()).await? {
                Inserted::Taken => {}
                inserted => return Ok(inserted),
            }
        }
        Err(LinkRefusal::CodesExhausted { attempts: settings.attempts }.into())
    }

    async fn insert_as(
        &self,
        draft: &LinkDraft,
        code: Code,
        natural: Option<NaturalKey>,
    ) -> Result<Inserted, Error> {
        let now = self.referrals.now();
        let link = Link {
            id: LinkId::from_uuid(self.referrals.id(now)),
            tenant: self.referrals.site.tenant.clone(),
            version: Version::FIRST,
            created_at: now,
            code: code.clone(),
            owner: draft.owner.clone(),
            label: draft.label.clone(),
            destination: draft.destination.clone(),
            target: draft.target.clone(),
            status: Status::Active,
            expires_at: draft.expires_at,
            limits: draft.limits,
            metadata: draft.metadata.clone(),
            natural,
        };
        let alias = self.alias(link.id, code, draft.case_exact);
        let changeset = Changeset::new([Change::Insert(link.clone().into()), Change::Insert(alias.into())]);
        match self.referrals.commit(&changeset).await? {
            Outcome::Applied => {
                self.referrals.happened(changeset, vec![Event::LinkCreated(Arc::new(link.clone()))]).await;
                Ok(Inserted::Link(Box::new(link)))
            }
            Outcome::Conflict { conflict: Conflict::Taken { key, holder }, .. } => {
                let same = key.unique == Unique::LinkNatural;
                Ok(if same { Inserted::Same(holder) } else { Inserted::Taken })
            }
            // Fresh ids collide with nothing, unless the host's id source repeats itself.
            Outcome::Conflict { .. } => Err(Contended.into()),
        }
    }
}
