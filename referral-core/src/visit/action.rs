//! Later actions, and the touch that wins them.

use super::classify::Class;
use super::recording::{Asked, Written};
use super::refusal::VisitRefusal;
use super::request::Verb;
use super::response::{Flags, Response, ResponseId, Via};
use super::visit::Visit;
use crate::catalogue::Index;
use crate::link::{Link, LinkId, LinkReads as _, LinkRefusal, Status};
use crate::referrals::{Error, Referrals, Refused};
use crate::store::{Prefix, Range, Read as _};
use crate::value::{Action, Target, Timestamp, UserId};

/// How many responses are looked at for a winning touch, newest first: a thousand in all. Somebody who did more
/// since the touch is credited by [`Referrals::respond`], which names the link.
const LOOK_BACK: u32 = 250;
const LOOK_BACK_PAGES: usize = 4;

impl Referrals {
    /// Records that a visitor or user did something, and credits the link of the touch that wins, which is the last one
    /// inside the window. The answer is `None` if there is none, which is the ordinary case. It is also `None` for `HEAD`
    /// and for a speculative load, because perhaps nobody sees the answer to these. A call that is made again with the same
    /// [request](Visit::with_request) gets the first answer and records nothing.
    ///
    /// # Errors
    /// [`Refused`] by a guard, [`VisitRefusal::RequestReused`], [`StoreError`](crate::store::StoreError).
    pub async fn record(
        &self,
        visit: &Visit,
        action: Action,
        target: Option<Target>,
    ) -> Result<Option<Response>, Error> {
        if matches!(self.config.visits.classifier.classify(visit), Class::Speculative | Class::Silent) {
            return Ok(None);
        }
        let (wanted, about) = (action.clone(), target.clone());
        let asked = Asked {
            request: visit.request.as_ref().map(|request| (Verb::Record, request)),
            action: &wanted,
            target: about.as_ref(),
            link: None,
        };
        if let Some(response) = self.done(asked, visit).await? {
            return Ok(Some(response));
        }
        match self.link_of(visit).await? {
            Some(link) => self.respond_to(&link, visit, action, target, asked).await.map(Some),
            None => Ok(None),
        }
    }

    /// Records that a visitor or user did something with a given link, whatever touch would win. A call that is made again
    /// with the same [request](Visit::with_request) gets the first answer and records nothing.
    ///
    /// # Errors
    /// [`LinkRefusal::NotFound`], [`VisitRefusal::Nobody`] for a visit without visitor and user, [`Refused`] by a guard,
    /// [`VisitRefusal::Exhausted`] for a click beyond the link's limit, [`VisitRefusal::RequestReused`],
    /// [`StoreError`](crate::store::StoreError).
    pub async fn respond(
        &self,
        link: LinkId,
        visit: &Visit,
        action: Action,
        target: Option<Target>,
    ) -> Result<Response, Error> {
        if visit.user.is_none() && visit.visitor().is_none() {
            return Err(VisitRefusal::Nobody.into());
        }
        let (wanted, about) = (action.clone(), target.clone());
        let asked = Asked {
            request: visit.request.as_ref().map(|request| (Verb::Respond, request)),
            action: &wanted,
            target: about.as_ref(),
            link: Some(link),
        };
        if let Some(response) = self.done(asked, visit).await? {
            return Ok(response);
        }
        let link = self.store.link(&self.site.tenant, link).await?.ok_or(LinkRefusal::NotFound)?;
        self.respond_to(&link, visit, action, target, asked).await
    }

    async fn respond_to(
        &self,
        link: &Link,
        visit: &Visit,
        action: Action,
        target: Option<Target>,
        asked: Asked<'_>,
    ) -> Result<Response, Error> {
        let mut response = self.response(link, visit, Via::Server, action, target);
        // A page's own script is no bot; what it reports counts.
        if self.config.visits.classifier.classify(visit) == Class::Bot {
            response.flags = response.flags.with(Flags::BOT);
        }
        match self.write(response, link, visit, asked).await? {
            Written::Stored(response) | Written::Before(response) => Ok(*response),
            Written::Refused(reason) => Err(Refused { reason }.into()),
            Written::Exhausted => Err(VisitRefusal::Exhausted.into()),
        }
    }

    /// The link whose touch wins what this visitor or user does now. It is the last touch inside the window that is not a
    /// bot's, not the owner's own, and not of a link that is switched off.
    ///
    /// The touches of a signed-in user and the unclaimed touches of the browser count together.
    ///
    /// # Errors
    /// [`StoreError`](crate::store::StoreError).
    pub async fn link_of(&self, visit: &Visit) -> Result<Option<Link>, Error> {
        let since = self.now().saturating_sub(self.config.visits.window);
        if visit.user.is_none()
            && let Some(last) = visit.token.and_then(|token| token.last)
            && last.at > since
            && let Some(link) = self.winning(last.link, None).await?
        {
            return Ok(Some(link));
        }
        let mut best: Option<Touched> = None;
        if let Some(user) = &visit.user {
            let prefix = Prefix::new(&self.site.tenant).text(user);
            best = self.look_back(Index::ResponsesOfUser, prefix, since, Some(user)).await?;
        }
        if let Some(visitor) = visit.visitor() {
            let prefix = Prefix::new(&self.site.tenant).uuid(visitor.as_uuid());
            let found = self.look_back(Index::ResponsesUnclaimed, prefix, since, visit.user.as_ref()).await?;
            best = best.into_iter().chain(found).max_by_key(|touched| touched.when);
        }
        Ok(best.map(|touched| touched.link))
    }

    /// The newest touch of an index that wins. Later actions are no touches: were they, every action would stretch
    /// the window of the touch that won it.
    async fn look_back(
        &self,
        index: Index,
        prefix: Prefix,
        since: Timestamp,
        user: Option<&UserId>,
    ) -> Result<Option<Touched>, Error> {
        // Half-open like every interval: a touch that is exactly a window old has lost.
        let from = since.as_millis().saturating_add(1);
        let mut range = Range { from: Some(from), ..Range::newest() };
        let mut lost = Vec::new();
        for _ in 0..LOOK_BACK_PAGES {
            let page = self.store.page(index, &prefix, &range, LOOK_BACK).await?;
            let full = page.len() >= LOOK_BACK as usize;
            range.after =
                page.last().and_then(|last| index.entry(last, &last.values())).map(|entry| entry.seek);
            let touches = page.into_iter().filter_map(|record| Response::try_from(record).ok());
            for touch in touches.filter(is_touch) {
                if lost.contains(&touch.link) {
                    continue;
                }
                if let Some(link) = self.winning(touch.link, user).await? {
                    return Ok(Some(Touched { when: (touch.created_at, touch.id), link }));
                }
                lost.push(touch.link);
            }
            if !full {
                break;
            }
        }
        Ok(None)
    }

    async fn winning(&self, link: LinkId, user: Option<&UserId>) -> Result<Option<Link>, Error> {
        let link = self.store.link(&self.site.tenant, link).await?;
        Ok(link
            .filter(|link| link.status == Status::Active && !(user.is_some() && link.owner.as_ref() == user)))
    }
}

/// A touch that may win, and its link.
struct Touched {
    when: (Timestamp, ResponseId),
    link: Link,
}

/// Whether a response may win: repeats may, because the visitor did come again; what is suspicious may not.
fn is_touch(response: &Response) -> bool {
    let suspicious = [Flags::BOT, Flags::SPECULATIVE, Flags::OWN_LINK, Flags::SUSPECT];
    response.action == Action::RESPONDED && !suspicious.into_iter().any(|flag| response.flags.contains(flag))
}
