//! Storing one response with everything that belongs to it.

use std::sync::Arc;

use super::reads::ResponseReads as _;
use super::refusal::VisitRefusal;
use super::request::{Request, RequestRecordId, Verb};
use super::response::{Flags, Response, ResponseId, Via};
use super::tallies::tallies;
use super::visit::Visit;
use crate::catalogue::Unique;
use crate::link::{Link, LinkId};
use crate::referrals::{Contended, Error, Event, Referrals, Verdict};
use crate::store::{Bounds, Change, Changeset, Conflict, Outcome, Read as _, UniqueKey, Value, Version};
use crate::value::{Action, RequestId, Target};

/// What a verb was asked to record, and under which name of the host's.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The verb and the host's name for the request; `None` where the host gave none.
    pub(super) request: Option<(Verb, &'a RequestId)>,
    pub(super) action: &'a Action,
    pub(super) target: Option<&'a Target>,
    /// The link that was named; `None` where the winning touch decides.
    pub(super) link: Option<LinkId>,
}

impl Asked<'_> {
    /// A touch that no name was given for.
    pub(super) const TOUCH: Asked<'static> =
        Asked { request: None, action: &Action::RESPONDED, target: None, link: None };

    /// Whether a response is what this asks for, by this visitor or user. A visitor without a token may be anybody.
    fn is_answered_by(&self, response: &Response, visit: &Visit) -> bool {
        let known = visit.user.is_some() || visit.token.is_some();
        let same_user = visit.user.is_some() && response.user == visit.user;
        let same_visitor = visit.token.is_some() && response.visitor == visit.visitor();
        response.action == *self.action
            && response.target.as_ref() == self.target
            && self.link.is_none_or(|link| response.link == link)
            && (!known || same_user || same_visitor)
    }
}

/// What became of a response that was to be stored.
pub(super) enum Written {
    Stored(Box<Response>),
    /// The same request was done before, and recorded this.
    Before(Box<Response>),
    Refused(String),
    Exhausted,
}

impl Referrals {
    /// A response of this visit to a link, not yet flagged for anything but being the owner's own.
    pub(super) fn response(
        &self,
        link: &Link,
        visit: &Visit,
        via: Via,
        action: Action,
        target: Option<Target>,
    ) -> Response {
        let now = self.now();
        let storage = &self.config.visits.storage;
        let own = visit.user.is_some() && visit.user == link.owner;
        Response {
            id: ResponseId::from_uuid(self.id(now)),
            tenant: self.site.tenant.clone(),
            version: Version::FIRST,
            created_at: now,
            link: link.id,
            owner: link.owner.clone(),
            visitor: if visit.user.is_some() { None } else { visit.visitor() },
            user: visit.user.clone(),
            claimed_at: None,
            account_at: visit.user_since.filter(|_| visit.user.is_some()),
            via,
            action,
            target,
            referrer: storage.referrer(visit),
            agent: storage.agent(visit),
            landing: storage.landing(visit),
            address: self.config.visits.addresses.keep(visit.address, now),
            tags: storage.tags(visit),
            flags: if own { Flags::OWN_LINK } else { Flags::NONE },
            counted: false,
        }
    }

    /// Asks the guards, counts and stores a response.
    pub(super) async fn write(
        &self,
        mut response: Response,
        link: &Link,
        visit: &Visit,
        asked: Asked<'_>,
    ) -> Result<Written, Error> {
        for guard in &self.config.guards {
            match guard.may_record(&response, link).await {
                Verdict::Allow => {}
                Verdict::Flag => response.flags = response.flags.with(Flags::SUSPECT),
                Verdict::Deny { reason } => return Ok(Written::Refused(reason)),
            }
        }
        response.counted = response.flags.is_empty();
        let changeset = self.changeset(&response, link, visit, asked);
        match self.commit(&changeset).await? {
            Outcome::Applied => {
                let response = Arc::new(response);
                let event = Event::ResponseRecorded(Arc::clone(&response), Arc::new(link.clone()));
                self.happened(changeset, vec![event]).await;
                Ok(Written::Stored(Box::new(Arc::unwrap_or_clone(response))))
            }
            Outcome::Conflict { conflict: Conflict::OutOfBounds { .. }, .. } => Ok(Written::Exhausted),
            // The same request, made again while the first was under way.
            Outcome::Conflict { conflict: Conflict::Taken { .. }, .. } => {
                match self.done(asked, visit).await? {
                    Some(response) => Ok(Written::Before(Box::new(response))),
                    None => Err(Contended.into()),
                }
            }
            Outcome::Conflict { .. } => Err(Contended.into()),
        }
    }

    /// The response first, because it is the witness.
    fn changeset(&self, response: &Response, link: &Link, visit: &Visit, asked: Asked<'_>) -> Changeset {
        let click = response.action == Action::RESPONDED;
        let mut changes = vec![Change::Insert(response.clone().into())];
        if let Some((verb, request)) = asked.request {
            let request = Request {
                id: RequestRecordId::from_uuid(self.id(response.created_at)),
                tenant: response.tenant.clone(),
                version: Version::FIRST,
                created_at: response.created_at,
                verb,
                request: request.clone(),
                response: response.id,
            };
            changes.push(Change::Insert(request.into()));
        }
        if let Some(limit) = link.limits.clicks.filter(|_| click && response.counted) {
            let within = Bounds::new(0, i64::from(limit));
            changes.push(Change::Count { counter: self.uses(link), add: 1, within });
        }
        let new_visitor = click && response.user.is_none() && visit.token.is_none();
        let owner_days = self.config.visits.owner_days;
        let tally = |counter| Change::Tally { counter, add: 1 };
        changes.extend(tallies(response, new_visitor, owner_days).into_iter().map(tally));
        Changeset::new(changes)
    }

    /// What the same request of the host's recorded before.
    ///
    /// # Errors
    /// [`VisitRefusal::RequestReused`] where it recorded something else, or for somebody else.
    pub(super) async fn done(&self, asked: Asked<'_>, visit: &Visit) -> Result<Option<Response>, Error> {
        let Some((verb, request)) = asked.request else { return Ok(None) };
        let text = |text: &str| Value::Text(text.to_owned().into());
        let key = UniqueKey {
            unique: Unique::RequestOfVerb,
            tenant: self.site.tenant.clone(),
            parts: vec![text(verb.name()), text(request.as_str())],
        };
        let found = self.store.find(&[key]).await?.into_iter().flatten().next();
        let Some(request) = found.and_then(|record| Request::try_from(record).ok()) else { return Ok(None) };
        let Some(response) = self.store.response(&self.site.tenant, request.response).await? else {
            return Ok(None);
        };
        if asked.is_answered_by(&response, visit) {
            Ok(Some(response))
        } else {
            Err(VisitRefusal::RequestReused { request: request.request, response: response.id }.into())
        }
    }
}
