//! One touch: from a code and a visit to a recorded response.

use std::sync::Arc;

use crate::catalogue::Family;
use crate::link::{Link, LinkReads, Status};
use crate::referrals::{Error, Event, Failure, Referrals, Verdict};
use crate::store::{Bounds, Change, Changeset, Conflict, CounterKey, NumberReads, Outcome, Range};
use crate::token::{LastTouch, Token};
use crate::value::{
    Action, Agent, Code, KeyPart, LandingUrl, Referrer, Target, Timestamp, Version, VisitorId,
};
use crate::visit::classify::Class;
use crate::visit::numbers::link_part;
use crate::visit::reads::ResponseReads;
use crate::visit::request::Visit;
use crate::visit::response::{Flags, Response, ResponseId, Via};

/// What became of a touch, and what to do with the visitor's token.
#[derive(Debug)]
#[non_exhaustive]
pub struct Touch {
    /// What became of it.
    pub outcome: TouchOutcome,
    /// The link, dead or alive; `None` for an unknown code or a store that failed.
    pub link: Option<Link>,
    /// What to do with the token.
    pub token: TokenChange,
}

/// What became of a touch. None of them is an error to the visitor.
#[derive(Debug)]
#[non_exhaustive]
pub enum TouchOutcome {
    /// It is recorded; flagged where it does not count.
    Recorded(Box<Response>),
    /// The link is alive, and this kind of request leaves no trace.
    Ignored(Class),
    /// A guard vetoed it.
    Refused {
        /// The guard's reason.
        reason: String,
    },
    /// The code leads nowhere now. Neither touches nor token change.
    Dead(DeadCode),
    /// Something failed; the observer was told.
    Failed(Error),
}

/// Why a code leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DeadCode {
    /// There is no such code.
    Unknown,
    /// Its link is switched off or archived.
    Disabled,
    /// Its link's time is over.
    Expired,
    /// Its link was used as often as it may be.
    Exhausted,
}

/// What to do with the visitor's token.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TokenChange {
    /// Leave it.
    Keep,
    /// Give the browser this one.
    Set(Token),
    /// Take it away.
    Clear,
}

impl Touch {
    fn without_token(outcome: TouchOutcome, link: Option<Link>) -> Self {
        Self { outcome, link, token: TokenChange::Keep }
    }

    /// The response, if one was recorded.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match &self.outcome {
            TouchOutcome::Recorded(response) => Some(response),
            _ => None,
        }
    }
}

impl Referrals {
    /// Records that a visitor came with a code, whatever way. [`Referrals::land`] is this plus where to redirect to.
    pub async fn touch(&self, code: &str, visit: &Visit, via: Via) -> Touch {
        let touch = self.try_touch(code, visit, via).await;
        let touch = touch.unwrap_or_else(|error| Touch::without_token(TouchOutcome::Failed(error), None));
        if let TouchOutcome::Failed(error) = &touch.outcome {
            self.report(&Failure::Landing { error });
        }
        touch
    }

    /// Records a code that a person typed, such as at sign-up. The same code twice within the hour, or one whose
    /// link was just clicked, is a flagged duplicate; the owner's own is flagged too.
    ///
    /// # Errors
    /// `Store`. An unknown or dead code is an outcome.
    pub async fn enter_code(&self, visit: &Visit, code: &str) -> Result<Touch, Error> {
        let touch = self.try_touch(code.trim(), visit, Via::Code).await?;
        match touch.outcome {
            TouchOutcome::Failed(error) => Err(error),
            _ => Ok(touch),
        }
    }

