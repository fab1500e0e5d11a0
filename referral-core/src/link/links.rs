//! The area of links: its handle, and what several of its verbs need.

use std::sync::Arc;

use super::alias::{Alias, AliasId};
use super::link::{Link, LinkId, Status};
use super::reads::LinkReads as _;
use super::refusal::LinkRefusal;
use crate::catalogue::Record;
use crate::referrals::{Error, Event, Referrals};
use crate::store::{Change, Changeset, Version};
use crate::value::{Code, CodeError};

/// The area of links: making, finding, showing and changing them. [`Referrals::links`] gives it.
#[derive(Clone, Copy, Debug)]
pub struct Links<'a> {
    pub(super) referrals: &'a Referrals,
}

impl Referrals {
    /// The area of links: making, finding, showing and changing them.
    #[must_use]
    pub const fn links(&self) -> Links<'_> {
        Links { referrals: self }
    }
}

impl Links<'_> {
    /// The link of this id as the store has it at this moment, without the cache. Use it to decide who may change it.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn current(&self, id: LinkId) -> Result<Option<Link>, Error> {
        let link = self.referrals.uncached.link(&self.referrals.site.tenant, id).await?;
        if let (Some(cache), Some(link)) = (&self.referrals.cache, &link) {
            // What another process changed is seen here from now on, also where this call changes nothing.
            cache.forget(&[Self::update(link)]);
        }
        Ok(link)
    }

    /// The link of this id, for changing it.
    pub(super) async fn link_to_change(&self, id: LinkId) -> Result<Link, Error> {
        let link = self.current(id).await?.ok_or(LinkRefusal::NotFound)?;
        if link.status == Status::Archived { Err(LinkRefusal::Archived.into()) } else { Ok(link) }
    }

    /// Whether a link may lead there.
    pub(super) fn check_destination(&self, destination: &str) -> Result<(), Error> {
        let safe = self.referrals.site.redirects().check_stored(destination)?;
        if self.referrals.site.is_link(&safe) { Err(LinkRefusal::Loop.into()) } else { Ok(()) }
    }

    /// Whether an owner may choose this code.
    pub(super) fn choose(&self, code: &Code) -> Result<(), CodeError> {
        Code::chosen(code.as_str())?;
        self.referrals.config.links.reserved.check(code)
    }

    pub(super) fn alias(&self, link: LinkId, code: Code, case_exact: bool) -> Alias {
        let now = self.referrals.now();
        Alias {
            id: AliasId::from_uuid(self.referrals.id(now)),
            tenant: self.referrals.site.tenant.clone(),
            version: Version::FIRST,
            created_at: now,
            code,
            link,
            case_exact,
        }
    }

    pub(super) async fn applied(&self, link: &Link, changeset: Changeset) {
        self.referrals.happened(changeset, vec![Event::LinkChanged(Arc::new(link.clone()))]).await;
    }

    pub(super) fn update(link: &Link) -> Change {
        Change::Update { record: Record::from(link.clone()), was: link.version }
    }
}
