//! Making, finding and showing links.

use std::sync::Arc;

use crate::catalogue::{Record, RecordId, Unique};
use crate::link::alias::{Alias, AliasId};
use crate::link::draft::LinkDraft;
use crate::link::link::{Link, LinkId, NaturalKey, Status};
use crate::link::reads::LinkReads;
use crate::redirect::SafeDestination;
use crate::referrals::{Error, Event, Referrals, Verdict};
use crate::store::{Change, Changeset, Conflict, Outcome, Page, PageRequest};
use crate::value::{Code, CodeError, Destination, Label, Target, UserId, Version};
use crate::visit::DeadCode;

/// What [`Referrals::get_or_create`] answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Existing {
    /// The link.
    pub link: Link,
    /// Whether this call made it.
    pub created: bool,
}

/// What may be shown of a link before anybody follows it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Preview {
    /// The link.
    pub link: LinkId,
    /// The code that its URL shows.
    pub code: Code,
    /// Who invites.
    pub owner: Option<UserId>,
    /// What the owner calls it.
    pub label: Label,
    /// Where it leads.
    pub destination: Destination,
    /// Why it does not work, if it does not.
    pub dead: Option<DeadCode>,
}

/// What became of an attempt to store a new link.
enum Inserted {
    Link(Box<Link>),
    /// Another link holds the natural key.
    Same(RecordId),
    /// The code is taken.
    Taken,
}

impl Referrals {
    /// Makes a link, also where an equal one exists.
    ///
    /// # Errors
    /// `Destination` where the policy denies it, `Code` for one that may not be chosen, `CodeTaken` for a chosen
    /// code, `CodesExhausted` and `Generator` for a generated one, `Refused` by a guard, `Store`.
    pub async fn create(&self, draft: LinkDraft) -> Result<Link, Error> {
        self.admit(&draft).await?;
        match self.insert(&draft, None).await? {
            Ok(link) => Ok(link),
            // Without a natural key no other link can be the same.
            Err(_) => Err(Error::Contended),
        }
    }