    async fn try_touch(&self, code: &str, visit: &Visit, via: Via) -> Result<Touch, Error> {
        let unknown = || Ok(Touch::without_token(TouchOutcome::Dead(DeadCode::Unknown), None));
        let Ok(code) = Code::new(code) else { return unknown() };
        let Some(link) = self.store.link_by_code(&self.tenant, &code).await? else { return unknown() };
        if let Some(dead) = self.dead(&link).await? {
            return Ok(Touch::without_token(TouchOutcome::Dead(dead), Some(link)));
        }
        let class = if via == Via::Click { self.config.classifier.classify(visit) } else { Class::Human };
        if !class.is_recorded() {
            return Ok(Touch::without_token(TouchOutcome::Ignored(class), Some(link)));
        }
        // The link is known by now, so a visitor gets where it leads whatever happens.
        let recorded = self.record_touch(&link, visit, via, class).await;
        let (outcome, token) =
            recorded.unwrap_or_else(|error| (TouchOutcome::Failed(error), TokenChange::Keep));
        Ok(Touch { outcome, link: Some(link), token })
    }

    async fn record_touch(
        &self,
        link: &Link,
        visit: &Visit,
        via: Via,
        class: Class,
    ) -> Result<(TouchOutcome, TokenChange), Error> {
        let mut response = self.response(link, visit, via, Action::RESPONDED, None);
        let credited = class.is_credited();
        if credited && response.user.is_none() {
            let known = visit.visitor();
            response.visitor =
                Some(known.unwrap_or_else(|| VisitorId::from_uuid(self.id(response.created_at))));
        }
        if !credited {
            response.flags = response.flags.with(Flags::BOT);
        }
        let earlier = if credited { self.repeated(&response, visit).await? } else { None };
        if earlier.is_some() {
            response.flags = response.flags.with(Flags::DUPLICATE);
        }
        let outcome = match self.write(response, link).await? {
            Written::Stored(response) => TouchOutcome::Recorded(response),
            Written::Refused(reason) => TouchOutcome::Refused { reason },
            Written::Exhausted => TouchOutcome::Dead(DeadCode::Exhausted),
        };
        let mut token = TokenChange::Keep;
        if let TouchOutcome::Recorded(response) = &outcome
            && let Some(visitor) = response.visitor.filter(|_| credited && response.user.is_none())
        {
            // A repeat within the hour keeps the time of the first, so that clicking on does not stretch the hour. What a
            // guard suspects wins nothing, so the touch before it stays the last.
            let this = LastTouch { link: link.id, response: response.id, at: response.created_at };
            let last = if response.flags.contains(Flags::SUSPECT) {
                visit.token.and_then(|token| token.last)
            } else {
                earlier.or(Some(this))
            };
            let fresh = Token::new(visitor, response.created_at, self.config.token_life);
            token = TokenChange::Set(last.map_or(fresh, |last| fresh.with_last(last)));
        }
        Ok((outcome, token))
    }

    /// Why a link leads nowhere, if it does.
    pub(crate) async fn dead(&self, link: &Link) -> Result<Option<DeadCode>, Error> {
        if link.status != Status::Active {
            return Ok(Some(DeadCode::Disabled));
        }
        if link.expires_at.is_some_and(|end| self.now() >= end) {
            return Ok(Some(DeadCode::Expired));
        }
        if let Some(limit) = link.limits.clicks
            && self.store.number(&self.uses(link)).await? >= i64::from(limit)
        {
            return Ok(Some(DeadCode::Exhausted));
        }
        Ok(None)
    }

    fn uses(&self, link: &Link) -> CounterKey {
        CounterKey::new(self.tenant.clone(), Family::LinkUses, [link_part(link.id), KeyPart::NONE])
    }

    /// The earlier touch that makes this one a repeat. The token tells without a read if the last touch was of the
    /// same link; else one short page does.
    async fn repeated(&self, response: &Response, visit: &Visit) -> Result<Option<LastTouch>, Error> {
        const SHORT: u32 = 20;
        let since = response.created_at.saturating_sub(self.config.repeat);
        let fresh = |at: Timestamp| at > since && at <= response.created_at;
        let range = Range { from: Some(since.as_millis()), ..Range::newest() };
        let recent = if let Some(user) = &response.user {
            self.store.responses_of_user(&self.tenant, user, &range, SHORT).await?
        } else {
            let Some(token) = visit.token else { return Ok(None) };
            if let Some(last) = token.last.filter(|last| last.link == response.link && fresh(last.at)) {
                return Ok(Some(last));
            }
            // Each touch renews the token, so an older one says that there was none within the hour.
            if !fresh(token.issued_at) {
                return Ok(None);
            }
            self.store.unclaimed_responses(&self.tenant, token.visitor, &range, SHORT).await?
        };
        let same = |r: &&Response| {
            r.link == response.link && r.action == response.action && r.counted && fresh(r.created_at)
        };
        let first = recent.iter().find(same);
        Ok(first.map(|r| LastTouch { link: r.link, response: r.id, at: r.created_at }))
    }

