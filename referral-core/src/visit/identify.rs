//! Identify: a visitor is found out to be a user.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::catalogue::Kind;
use crate::link::{Link, LinkId, LinkReads};
use crate::referrals::{Contended, Error, Event, Referrals, Refused, Verdict};
use crate::store::{Change, Changeset, Outcome, Range, StoreError, StoreErrorKind, Version};
use crate::value::{RequestId, Timestamp, UserId, Value, VisitorId};
use crate::visit::reads::ResponseReads;
use crate::visit::request::{Request, RequestRecordId, Verb};
use crate::visit::response::Response;

/// Who is signed in, and since when the account exists.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// The user.
    pub user: UserId,
    /// When the account was made, if the host knows it. Touches did not bring an account that is older than they are.
    pub since: Option<Timestamp>,
}

impl SignedIn {
    /// Says that a user is signed in whose account was made at this moment.
    #[must_use]
    pub const fn since(user: UserId, since: Timestamp) -> Self {
        Self { user, since: Some(since) }
    }
}

impl From<UserId> for SignedIn {
    fn from(user: UserId) -> Self {
        Self { user, since: None }
    }
}

impl From<&UserId> for SignedIn {
    fn from(user: &UserId) -> Self {
        user.clone().into()
    }
}

/// What [`Referrals::identify`] changed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Identified {
    /// Exactly the responses that this call gave to the user, oldest first, as they are now.
    pub claimed: Vec<Response>,
    /// Whether it is a referred sign-up: the account was made after the first of these responses, or the host did not say
    /// when it was made. An existing account that signs in claims its responses too, but that is no sign-up. Nor is it
    /// one if there was nothing to claim.
    pub sign_up: bool,
}

impl Referrals {
    /// Says that a visitor is this user. It gives every unclaimed response of the visitor, through all links, to the user,
    /// each once. It can be called in the same request that signs the user up.
    ///
    /// If two calls run at once, no response is in both answers and no hook runs twice for it. A response that another
    /// user has claimed stays theirs. Take the visitor's token away afterwards, so that the next person at this browser is
    /// another visitor.
    ///
    /// # Errors
    /// [`Refused`] by a guard, [`StoreError`](crate::store::StoreError), and an error of the kind
    /// [`Contended`](crate::ErrorKind::Contended) if others kept changing the same responses. What was claimed before the
    /// error stays claimed, and another call goes on with the rest.
    pub async fn identify(
        &self,
        visitor: VisitorId,
        user: impl Into<SignedIn> + Send,
    ) -> Result<Identified, Error> {
        let SignedIn { user, since } = user.into();
        for guard in &self.config.guards {
            if let Verdict::Deny { reason } = guard.may_claim(visitor, &user).await {
                return Err(Refused { reason }.into());
            }
        }
        let mut claimed = Vec::new();
        let mut known = HashSet::new();
        let mut lost = 0;
        loop {
            let most = u32::try_from(Changeset::MAX_PATCH).unwrap_or(u32::MAX);
            let batch =
                self.store.unclaimed_responses(&self.site.tenant, visitor, &Range::oldest(), most).await?;
            if batch.is_empty() {
                break;
            }
            // Without this, a store that loses what it acknowledged would be asked again for ever.
            if batch.iter().any(|response| known.contains(&response.id)) {
                let message = "the store acknowledged a claim, and still lists what was claimed as unclaimed";
                return Err(StoreError::new(StoreErrorKind::Corrupt, "referral", "identify", message).into());
            }
            match self.claim(batch, &user, since).await? {
                Some(batch) => {
                    known.extend(batch.iter().map(|response| response.id));
                    claimed.extend(batch);
                }
                // Somebody claimed one of them in between; what is left is read again.
                None if lost < self.config.links.attempts => lost = lost.saturating_add(1),
                None => return Err(Contended.into()),
            }
        }
        let first = claimed.iter().map(|response: &Response| response.created_at).min();
        let sign_up = match (since, first) {
            (Some(since), Some(first)) => since >= first,
            // The host did not say how old the account is.
            (None, Some(_)) => true,
            // Nothing was claimed: whoever came, it was not this account's sign-up.
            (_, None) => false,
        };
        Ok(Identified { claimed, sign_up })
    }

    /// Claims all of these responses or none.
    async fn claim(
        &self,
        batch: Vec<Response>,
        user: &UserId,
        since: Option<Timestamp>,
    ) -> Result<Option<Vec<Response>>, Error> {
        let at = self.now();
        // They are read before the commit, because a failure afterwards would lose the hooks of what is claimed by then.
        let links = self.links_of(&batch).await?;
        let of = batch.iter().map(|response| (response.id.as_uuid(), response.version)).collect();
        let user_value = Value::Text(user.as_str().to_owned().into());
        let mut set = vec![("user", user_value), ("claimed_at", Value::Int(at.as_millis()))];
        set.extend(since.map(|since| ("account_at", Value::Int(since.as_millis()))));
        let claim = self.claim_record(&batch, at)?;
        let changeset = Changeset::new([claim, Change::Patch { kind: Kind::Response, of, set }]);
        if self.commit(&changeset).await? != Outcome::Applied {
            return Ok(None);
        }
        let claimed: Vec<Response> = batch
            .into_iter()
            .map(|response| Response {
                user: Some(user.clone()),
                claimed_at: Some(at),
                account_at: since.or(response.account_at),
                version: response.version.next(),
                ..response
            })
            .collect();
        let event = |response: &Response| {
            let link = links.get(&response.link)?;
            Some(Event::UserLinked(Arc::new(response.clone()), Arc::clone(link)))
        };
        self.happened(changeset, claimed.iter().filter_map(event).collect()).await;
        Ok(Some(claimed))
    }

    /// What tells this claim from an equal one of another call: without it, both would take the responses for their own
    /// after an unknown outcome.
    fn claim_record(&self, batch: &[Response], at: Timestamp) -> Result<Change, Error> {
        let id = self.id(at);
        let response = batch.first().ok_or(Contended)?.id;
        let request = Request {
            id: RequestRecordId::from_uuid(id),
            tenant: self.site.tenant.clone(),
            version: Version::FIRST,
            created_at: at,
            verb: Verb::Identify,
            request: RequestId::new(id.to_string())?,
            response,
        };
        Ok(Change::Insert(request.into()))
    }

    /// The links of these responses.
    async fn links_of(&self, responses: &[Response]) -> Result<BTreeMap<LinkId, Arc<Link>>, Error> {
        let mut ids: Vec<LinkId> = responses.iter().map(|response| response.link).collect();
        ids.sort_unstable();
        ids.dedup();
        let links = self.store.links_by_id(&self.site.tenant, &ids).await?;
        Ok(links.into_iter().map(|link| (link.id, Arc::new(link))).collect())
    }
}
