//! One touch: from a code and a visit to a recorded response.

use super::classify::Class;
use super::reads::ResponseReads as _;
use super::recording::{Asked, Written};
use super::request::Verb;
use super::response::{Flags, Response, Via};
use super::visit::Visit;
use crate::link::{DeadCode, Link, LinkReads as _};
use crate::referrals::{Error, Failure, Referrals};
use crate::store::Range;
use crate::token::{LastTouch, Token};
use crate::value::{Action, Code, Timestamp, VisitorId};

/// What became of a touch, and what to do with the visitor's token.
#[derive(Debug)]
#[non_exhaustive]
pub struct Touch {
    /// What became of it.
    pub outcome: TouchOutcome,
    /// The link, dead or alive. `None` if the code is unknown or the store failed.
    pub link: Option<Link>,
    /// What to do with the token.
    pub token: TokenChange,
}

/// What became of a touch. None of them is an error to the visitor.
#[derive(Debug)]
#[non_exhaustive]
pub enum TouchOutcome {
    /// It is recorded. It is flagged if it does not count.
    Recorded(Box<Response>),
    /// The link is alive, and this kind of request leaves no trace.
    Ignored(Class),
    /// A guard vetoed it.
    Refused {
        /// The guard's reason.
        reason: String,
    },
    /// The code leads nowhere now. Neither the touches nor the token change.
    Dead(DeadCode),
    /// Something failed; the observer was told.
    Failed(Error),
}

/// What to do with the visitor's token.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TokenChange {
    /// Leave the token as it is.
    Keep,
    /// Give the browser this token.
    Set(Token),
    /// Take the token away.
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
    /// Records that a visitor came with a code, in whatever way. [`Referrals::land`] does this and also says where to
    /// redirect to.
    pub async fn touch(&self, code: &str, visit: &Visit, via: Via) -> Touch {
        let touch = self.try_touch(code, visit, via, Asked::TOUCH).await;
        let touch = touch.unwrap_or_else(|error| Touch::without_token(TouchOutcome::Failed(error), None));
        if let TouchOutcome::Failed(error) = &touch.outcome {
            self.report(&Failure::Landing { error });
        }
        touch
    }

    /// Records a code that a person typed, such as at sign-up. The same code twice within the hour, or a code whose link
    /// was just clicked, is flagged as a duplicate. An owner's own code is flagged too. A call that is made again with the
    /// same [request](Visit::with_request) gets the first answer and records nothing. A browser without a token gets one
    /// with the first try only, so pass the user wherever the user is known.
    ///
    /// # Errors
    /// [`VisitRefusal::RequestReused`](super::VisitRefusal::RequestReused), [`StoreError`](crate::store::StoreError). An
    /// unknown or dead code is an outcome.
    pub async fn enter_code(&self, visit: &Visit, code: &str) -> Result<Touch, Error> {
        let request = visit.request.as_ref().map(|request| (Verb::EnterCode, request));
        let asked = Asked { request, ..Asked::TOUCH };
        let touch = self.try_touch(code.trim(), visit, Via::Code, asked).await?;
        match touch.outcome {
            TouchOutcome::Failed(error) => Err(error),
            _ => Ok(touch),
        }
    }

    async fn try_touch(&self, code: &str, visit: &Visit, via: Via, asked: Asked<'_>) -> Result<Touch, Error> {
        let unknown = || Ok(Touch::without_token(TouchOutcome::Dead(DeadCode::Unknown), None));
        let Ok(code) = Code::new(code) else { return unknown() };
        let Some(link) = self.store.link_by_code(&self.site.tenant, &code).await? else { return unknown() };
        let asked = Asked { link: Some(link.id), ..asked };
        if let Some(response) = self.done(asked, visit).await? {
            // Never the token of the first try: whoever gives the name again may be somebody else.
            return Ok(Touch::without_token(TouchOutcome::Recorded(Box::new(response)), Some(link)));
        }
        if let Some(dead) = self.dead(&link).await? {
            return Ok(Touch::without_token(TouchOutcome::Dead(dead), Some(link)));
        }
        let class =
            if via == Via::Click { self.config.visits.classifier.classify(visit) } else { Class::Human };
        if !class.is_recorded() {
            return Ok(Touch::without_token(TouchOutcome::Ignored(class), Some(link)));
        }
        // The link is known by now, so a visitor gets where it leads whatever happens.
        let recorded = self.record_touch(&link, visit, via, class, asked).await;
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
        asked: Asked<'_>,
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
        let outcome = match self.write(response, link, visit, asked).await? {
            Written::Stored(response) | Written::Before(response) => TouchOutcome::Recorded(response),
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
            let fresh = Token::new(visitor, response.created_at, self.config.visits.token_life);
            token = TokenChange::Set(last.map_or(fresh, |last| fresh.with_last(last)));
        }
        Ok((outcome, token))
    }

    /// The earlier touch that makes this one a repeat. The token tells without a read if the last touch was of the
    /// same link; else one short page does.
    async fn repeated(&self, response: &Response, visit: &Visit) -> Result<Option<LastTouch>, Error> {
        const SHORT: u32 = 20;
        let since = response.created_at.saturating_sub(self.config.visits.repeat);
        let fresh = |at: Timestamp| at > since && at <= response.created_at;
        let range = Range { from: Some(since.as_millis()), ..Range::newest() };
        let recent = if let Some(user) = &response.user {
            self.store.responses_of_user(&self.site.tenant, user, &range, SHORT).await?
        } else {
            let Some(token) = visit.token else { return Ok(None) };
            if let Some(last) = token.last.filter(|last| last.link == response.link && fresh(last.at)) {
                return Ok(Some(last));
            }
            // Each touch renews the token, so an older one says that there was none within the hour.
            if !fresh(token.issued_at) {
                return Ok(None);
            }
            self.store.unclaimed_responses(&self.site.tenant, token.visitor, &range, SHORT).await?
        };
        let same = |r: &&Response| {
            r.link == response.link && r.action == response.action && r.counted && fresh(r.created_at)
        };
        let first = recent.iter().find(same);
        Ok(first.map(|r| LastTouch { link: r.link, response: r.id, at: r.created_at }))
    }
}