    /// The link of this owner, label, destination and target; made if there is none. Of two equal calls at once
    /// one makes it and both get it. A chosen code that an existing link does not have becomes its primary one.
    ///
    /// # Errors
    /// As [`Referrals::create`].
    pub async fn get_or_create(&self, draft: LinkDraft) -> Result<Existing, Error> {
        self.admit(&draft).await?;
        let natural =
            NaturalKey::of(draft.owner.as_ref(), &draft.label, &draft.destination, draft.target.as_ref());
        for _ in 0..self.config.attempts {
            match self.insert(&draft, Some(natural.clone())).await? {
                Ok(link) => return Ok(Existing { link, created: true }),
                Err(holder) => {
                    let holder = LinkId::from_uuid(holder.uuid);
                    // It may have been archived or edited since; then the key is free again.
                    let Some(link) = self.link_now(holder).await? else { continue };
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
        Err(Error::Contended)
    }

    async fn admit(&self, draft: &LinkDraft) -> Result<(), Error> {
        self.check_destination(draft.destination.as_str())?;
        if let Some(code) = &draft.code {
            self.choose(code)?;
        }
        for guard in &self.config.guards {
            if let Verdict::Deny { reason } = guard.may_create(draft).await {
                return Err(Error::Refused { reason });
            }
        }
        Ok(())
    }

    /// Whether a link may lead there.
    pub(crate) fn check_destination(&self, destination: &str) -> Result<(), Error> {
        let safe = self.config.redirects.check_stored(destination)?;
        if self.is_link(&safe) { Err(Error::Loop) } else { Ok(()) }
    }

    /// Whether a destination is a link of this site; followed, it could come back to where it began. The route itself
    /// is the page of one's own links.
    pub(crate) fn is_link(&self, destination: &SafeDestination) -> bool {
        let site = &self.config.public_url;
        let Ok(url) = site.join(destination.location()) else { return false };
        let route = format!("{}{}", site.path().trim_end_matches('/'), self.config.route);
        let path = percent_encoding::percent_decode_str(url.path()).decode_utf8_lossy();
        let below = path.strip_prefix(route.as_str());
        url.origin() == site.origin() && below.is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
    }

    /// Whether an owner may choose this code.
    pub(crate) fn choose(&self, code: &Code) -> Result<(), CodeError> {
        Code::chosen(code.as_str())?;
        self.config.reserved.check(code)
    }

    /// Stores a new link, asking for another code as long as codes are taken. The inner error is the link that
    /// holds the natural key.
    async fn insert(
        &self,
        draft: &LinkDraft,
        natural: Option<NaturalKey>,
    ) -> Result<Result<Link, RecordId>, Error> {
        if let Some(code) = &draft.code {
            return match self.insert_as(draft, code.clone(), natural).await? {
                Inserted::Link(link) => Ok(Ok(*link)),
                Inserted::Same(holder) => Ok(Err(holder)),
                Inserted::Taken => Err(Error::CodeTaken { code: code.clone() }),
            };
        }
        for attempt in 0..self.config.attempts {
            let code = self.config.codes.code(draft, attempt).await?;
            if self.config.reserved.contains(&code) {
                continue;
            }
            match self.insert_as(draft, code, natural.clone()).await? {
                Inserted::Link(link) => return Ok(Ok(*link)),
                Inserted::Same(holder) => return Ok(Err(holder)),
                Inserted::Taken => {}
            }
        }
        Err(Error::CodesExhausted { attempts: self.config.attempts })
    }

    async fn insert_as(
        &self,
        draft: &LinkDraft,
        code: Code,
        natural: Option<NaturalKey>,
    ) -> Result<Inserted, Error> {
        let now = self.now();
        let link = Link {
            id: LinkId::from_uuid(self.id(now)),
            tenant: self.tenant.clone(),
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
        match self.commit(&changeset).await? {
            Outcome::Applied => {
                self.happened(changeset, vec![Event::LinkCreated(Arc::new(link.clone()))]).await;
                Ok(Inserted::Link(Box::new(link)))
            }
            Outcome::Conflict { conflict: Conflict::Taken { key, holder }, .. } => {
                let same = key.unique == Unique::LinkNatural;
                Ok(if same { Inserted::Same(holder) } else { Inserted::Taken })
            }
            // Fresh ids collide with nothing, unless the host's id source repeats itself.
            Outcome::Conflict { .. } => Err(Error::Contended),
        }
    }

    pub(crate) fn alias(&self, link: LinkId, code: Code, case_exact: bool) -> Alias {
        let now = self.now();
        Alias {
            id: AliasId::from_uuid(self.id(now)),
            tenant: self.tenant.clone(),
            version: Version::FIRST,
            created_at: now,
            code,
            link,
            case_exact,
        }
    }

    /// The link of this id.
    ///
    /// # Errors
    /// `Store`.
    pub async fn link(&self, id: LinkId) -> Result<Option<Link>, Error> {
        Ok(self.store.link(&self.tenant, id).await?)
    }

    /// The link that a code leads to, dead or alive. Look-alikes count: `PayPa1` finds `paypal`.
    ///
    /// # Errors
    /// `Store`.
    pub async fn link_by_code(&self, code: &Code) -> Result<Option<Link>, Error> {
        Ok(self.store.link_by_code(&self.tenant, code).await?)
    }

    /// The codes of a link, oldest first; its primary one is among them.
    ///
    /// # Errors
    /// `Store`.
    pub async fn codes(&self, link: LinkId) -> Result<Vec<Alias>, Error> {
        Ok(self.store.aliases_of_link(&self.tenant, link).await?)
    }

    /// A page of the links of an owner, newest first.
    ///
    /// # Errors
    /// `Cursor`, `Store`.
    pub async fn links(&self, owner: &UserId, page: &PageRequest) -> Result<Page<Link>, Error> {
        Ok(super::links_of_owner(&self.store, &self.tenant, owner, None, page).await?)
    }

    /// A page of the links of an owner to one object of the host's, newest first.
    ///
    /// # Errors
    /// `Cursor`, `Store`.
    pub async fn links_to(
        &self,
        owner: &UserId,
        target: &Target,
        page: &PageRequest,
    ) -> Result<Page<Link>, Error> {
        Ok(super::links_of_owner(&self.store, &self.tenant, owner, Some(target), page).await?)
    }

    /// A page of all links of the tenant, newest first.
    ///
    /// # Errors
    /// `Cursor`, `Store`.
    pub async fn all_links(&self, page: &PageRequest) -> Result<Page<Link>, Error> {
        Ok(super::all_links(&self.store, &self.tenant, page).await?)
    }

    /// The absolute URL of a link, as it is shared.
    #[must_use]
    pub fn url(&self, link: &Link) -> String {
        self.url_of(&link.code)
    }

    /// The absolute URL of a code.
    #[must_use]
    pub fn url_of(&self, code: &Code) -> String {
        let site = self.config.public_url.as_str().trim_end_matches('/');
        format!("{site}{}/{code}", self.config.route)
    }

    /// The URL of a link that leads to another page of the site than it usually does.
    ///
    /// # Errors
    /// `Destination` where the policy denies it.
    pub fn url_to(&self, link: &Link, path: &str) -> Result<String, Error> {
        let safe: SafeDestination = self.config.redirects.check(path)?;
        let mut url = self.url(link);
        if let Some(name) = self.config.redirect_parameters.first() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            url.push('?');
            url.push_str(&query.append_pair(name, safe.as_given()).finish());
        }
        Ok(url)
    }

    /// What may be shown of a link before anybody follows it: who invites, and whether it works. Changes nothing.
    ///
    /// # Errors
    /// `Store`. A text that is no code is `None`, as an unknown code is.
    pub async fn preview(&self, code: &str) -> Result<Option<Preview>, Error> {
        let Ok(code) = Code::new(code) else { return Ok(None) };
        let Some(link) = self.store.link_by_code(&self.tenant, &code).await? else { return Ok(None) };
        let dead = self.dead(&link).await?;
        Ok(Some(Preview {
            link: link.id,
            code: link.code,
            owner: link.owner,
            label: link.label,
            destination: link.destination,
            dead,
        }))
    }

    /// The link of this id as the store has it at this moment, past the cache: for deciding who may change it.
    ///
    /// # Errors
    /// `Store`.
    pub async fn link_now(&self, id: LinkId) -> Result<Option<Link>, Error> {
        let link = self.uncached.link(&self.tenant, id).await?;
        if let (Some(cache), Some(link)) = (&self.cache, &link) {
            // What another process changed is seen here from now on, also where this call changes nothing.
            cache.forget(&[Self::update(link)]);
        }
        Ok(link)
    }

    /// The link of this id, for changing it.
    pub(crate) async fn link_to_change(&self, id: LinkId) -> Result<Link, Error> {
        let link = self.link_now(id).await?.ok_or(Error::NoLink)?;
        if link.status == Status::Archived { Err(Error::Archived) } else { Ok(link) }
    }

    pub(crate) async fn applied(&self, link: &Link, changeset: Changeset) {
        self.happened(changeset, vec![Event::LinkChanged(Arc::new(link.clone()))]).await;
    }

    pub(crate) fn update(link: &Link) -> Change {
        Change::Update { record: Record::from(link.clone()), was: link.version }
    }
}