    /// A response of this visit to a link, not yet flagged for anything but being the owner's own.
    pub(crate) fn response(
        &self,
        link: &Link,
        visit: &Visit,
        via: Via,
        action: Action,
        target: Option<Target>,
    ) -> Response {
        let now = self.now();
        let own = visit.user.is_some() && visit.user == link.owner;
        Response {
            id: ResponseId::from_uuid(self.id(now)),
            tenant: self.tenant.clone(),
            version: Version::FIRST,
            created_at: now,
            link: link.id,
            owner: link.owner.clone(),
            visitor: if visit.user.is_some() { None } else { visit.visitor() },
            user: visit.user.clone(),
            claimed_at: None,
            via,
            action,
            target,
            referrer: visit.referrer.as_deref().map(Referrer::cut),
            agent: visit.agent.as_deref().map(Agent::cut),
            landing: Some(visit.url.as_str()).filter(|url| !url.is_empty()).map(LandingUrl::cut),
            address: self.config.addresses.keep(visit.address, now),
            flags: if own { Flags::OWN_LINK } else { Flags::NONE },
            counted: false,
        }
    }

    /// Asks the guards, counts and stores a response.
    pub(crate) async fn write(&self, mut response: Response, link: &Link) -> Result<Written, Error> {
        for guard in &self.config.guards {
            match guard.may_record(&response, link).await {
                Verdict::Allow => {}
                Verdict::Flag => response.flags = response.flags.with(Flags::SUSPECT),
                Verdict::Deny { reason } => return Ok(Written::Refused(reason)),
            }
        }
        response.counted = response.flags.is_empty();
        let mut changes = vec![Change::Insert(response.clone().into())];
        let click = response.counted && response.action == Action::RESPONDED;
        if let Some(limit) = link.limits.clicks.filter(|_| click) {
            let within = Bounds::new(0, i64::from(limit));
            changes.push(Change::Count { counter: self.uses(link), add: 1, within });
        }
        changes.extend(tallies(&response).map(|counter| Change::Tally { counter, add: 1 }));
        let changeset = Changeset::new(changes);
        match self.commit(&changeset).await? {
            Outcome::Applied => {
                let response = Arc::new(response);
                let event = Event::ResponseRecorded(Arc::clone(&response), Arc::new(link.clone()));
                self.happened(changeset, vec![event]).await;
                Ok(Written::Stored(Box::new(Arc::unwrap_or_clone(response))))
            }
            Outcome::Conflict { conflict: Conflict::OutOfBounds { .. }, .. } => Ok(Written::Exhausted),
            Outcome::Conflict { .. } => Err(Error::Contended),
        }
    }
}

/// What became of a response that was to be stored.
pub(crate) enum Written {
    Stored(Box<Response>),
    Refused(String),
    Exhausted,
}

/// The statistics that a response is part of: its total and its hour.
fn tallies(response: &Response) -> impl Iterator<Item = CounterKey> {
    let (total, hourly) = if response.counted {
        (Family::Responses, Family::ResponsesByHour)
    } else {
        (Family::Flagged, Family::FlaggedByHour)
    };
    let key = |family| {
        let parts = [link_part(response.link), KeyPart::from(&response.action)];
        CounterKey::new(response.tenant.clone(), family, parts)
    };
    [key(total), key(hourly).in_bucket(response.created_at.hour())].into_iter()
}
