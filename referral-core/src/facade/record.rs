//! Later actions, and the touch that wins them.

use super::touch::Written;
use super::{Error, Referrals};
use crate::read::{LinkReads, Page, PageRequest, ResponseFilter};
use crate::record::{Action, Flags, Link, LinkId, Response, Status, Target, Timestamp, Via};
use crate::store::{Index, Prefix, Range, Read};
use crate::visit::{Class, Visit};

/// How many responses are looked at for a winning touch, newest first: a thousand in all. Somebody who did more
/// since the touch is credited by [`Referrals::respond`], which names the link.
const LOOK_BACK: u32 = 250;
const LOOK_BACK_PAGES: usize = 4;

impl Referrals {
    /// Records that a visitor or user did something, and credits the link of the touch that wins: the last one
    /// inside the window. `None` if there is none, which is the ordinary case, and for a request that nobody may
    /// ever see the answer of: HEAD, or a speculative load.
    ///
    /// # Errors
    /// `Refused` by a guard, `Store`.
    pub async fn record(
        &self,
        visit: &Visit,
        action: Action,
        target: Option<Target>,
    ) -> Result<Option<Response>, Error> {
        if matches!(self.config.classifier.classify(visit), Class::Speculative | Class::Silent) {
            return Ok(None);
        }
        match self.link_of(visit).await? {
            Some(link) => self.respond_to(&link, visit, action, target).await.map(Some),
            None => Ok(None),
        }
    }

    /// Records that a visitor or user did something with a given link, whatever touch would win.
    ///
    /// # Errors
    /// `NoLink`, `Nobody` for a visit without visitor and user, `Refused` by a guard, `Store`.
    pub async fn respond(
        &self,
        link: LinkId,
        visit: &Visit,
        action: Action,
        target: Option<Target>,
    ) -> Result<Response, Error> {
        if visit.user.is_none() && visit.visitor().is_none() {
            return Err(Error::Nobody);
        }
        let link = self.store.link(&self.tenant, link).await?.ok_or(Error::NoLink)?;
        self.respond_to(&link, visit, action, target).await
    }

    async fn respond_to(
        &self,
        link: &Link,
        visit: &Visit,
        action: Action,
        target: Option<Target>,
    ) -> Result<Response, Error> {
        let mut response = self.response(link, visit, Via::Server, action, target);
        if !self.config.classifier.classify(visit).is_credited() {
            response.flags = response.flags.with(Flags::BOT);
        }
        match self.write(response, link).await? {
            Written::Stored(response) => Ok(*response),
            Written::Refused(reason) => Err(Error::Refused { reason }),
            Written::Exhausted => Err(Error::Contended),
        }
    }

    /// The link whose touch wins what this visitor or user does now: the last one inside the window that is no
    /// bot's, not the owner's own and not of a link that is switched off.
    ///
    /// A signed-in user's touches and the still unclaimed ones of the browser count together.
    ///
    /// # Errors
    /// `Store`.
    pub async fn link_of(&self, visit: &Visit) -> Result<Option<Link>, Error> {
        let since = self.now().saturating_sub(self.config.window);
        if visit.user.is_none()
            && let Some(last) = visit.token.and_then(|token| token.last)
            && last.at > since
            && let Some(link) = self.winning(last.link, None).await?
        {
            return Ok(Some(link));
        }
        for touch in self.touches(visit, since).await? {
            if let Some(link) = self.winning(touch, visit.user.as_ref()).await? {
                return Ok(Some(link));
            }
        }
        Ok(None)
    }

    /// The links of this visit's touches inside the window, newest first, each once.
    async fn touches(&self, visit: &Visit, since: Timestamp) -> Result<Vec<LinkId>, Error> {
        let mut found = Vec::new();
        // Later actions are no touches: were they, every action would stretch the window of the touch that won it.
        if let Some(user) = &visit.user {
            found.extend(
                self.look_back(Index::ResponsesOfUser, Prefix::new(&self.tenant).text(user), since).await?,
            );
        }
        if let Some(visitor) = visit.visitor() {
            let prefix = Prefix::new(&self.tenant).uuid(visitor.as_uuid());
            found.extend(self.look_back(Index::ResponsesUnclaimed, prefix, since).await?);
        }
        found.sort_by_key(|touch| std::cmp::Reverse((touch.created_at, touch.id)));
        let mut links = Vec::new();
        for touch in found {
            if !links.contains(&touch.link) {
                links.push(touch.link);
            }
        }
        Ok(links)
    }

    /// The touches among the newest responses of an index, from the first page that has any.
    async fn look_back(
        &self,
        index: Index,
        prefix: Prefix,
        since: Timestamp,
    ) -> Result<Vec<Response>, Error> {
        // Half-open like every interval: a touch that is exactly a window old has lost.
        let from = since.as_millis().saturating_add(1);
        let mut range = Range { from: Some(from), ..Range::newest() };
        for _ in 0..LOOK_BACK_PAGES {
            let page = self.store.page(index, &prefix, &range, LOOK_BACK).await?;
            let full = page.len() >= LOOK_BACK as usize;
            range.after =
                page.last().and_then(|last| index.entry(last, &last.values())).map(|entry| entry.seek);
            let touches = page.into_iter().filter_map(|record| Response::try_from(record).ok());
            let touches: Vec<_> = touches.filter(is_touch).collect();
            if !full || !touches.is_empty() {
                return Ok(touches);
            }
        }
        Ok(Vec::new())
    }

    async fn winning(
        &self,
        link: LinkId,
        user: Option<&crate::record::UserId>,
    ) -> Result<Option<Link>, Error> {
        let link = self.store.link(&self.tenant, link).await?;
        Ok(link
            .filter(|link| link.status == Status::Active && !(user.is_some() && link.owner.as_ref() == user)))
    }

    /// A page of responses, newest first unless the filter says otherwise.
    ///
    /// # Errors
    /// `Cursor`, `Store`.
    pub async fn responses(
        &self,
        filter: &ResponseFilter,
        page: &PageRequest,
    ) -> Result<Page<Response>, Error> {
        Ok(crate::read::responses_by(&self.store, &self.tenant, filter, page).await?)
    }
}

/// Whether a response may win: repeats may, because the visitor did come again; what is suspicious may not.
fn is_touch(response: &Response) -> bool {
    let suspicious = [Flags::BOT, Flags::SPECULATIVE, Flags::OWN_LINK, Flags::SUSPECT];
    response.action == Action::RESPONDED && !suspicious.into_iter().any(|flag| response.flags.contains(flag))
}
