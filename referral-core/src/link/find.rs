//! Finding and showing links.

use super::alias::Alias;
use super::alive::DeadCode;
use super::draft::LinkDraft;
use super::link::{Link, LinkId};
use super::links::Links;
use super::reads::{LinkReads as _, all_links, links_of_owner};
use crate::redirect::SafeDestination;
use crate::referrals::Error;
use crate::store::{Page, PageRequest};
use crate::value::{Code, Destination, Label, Target, UserId};

/// What may be shown of a link before anybody follows it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Preview {
    /// The link.
    pub link: LinkId,
    /// The code that its URL shows.
    pub code: Code,
    /// The user who shares the link.
    pub owner: Option<UserId>,
    /// What the owner calls it.
    pub label: Label,
    /// Where it leads.
    pub destination: Destination,
    /// Why the link does not work; `None` if it works.
    pub dead: Option<DeadCode>,
}

impl Links<'_> {
    /// The link of this id.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn get(&self, id: LinkId) -> Result<Option<Link>, Error> {
        Ok(self.referrals.store.link(&self.referrals.site.tenant, id).await?)
    }

    /// Several links by id, in the order asked for. Links that do not exist are left out.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError), which is `Invalid` for more than 1,000 ids.
    pub async fn get_many(&self, ids: &[LinkId]) -> Result<Vec<Link>, Error> {
        Ok(self.referrals.store.links_by_id(&self.referrals.site.tenant, ids).await?)
    }

    /// Why a link leads nowhere now; none if it leads somewhere. One read, where the link has a limit.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn dead(&self, link: &Link) -> Result<Option<DeadCode>, Error> {
        self.referrals.dead(link).await
    }

    /// The link that a code leads to, dead or alive. Look-alikes count: `PayPa1` finds `paypal`.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn by_code(&self, code: &Code) -> Result<Option<Link>, Error> {
        Ok(self.referrals.store.link_by_code(&self.referrals.site.tenant, code).await?)
    }

    /// The link that [`get_or_create`](Links::get_or_create) would find for such a draft, if there is one.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn find(&self, draft: &LinkDraft) -> Result<Option<Link>, Error> {
        Ok(self
            .referrals
            .store
            .link_by_natural_key(&self.referrals.site.tenant, &draft.natural_key())
            .await?)
    }

    /// The codes of a link, oldest first. Its primary code is among them.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn codes(&self, link: LinkId) -> Result<Vec<Alias>, Error> {
        Ok(self.referrals.store.aliases_of_link(&self.referrals.site.tenant, link).await?)
    }

    /// A page of the links of an owner, newest first.
    ///
    /// # Errors
    /// `CursorError`, [`StoreError`](crate::store::StoreError).
    pub async fn of_owner(&self, owner: &UserId, page: &PageRequest) -> Result<Page<Link>, Error> {
        Ok(links_of_owner(&self.referrals.store, &self.referrals.site.tenant, owner, None, page).await?)
    }

    /// A page of the links of an owner to one object of the host's, newest first.
    ///
    /// # Errors
    /// `CursorError`, [`StoreError`](crate::store::StoreError).
    pub async fn of_target(
        &self,
        owner: &UserId,
        target: &Target,
        page: &PageRequest,
    ) -> Result<Page<Link>, Error> {
        Ok(links_of_owner(&self.referrals.store, &self.referrals.site.tenant, owner, Some(target), page)
            .await?)
    }

    /// A page of all links of the tenant, newest first.
    ///
    /// # Errors
    /// `CursorError`, [`StoreError`](crate::store::StoreError).
    pub async fn list(&self, page: &PageRequest) -> Result<Page<Link>, Error> {
        Ok(all_links(&self.referrals.store, &self.referrals.site.tenant, page).await?)
    }

    /// The absolute URL of a link, as it is shared.
    #[must_use]
    pub fn url(&self, link: &Link) -> String {
        self.url_of(&link.code)
    }

    /// The absolute URL of a code.
    #[must_use]
    pub fn url_of(&self, code: &Code) -> String {
        self.referrals.site.url_of(code)
    }

    /// The URL of a link that leads to another page of the site than it usually does.
    ///
    /// # Errors
    /// `RedirectError` if the policy denies the path.
    pub fn url_to(&self, link: &Link, path: &str) -> Result<String, Error> {
        let safe: SafeDestination = self.referrals.site.redirects().check(path)?;
        let mut url = self.url(link);
        if let Some(name) = self.referrals.config.visits.redirect_parameters.first() {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            url.push('?');
            url.push_str(&query.append_pair(name, safe.as_given()).finish());
        }
        Ok(url)
    }

    /// What may be shown of a link before anybody follows it: whose it is, and whether it works. It changes nothing.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError). A text that is no code is `None`, as an unknown code is.
    pub async fn preview(&self, code: &str) -> Result<Option<Preview>, Error> {
        let Ok(code) = Code::new(code) else { return Ok(None) };
        let Some(link) = self.referrals.store.link_by_code(&self.referrals.site.tenant, &code).await? else {
            return Ok(None);
        };
        let dead = self.referrals.dead(&link).await?;
        Ok(Some(Preview {
            link: link.id,
            code: link.code,
            owner: link.owner,
            label: link.label,
            destination: link.destination,
            dead,
        }))
    }
}
